"""Every page of the console: its route, what its picture shows, who looks, and what they do there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page as Window
from playwright.sync_api import expect

Do = Callable[[Window], None]
PATIENCE = 60_000.0
REHEARSE = "/console/playbooks/rehearse"


def _nothing(_: Window) -> None:
    """The page as it opens."""


def _first_dialog(window: Window) -> None:
    window.locator(".need.escalation").first.get_by_role("button", name="They answered").click()


def _first_draft(window: Window) -> None:
    window.locator(".need.draft").first.get_by_role("button", name="Read").click()
    window.wait_for_timeout(800)


def _run_it(window: Window) -> None:
    """Rehearse, unless the window shows one that was played already."""
    window.get_by_role("button", name="Run it").click()
    expect(window.locator("#result .card").first).to_be_visible(timeout=PATIENCE)
    expect(window.locator("#result[data-state='done']")).to_be_visible(timeout=PATIENCE)
    _to("#result")(window)


def _to(selector: str) -> Do:
    """Scroll something to the upper part of the window."""
    place = "one => { one.scrollIntoView({ block: 'start' }); window.scrollBy(0, -120); }"
    return lambda window: window.locator(selector).first.evaluate(place)


@dataclass(frozen=True)
class Shot:
    """A picture: its file's name, the page's route, its title and a sentence, and whose page it is.

    `at` is where, with names in braces that the demo's store fills in (`console_demo.facts`). `role` is whom
    one enters the demo as, empty for nobody. `part` is the heading of docs/console.md that it stands under.
    """

    key: str
    part: str
    title: str
    words: str
    route: str
    at: str = ""
    role: str = "csm"
    do: Do = _nothing

    @property
    def path(self) -> str:
        """Where it is."""
        return self.at or self.route


WORK, CUSTOMERS, RUNS = "What needs you", "Customers", "Playbooks and rehearsals"
MESSAGES, SETTINGS, OUTSIDE = (
    "Messages and offers",
    "Settings and audit",
    "Signing in, and the customer's page",
)

SHOTS = (
    Shot("today", WORK, "Today", "What needs somebody, in the order of what waiting costs.", "/console"),
    Shot(
        "today-answer",
        WORK,
        "Logging an answer",
        "A customer answered: two keys, or two clicks.",
        "/console",
        do=_first_dialog,
    ),
    Shot(
        "today-draft",
        WORK,
        "A draft",
        "A message that waits for somebody's word, as its reader would see it.",
        "/console",
        do=_first_draft,
    ),
    Shot(
        "calendar",
        WORK,
        "Calendar",
        "What goes out to whom in the next 14 days, and how much each CSM has.",
        "/console/calendar",
    ),
    Shot(
        "alerts",
        WORK,
        "Alerts",
        "What has happened to customers, and who has it in hand.",
        "/console/alerts",
    ),
    Shot(
        "portfolio",
        CUSTOMERS,
        "Portfolio",
        "How the customers stand, who fell, and why.",
        "/console/portfolio",
    ),
    Shot(
        "customer",
        CUSTOMERS,
        "A customer",
        "Why the score is what it is, and one timeline of all that was and will be.",
        "/console/customers/{customer}",
        "/console/customers/{critical}",
    ),
    Shot(
        "customer-answered",
        CUSTOMERS,
        "A customer who has answered",
        "What is never sent now stands above the line of the present.",
        "/console/customers/{customer}",
        "/console/customers/{answered}",
        do=_to("#timeline"),
    ),
    Shot(
        "search",
        CUSTOMERS,
        "Search",
        "Customers, contacts and interventions by any part of a name.",
        "/console/search",
        "/console/search?q=foods",
    ),
    Shot(
        "playbooks",
        RUNS,
        "Playbooks",
        "Each with who is in it and what came of it; automatic, with drafts, or off.",
        "/console/playbooks",
    ),
    Shot(
        "playbook",
        RUNS,
        "A playbook",
        "Its timeline as a picture: what happens when, unless they answer.",
        "/console/playbooks/{name}",
        "/console/playbooks/critical",
    ),
    Shot(
        "rehearse",
        RUNS,
        "Asking for a rehearsal",
        "Reactions are put on the timeline.",
        REHEARSE,
        REHEARSE + "?playbook=critical&customer={critical}&typed=reply+30h",
    ),
    Shot(
        "rehearsal",
        RUNS,
        "A rehearsal",
        "The real playbook for a real customer on a clock that runs ahead.",
        REHEARSE + "/{rehearsal_id}",
        REHEARSE + "?playbook=critical&customer={critical}&typed=reply+30h",
        do=_run_it,
    ),
    Shot("outbox", MESSAGES, "Outbox", "Every message, and how far it has come.", "/console/outbox"),
    Shot(
        "outbox-written",
        MESSAGES,
        "What was written",
        "All that the outbox has taken.",
        "/console/outbox/written",
    ),
    Shot(
        "outbox-suppressions",
        MESSAGES,
        "Suppressions",
        "Addresses that nothing is sent to, and why.",
        "/console/outbox/suppressions",
    ),
    Shot(
        "message",
        MESSAGES,
        "A message",
        "As its reader sees it.",
        "/console/messages/{message:path}",
        "/console/messages/{message}",
    ),
    Shot(
        "document",
        MESSAGES,
        "A document",
        "What a playbook has written for a customer.",
        "/console/documents/{intervention}/{step}",
        "/console/documents/{document}",
    ),
    Shot("offers", MESSAGES, "Offers", "What customers were offered, and what they said.", "/console/offers"),
    Shot(
        "opportunities",
        MESSAGES,
        "Opportunities",
        "Who has room to grow, and what it may bring.",
        "/console/opportunities",
    ),
    Shot(
        "settings-organisation",
        SETTINGS,
        "Organisation",
        "Name, product, sender and address.",
        "/console/settings/organisation",
        role="admin",
    ),
    Shot(
        "settings-hours",
        SETTINGS,
        "Hours and caps",
        "When messages may go out, and how many.",
        "/console/settings/hours",
        role="admin",
    ),
    Shot(
        "settings-days",
        SETTINGS,
        "Days",
        "Holidays and closed days of one's own.",
        "/console/settings/days",
        role="admin",
    ),
    Shot(
        "settings-sending",
        SETTINGS,
        "Sending",
        "Stops, and a trial of each channel.",
        "/console/settings/sending",
        role="admin",
    ),
    Shot(
        "settings-alerts",
        SETTINGS,
        "Alert rules",
        "Thresholds, and which alerts there are.",
        "/console/settings/alerts",
        role="admin",
    ),
    Shot(
        "settings-channels",
        SETTINGS,
        "Who is told",
        "By which channel people hear of alerts.",
        "/console/settings/channels",
        role="admin",
    ),
    Shot(
        "settings-webhooks",
        SETTINGS,
        "Webhooks",
        "Where events are sent to, and what became of them.",
        "/console/settings/webhooks",
        role="admin",
    ),
    Shot(
        "settings-staff",
        SETTINGS,
        "Staff and absences",
        "Who answers for whom, and who stands in.",
        "/console/settings/staff",
        role="admin",
    ),
    Shot(
        "settings-scorecards",
        SETTINGS,
        "Scorecards",
        "How metrics become a score.",
        "/console/settings/scorecards",
        role="admin",
    ),
    Shot(
        "settings-scorecard",
        SETTINGS,
        "A scorecard",
        "Its metrics, weights and levels.",
        "/console/settings/scorecards/{scorecard}",
        "/console/settings/scorecards/intervention",
        role="admin",
    ),
    Shot(
        "settings-access",
        SETTINGS,
        "Access",
        "Accounts and API keys.",
        "/console/settings/access",
        role="admin",
    ),
    Shot("audit", SETTINGS, "Audit", "Who did what, when and why.", "/console/audit", role="ops"),
    Shot("me", SETTINGS, "Your account", "Password and sessions.", "/console/me"),
    Shot(
        "sign-in",
        OUTSIDE,
        "Entering the demo",
        "One click makes one somebody of the made-up people.",
        "/sign-in",
        role="",
    ),
    Shot(
        "success",
        OUTSIDE,
        "A customer's own page",
        "Score, activity, insights and what is new, for their own eyes only.",
        "/success",
        role="client",
    ),
)

NO_PAGES = {
    "/": "leads to the console",
    "/sign-in/oidc": "leads to the provider",
    "/sign-in/oidc/callback": "leads back",
    "/success/token": "a token",
    "/console/settings": "leads to the first of them",
    "/console/portfolio/customers.csv": "a file",
    REHEARSE + "/{rehearsal_id}/page": "the report of `keepwell rehearse --html`, which the guides show",
}
"""Routes that answer with no page of the console, each with why."""
PARTS = (
    "/fresh",
    "/beside",
    "/found",
    "/timeline",
    "/similar",
    "/figures",
    "/load",
    "/means",
    "/calendar/days",
    "/rehearse/customers",
    "/messages/{number}",
    "/deliveries/{delivery}",
)
"""How routes end that answer with a part of a page."""


def is_part(route: str) -> bool:
    """Whether a route answers with a part of a page: its page's picture shows it."""
    return route.endswith(PARTS) or "-panel/" in route
