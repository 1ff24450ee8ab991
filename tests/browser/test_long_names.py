"""Every page of the console with names as long, broken and foreign as names are: on a phone and on a desk."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import ElementHandle, Page, expect

from keepwell.contracts.access import Permission, Role
from keepwell.db.repositories.client_insights import InsightKind, NewInsight, put_insight
from keepwell.db.tables import (
    Absence,
    Alert,
    ClosedDay,
    Customer,
    Document,
    Draft,
    KillSwitch,
    Organisation,
    SavedView,
    WebhookEndpoint,
)
from scoring.signal import Trigger
from tests.browser.conftest import SignedIn, Site
from tests.browser.looks import accessible, fits
from tests.pictures.console_pages import SHOTS
from tests.unit.api.callers import key_for
from tests.unit.api.desk_world import DAY, HOUR, Desk
from tests.unit.api.test_v1_customer_work import opportunity
from tests.unit.api.test_v1_messages import letter, offer
from tests.unit.console.test_outbox_page import delivery, kept
from tests.unit.db.world import World

WORD = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz" * 2
NAMES = (
    "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenfabrikations-GmbH",
    "<b>Acme & Co</b> <i>Industrial Holdings International of North America</i> Limited",
    "شركة الخليج للاستثمارات والتطوير العقاري والتجارة العامة المحدودة",
    "😀🚀 Emoji & Family 👩‍👩‍👧‍👦 Trading Company of the Upper Eastern Riverside District",
    WORD[:100],
)
SENTENCE = f"They wrote that {NAMES[0]} <b>never</b> arrives & want a refund of everything"
MAIL = f"maximiliane-alexandra.von.hohenstein-wittelsbach@{NAMES[0][:50].lower()}.example"
PLAN = "Enterprise Platinum Plus with Extended Support & <i>Onboarding</i> 2026 (annual, prepaid)"
WINDOWS = ((390, 844, "light"), (1440, 900, "dark"))


@pytest.fixture
def home(site: Site) -> Desk:
    """Five customers, and of the first one of each thing that pages show."""
    world = World(site.door.store, organisation="org-1", key="org-1")
    desk = Desk(None, world, {})  # type: ignore[arg-type]  # it asks nothing over HTTP
    for key, name in (("dana", NAMES[4]), ("omar", NAMES[2])):
        world.staff(desk.named(key), name=name, email=f"{key}.{MAIL}", title=SENTENCE)
    for number, name in enumerate(NAMES):
        key = ("acme", "beta", "gamma", "delta", "eta")[number]
        of: dict[str, Any] = {
            "plan": PLAN,
            "segment": NAMES[1],
            "industry": WORD,
            "owner_id": desk.named("dana"),
        }
        world.score(desk.customer(key, **of), 12.0 + 9 * number, desk.now - HOUR)
        world.contact(desk.named(f"at-{key}"), desk.named(key), name=name, email=f"{key}.{MAIL}", title=PLAN)
        world.change(Customer, desk.named(key), name=name)
        alert = desk.alert(desk.named(key), Trigger.INACTIVITY)
        world.change(Alert, alert, words=(SENTENCE, WORD)[number % 2])
    names: dict[str, Any] = {
        "name": NAMES[0],
        "product": NAMES[4],
        "sender_name": NAMES[1],
        "postal_address": SENTENCE,
    }
    world.change(Organisation, "org-1", **names, sender_address=MAIL)
    _work(desk)
    _settings(desk)
    return desk


def _work(desk: Desk) -> None:
    """Of the first customer: a run with a draft, tasks, an offer, messages, letters, a document, insights."""
    acme, run = desk.named("acme"), desk.intervention("run", desk.named("acme"))
    for number, title in enumerate((SENTENCE, WORD)):
        values: dict[str, Any] = {"title": title, "detail": f"{SENTENCE} {WORD}"}
        desk.task(f"t{number}", acme, **values, owner_id=desk.named("dana"), due_at=desk.now + HOUR)
    of: dict[str, Any] = {"recipient_name": NAMES[4], "address": MAIL, "subject": WORD}
    delivery(desk, "sent", run, **of)
    delivery(desk, "failed", run, **of, state="failed", reason=SENTENCE)
    kept(desk, "kept", **of)
    letter(
        desk, "letter", customer_id=acme, from_name=NAMES[2], from_address=MAIL, subject=WORD, text=SENTENCE
    )
    offer(desk, "offer")
    opportunity(desk, "chance", "acme", words=SENTENCE)
    row: dict[str, Any] = {"organisation_id": "org-1", "customer_id": acme, "intervention_id": run}
    at: dict[str, Any] = {"created_at": desk.now, "decide_by": desk.now + HOUR}
    desk.world.add(
        Draft(**row, **at, step="executive_email", key="k", channel="email",
              recipient_id=desk.named("at-acme"), recipient_name=NAMES[4], subject=WORD, text=SENTENCE)
    )  # fmt: skip
    desk.world.add(
        Document(
            **row, id="doc", step="roadmap", title=WORD, html="<p>Roadmap</p>", text="", created_at=desk.now
        )
    )
    with desk.store.write() as session:
        for number, kind in enumerate((InsightKind.TIP, InsightKind.ACHIEVEMENT)):
            new = NewInsight(
                key=f"i{number}",
                kind=kind,
                title=(SENTENCE, WORD)[number],
                body=f"{WORD} {SENTENCE}",
                action_label=WORD[:80],
                action_url="/success#more",
            )
            put_insight(session, "org-1", acme, new, desk.now)


def _settings(desk: Desk) -> None:
    """An absence, a stop, a closed day, a webhook, a key, a view and a suppressed address."""
    world = desk.world
    own: dict[str, Any] = {"organisation_id": "org-1"}
    key_for(desk.store, "org-1", Permission.READ)
    days: dict[str, Any] = {"from_on": desk.now.date(), "until_on": (desk.now + 3 * DAY).date()}
    away: dict[str, Any] = {
        "staff_id": desk.named("omar"),
        "cover_id": desk.named("dana"),
        "entered_at": desk.now,
    }
    world.add(Absence(**own, **days, **away, reason=SENTENCE, entered_by=NAMES[4]))
    stop: dict[str, Any] = {"scope": "customer", "subject": desk.named("beta")}
    world.add(KillSwitch(**own, **stop, reason=SENTENCE, thrown_by=NAMES[4], thrown_at=desk.now))
    world.add(ClosedDay(**own, day=(desk.now + DAY).date(), name=WORD))
    hook: dict[str, Any] = {"url": f"https://{'sub.' * 20}example.com/{WORD}", "kinds": {"wanted": ["*"]}}
    world.add(
        WebhookEndpoint(
            **own, **hook, secret="s", description=SENTENCE, created_by=NAMES[1], created_at=desk.now
        )
    )
    world.add(SavedView(**own, name=WORD[:80], query="level=CRITICAL", created_at=desk.now))
    world.suppress(MAIL, detail=SENTENCE)


def paths(desk: Desk) -> list[str]:
    """Every page that has a picture, with the ids of this house."""
    acme = desk.named("acme")
    facts = {"critical": acme, "answered": desk.named("beta"), "message": desk.named("kept")}
    facts["document"] = f"{desk.named('run')}/roadmap"
    ours = [shot for shot in SHOTS if shot.role not in {"", "client"}]
    return [*dict.fromkeys(shot.path.format(**facts) for shot in ours), "/console/search?q=GmbH"]


def window_of(page: Page, width: int, height: int, colours: str) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="dark" if colours == "dark" else "light", reduced_motion="reduce")


def opened(page: Page, address: str) -> None:
    """The page with the parts that it loads by itself."""
    answer = page.goto(address)
    assert answer is not None
    assert answer.ok, (address, answer.status)
    expect(page.locator(".htmx-request")).to_have_count(0)


@pytest.mark.parametrize(("width", "height", "colours"), WINDOWS)
def test_every_page_fits_its_window_and_can_be_used(
    site: Site, home: Desk, console_page: SignedIn, width: int, height: int, colours: str
) -> None:
    page = console_page("org-1", Role.ADMIN, staff=home.named("dana"), name=NAMES[4])
    window_of(page, width, height, colours)
    asked = paths(home)
    assert len(asked) > 25
    for path in asked:
        opened(page, site.url + path)
        try:
            fits(page)
            # A document is the playbook's own letter.
            if "/documents/" not in path:
                accessible(page)
        except AssertionError as wrong:
            raise AssertionError(f"{path}: {wrong}") from wrong


@pytest.mark.parametrize(("width", "height", "colours"), WINDOWS)
def test_a_customers_own_page_does_so_too(
    site: Site, home: Desk, console_page: SignedIn, width: int, height: int, colours: str
) -> None:
    page = console_page("org-1", Role.CLIENT, customer=home.named("acme"), name=NAMES[0])
    window_of(page, width, height, colours)
    opened(page, f"{site.url}/success")
    assert page.locator(".insight").count() == 2
    fits(page)
    accessible(page)


def _within(page: Page) -> bool:
    """Whether the open dialog stands in its window with all that it holds, and has the focus."""
    return bool(
        page.evaluate(
            """() => {
              const dialog = document.querySelector("dialog[open]"), box = dialog.getBoundingClientRect();
              return box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight
                && dialog.scrollWidth <= dialog.clientWidth && dialog.contains(document.activeElement);
            }"""
        )
    )


def _through(page: Page, button: ElementHandle, which: str) -> None:
    """Open a dialog and leave it by Esc: it keeps the focus while it is open, and gives it back."""
    button.focus()
    button.press("Enter")
    page.wait_for_selector("dialog[open]")
    expect(page.locator(".htmx-request")).to_have_count(0)
    assert _within(page), f"{which}: it does not fit, or has no focus"
    for _ in range(12):
        page.keyboard.press("Tab")
        beside = "!document.activeElement.matches('body, html, dialog[open] *')"
        assert not page.evaluate(beside), f"{which}: the focus leaves it"
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog[open]", state="detached")
    assert button.evaluate("(one) => one === document.activeElement"), f"{which}: the focus is lost"


@pytest.mark.parametrize(
    ("path", "least"),
    [
        ("/console", 3),
        ("/console/customers/{critical}", 8),
        ("/console/portfolio", 3),
        ("/console/settings/access", 2),
        ("/console/settings/staff", 1),
        ("/console/outbox/suppressions", 2),
    ],
)
def test_each_dialog_fits_a_phone_keeps_the_focus_and_gives_it_back(
    site: Site, home: Desk, console_page: SignedIn, path: str, least: int
) -> None:
    page = console_page("org-1", Role.ADMIN, staff=home.named("dana"), name=NAMES[4])
    window_of(page, 390, 844, "light")
    opened(page, site.url + path.format(critical=home.named("acme")))
    seen: set[str] = set()
    for button in page.locator("[data-open]:visible").element_handles():
        which = button.get_attribute("data-open") or ""
        if which not in seen:
            _through(page, button, which)
            seen.add(which)
    assert len(seen) >= least, seen
