"""The calendar, the outbox, the audit log and the settings in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import select

from keepwell.contracts.access import Role
from keepwell.contracts.people import SuppressionReason
from keepwell.db.repositories import journal
from keepwell.db.repositories.suppressing import suppress
from keepwell.db.repositories.webhook_desk import add_endpoint
from keepwell.db.tables import (
    ApiKey,
    Customer,
    Delivery,
    Intervention,
    KillSwitch,
    Organisation,
    Suppression,
)
from tests.browser.conftest import SignedIn, Site
from tests.browser.looks import accessible, fits, on_a_phone
from tests.unit.api.desk_world import DAY, HOUR, Desk
from tests.unit.console.seen import HOSTILE, LONG_NAME, RIGHT_TO_LEFT
from tests.unit.db.world import World

SETTINGS = (
    "organisation",
    "hours",
    "days",
    "alerts",
    "channels",
    "webhooks",
    "staff",
    "scorecards",
    "access",
    "sending",
)


@pytest.fixture
def home(site: Site) -> Desk:
    """An organisation with Dana, her customer Acme, and an intervention that is under way."""
    world = World(site.door.store, organisation="org-1", key="org-1")
    made = Desk(None, world, {})  # type: ignore[arg-type]  # it asks nothing over HTTP
    dana = world.staff(made.named("dana"), name="Dana Reyes", email="dana@brightdesk.example")
    world.staff(made.named("omar"), name="Omar Haddad")
    made.customer("acme", owner_id=dana)
    made.intervention("run", made.named("acme"), owner_id=dana, started_at=made.now)
    return made


def signed_in(console_page: SignedIn, home: Desk, role: Role = Role.ADMIN) -> Page:
    """Dana's window."""
    return console_page(home.world.organisation, role, staff=home.named("dana"), name="Dana Reyes")


def organisation(home: Desk) -> Organisation:
    """As it stands."""
    with home.store.read() as session:
        return session.get_one(Organisation, home.world.organisation)


def message(home: Desk, state: str = "unknown", subject: str = "About your plan") -> str:
    """A row of the send ledger."""
    key = f"{home.named('run')}/{state}"
    home.world.add(
        Delivery(
            key=key,
            organisation_id=home.world.organisation,
            customer_id=home.named("acme"),
            intervention_id=home.named("run"),
            step="executive_email",
            channel="email",
            recipient_id="c",
            recipient_kind="contact",
            recipient_name="Ann Contact",
            address="ann@acme.example",
            subject=subject,
            reason="no answer in time",
            state=state,
            planned_at=home.now - HOUR,
            updated_at=home.now,
        )
    )
    return key


def test_quiet_hours_are_changed_with_a_preview_and_taken_back(
    site: Site, home: Desk, console_page: SignedIn
) -> None:
    page = signed_in(console_page, home)
    page.goto(f"{site.url}/console/settings/hours")
    page.get_by_label("From").fill("20:00")
    page.get_by_label("Until").fill("08:00")
    for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"):
        page.get_by_label(day).check()
    page.get_by_label("To a customer in 24 hours").fill("2")
    means = page.locator("#means")
    expect(means).to_contain_text("goes Monday")
    expect(means).to_contain_text("at most 2 in 24 hours")
    assert organisation(home).quiet_from == ""
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toast")).to_contain_text("Saved. What waits for an hour looks again.")
    saved = organisation(home)
    assert (saved.quiet_from, saved.quiet_until, saved.business_days) == ("20:00", "08:00", "12345")
    assert saved.customer_cap_day == 2
    expect(page.get_by_label("From")).to_have_value("20:00")
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.get_by_label("From")).to_have_value("")
    back = organisation(home)
    assert (back.quiet_from, back.business_days, back.customer_cap_day) == ("", "", None)


def test_a_refused_value_is_marked_where_it_stands_and_nothing_is_lost(
    site: Site, home: Desk, console_page: SignedIn
) -> None:
    page = signed_in(console_page, home)
    page.goto(f"{site.url}/console/settings/organisation")
    page.get_by_label("Product", exact=True).fill("Desk Pro")
    zone = page.get_by_label("Time zone")
    zone.fill("Mars/Olympus")
    page.get_by_role("button", name="Save").click()
    expect(zone).to_have_attribute("aria-invalid", "true")
    expect(zone).to_be_focused()
    expect(zone).to_have_accessible_description("An IANA zone such as Europe/Berlin Unknown zone.")
    expect(page.locator("#organisation [data-wrong]")).to_have_text("It was not saved: see the marked field.")
    accessible(page)
    assert organisation(home).product != "Desk Pro"
    expect(page.get_by_label("Product", exact=True)).to_have_value("Desk Pro")
    zone.fill("Europe/Berlin")
    expect(zone).not_to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toast")).to_contain_text("Saved.")
    assert (organisation(home).product, organisation(home).time_zone) == ("Desk Pro", "Europe/Berlin")


def test_who_saves_second_sees_what_the_first_has_done(
    site: Site, home: Desk, console_page: SignedIn
) -> None:
    page = signed_in(console_page, home)
    page.goto(f"{site.url}/console/settings/organisation")
    page.get_by_label("Product", exact=True).fill("Mine")
    home.world.change(Organisation, home.world.organisation, product="Theirs", currency="CHF")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#organisation [data-wrong]")).to_contain_text("Somebody else has saved")
    expect(page.locator("#organisation")).to_contain_text("Meanwhile somebody has changed this to “Theirs”")
    expect(page.get_by_label("Product", exact=True)).to_have_value("Mine")
    expect(page.get_by_label("Currency")).to_have_value("CHF")
    assert organisation(home).product == "Theirs"
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toast")).to_contain_text("Saved.")
    assert (organisation(home).product, organisation(home).currency) == ("Mine", "CHF")


def test_a_channel_is_switched_on_and_tested(site: Site, home: Desk, console_page: SignedIn) -> None:
    page = signed_in(console_page, home)
    page.goto(f"{site.url}/console/settings/channels")
    email = page.locator("#channel-email")
    email.get_by_label("Alerts go out by email").check()
    email.get_by_label("To", exact=True).fill("not an address")
    email.get_by_role("button", name="Save").click()
    expect(email.get_by_label("To", exact=True)).to_have_attribute("aria-invalid", "true")
    email.get_by_label("To", exact=True).fill("team@brightdesk.example")
    email.get_by_role("button", name="Save").click()
    expect(email).to_contain_text("on, from warning")
    email.get_by_role("button", name="Send a test by Email").click()
    expect(page.locator("#told-email")).to_have_text(
        "team@brightdesk.example: kept in the outbox, because messages are kept, not sent (KEEPWELL_SENDING)."
    )
    page.goto(f"{site.url}/console/outbox/written")
    page.get_by_role("button", name="A test of alerts from Keepwell").click()
    expect(page.frame_locator("#panel iframe").get_by_text("There is nothing to do")).to_be_visible()
    # A test that cannot be sent says so where it was asked for.
    page.goto(f"{site.url}/console/settings/channels")
    page.get_by_role("button", name="Send a test by Webhooks").click()
    expect(page.locator("#channel-webhook .try [data-wrong]")).to_contain_text("No endpoint wants alerts.")


def test_a_key_is_made_shown_once_and_revoked(site: Site, home: Desk, console_page: SignedIn) -> None:
    page = signed_in(console_page, home)
    page.goto(f"{site.url}/console/settings/access")
    page.get_by_role("button", name="Make a key").click()
    page.get_by_label("What it is for").fill("Warehouse")
    page.locator("#make-key").get_by_label("ingest").check()
    page.get_by_role("button", name="Make it").click()
    shown = page.locator("#secret")
    expect(shown).to_be_visible()
    text = page.locator("#secret-text").input_value()
    assert len(text) > 30
    accessible(page)
    shown.get_by_role("button", name="Copy").click()
    expect(shown.locator("[data-copied]")).not_to_be_empty()
    shown.get_by_role("button", name="I have kept it").click()
    expect(page.locator("#keys-list")).to_contain_text("Warehouse")
    assert text not in page.content()
    assert page.locator("#secret-text").input_value() == ""
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Revoke: Warehouse").click()
    expect(page.locator("#keys-list")).not_to_contain_text("Warehouse")
    with home.store.read() as session:
        assert session.exec(select(ApiKey)).one().revoked_by == "Dana Reyes"


def test_rules_days_and_absences(site: Site, home: Desk, console_page: SignedIn) -> None:
    page = signed_in(console_page, home)
    page.goto(f"{site.url}/console/settings/alerts")
    page.get_by_label("Engagement").fill("a lot")
    page.locator("#thresholds").get_by_role("button", name="Save").click()
    expect(page.get_by_label("Engagement")).to_have_accessible_description(
        "'a lot' does not fit. It takes a number from 0 to 100, on, off or default."
    )
    page.get_by_label("Engagement").fill("55")
    page.locator("#thresholds").get_by_role("button", name="Save").click()
    expect(page.locator(".toast")).to_contain_text("engagement: ")
    page.goto(f"{site.url}/console/settings/days")
    page.get_by_role("button", name="Enter a day").click()
    day = (home.now + 5 * DAY).date()
    page.get_by_label("Day", exact=True).fill(day.isoformat())
    page.get_by_label("What it is").fill("Founders' day")
    page.get_by_role("button", name="Enter it").click()
    expect(page.locator("#entered")).to_contain_text("Founders' day")
    page.locator("#entered").get_by_role("button", name="Remove").click()
    expect(page.locator("#entered")).not_to_contain_text("Founders' day")
    page.locator(".toast", has_text="as the calendar says").get_by_role("button", name="Undo").click()
    expect(page.locator("#entered")).to_contain_text("Founders' day")
    page.goto(f"{site.url}/console/settings/staff")
    page.get_by_role("button", name="Enter an absence").click()
    page.get_by_label("Who", exact=True).select_option(label="Omar Haddad")
    page.get_by_label("First day").fill(day.isoformat())
    page.get_by_label("Last day").fill((day - DAY).isoformat())
    page.get_by_role("button", name="Enter it").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_label("Last day").fill(day.isoformat())
    page.get_by_role("button", name="Enter it").click()
    expect(page.locator("#absences")).to_contain_text("Omar Haddad")


def test_all_sending_is_stopped_and_goes_on(site: Site, home: Desk, console_page: SignedIn) -> None:
    home.world.add(
        KillSwitch(
            organisation_id=home.world.organisation,
            scope="customer",
            subject=home.named("acme"),
            reason="They asked",
            thrown_by="Omar",
            thrown_at=home.now,
        )
    )
    page = signed_in(console_page, home, Role.OPS)
    page.goto(f"{site.url}/console/settings/sending")
    page.get_by_role("button", name="Let it go on: Acme").click()
    expect(page.locator("#stops")).not_to_contain_text("They asked")
    page.get_by_role("button", name="Stop all sending").click()
    page.get_by_label("Why").fill("A wrong template")
    page.get_by_role("button", name="Stop it").click()
    expect(page.locator("#stops [role=alert]")).to_contain_text("A wrong template")
    page.get_by_role("button", name="Let sending go on").click()
    expect(page.locator("#stops")).to_contain_text("Nothing is stopped.")


def test_an_unknown_message_is_settled(site: Site, home: Desk, console_page: SignedIn) -> None:
    key = message(home)
    page = signed_in(console_page, home, Role.OPS)
    page.goto(f"{site.url}/console/outbox?state=unknown")
    page.get_by_role("button", name="Settle: About your plan").click()
    page.get_by_label("It did not go out").check()
    page.get_by_label("How you know").fill("Not in the provider's log")
    page.get_by_role("button", name="Settle it").click()
    expect(page.get_by_text("No message fits.")).to_be_visible()
    with home.store.read() as session:
        assert session.get_one(Delivery, key).state == "failed"


def test_a_long_reason_opens(site: Site, home: Desk, console_page: SignedIn) -> None:
    """By keyboard too; before that it takes three lines at most."""
    reason = "The provider says: " + "the mailbox is full, and has been for weeks; " * 8
    home.world.change(Delivery, message(home), state="failed", reason=reason)
    page = signed_in(console_page, home, Role.OPS)
    page.goto(f"{site.url}/console/outbox?state=failed")
    whole = page.locator("summary", has_text="The provider says")
    expect(whole).to_be_visible()
    before = whole.bounding_box()
    assert before is not None
    whole.focus()
    page.keyboard.press("Enter")
    after = whole.bounding_box()
    assert after is not None
    assert after["height"] > before["height"] * 1.5


def test_an_address_is_suppressed_and_lifted(site: Site, home: Desk, console_page: SignedIn) -> None:
    page = signed_in(console_page, home, Role.CSM)
    page.goto(f"{site.url}/console/outbox/suppressions")
    page.get_by_role("button", name="Suppress an address").click()
    page.get_by_label("Email address").fill("ann@acme.example")
    page.get_by_label("Why").first.fill("She asked on the phone")
    page.get_by_role("button", name="Suppress it").click()
    row = page.locator("tr", has_text="ann@acme.example")
    expect(row).to_contain_text("She asked on the phone")
    row.get_by_role("button", name="Lift").click()
    page.locator("#lift-why").fill("She wants them again")
    page.get_by_role("button", name="Lift it").click()
    expect(page.get_by_text("No address is suppressed.")).to_be_visible()
    with home.store.read() as session:
        assert session.exec(select(Suppression)).one().lifted_by == "Dana Reyes"


def test_everybodys_calendar_comes_and_loads_are_compared(
    site: Site, home: Desk, console_page: SignedIn
) -> None:
    home.task("his", home.named("acme"), owner_id=home.named("omar"))
    page = signed_in(console_page, home, Role.CSM)
    page.goto(f"{site.url}/console/calendar")
    expect(page.locator(".entry").first).to_contain_text("Acme")
    page.get_by_role("button", name="Compare with everybody").click()
    expect(page.locator("#load")).to_contain_text("Omar Haddad")
    page.get_by_role("link", name="Everybody").click()
    expect(page.locator("#days .entry", has_text="Call about his")).to_be_visible()
    page.locator(".entry a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Acme")


@pytest.fixture
def extremes(home: Desk) -> None:
    """Names and texts that fit nowhere."""
    own = home.world.organisation
    home.world.change(Customer, home.named("acme"), name=LONG_NAME)
    home.world.change(
        Organisation, own, name="W" * 200, postal_address=HOSTILE, business_days="12345", country="DE"
    )
    for number, name in enumerate((HOSTILE, RIGHT_TO_LEFT, "W" * 200)):
        home.task(f"t{number}", home.named("acme"), owner_id=home.named("dana"), title=name)
    message(home, subject="W" * 200)
    message(home, "failed", HOSTILE)
    home.intervention(
        "still", home.customer("beta", owner_id=home.named("dana")), owner_id=home.named("dana")
    )
    home.world.change(Intervention, home.named("still"), paused=True, pause_reason="W" * 200)
    with home.store.write() as session:
        suppress(
            session,
            own,
            f"{'x' * 60}@x.example",
            SuppressionReason.BOUNCED,
            detail="W" * 200,
            source="",
            by="",
            now=home.now,
        )
        journal.write(
            session,
            key="odd",
            organisation=own,
            kind="task.closed",
            text="W" * 300,
            at=home.now,
            by="W" * 100,
            why=HOSTILE,
            data={"a": "W" * 300},
        )
        add_endpoint(
            session,
            own,
            url=f"https://x.example/{'w' * 150}",
            kinds=["*"],
            secret="s" * 40,
            description=HOSTILE,
            by="Ada",
            now=home.now,
        )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.usefixtures("extremes")
def test_the_pages_are_accessible_and_fit_a_phone(
    site: Site, home: Desk, console_page: SignedIn, scheme: str
) -> None:
    page = signed_in(console_page, home)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    day = (home.now + DAY).date().isoformat()
    paths = ["/console/calendar", f"/console/calendar?day={day}", "/console/calendar?owner=all"]
    paths += ["/console/outbox", "/console/outbox/written", "/console/outbox/suppressions", "/console/audit"]
    paths += [f"/console/settings/{one}" for one in (*SETTINGS, "scorecards/customer-success")]
    for path in paths:
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(site.url + path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        if path.endswith("owner=all"):
            expect(page.locator("#load")).to_be_visible()
        accessible(page)
        fits(page)
        on_a_phone(page)
        accessible(page)
        fits(page)
