"""What people do daily in the console, by real clicks: wishes, stops, deadlines, accounts, undo."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import select

from keepwell.contracts.access import Role
from keepwell.db.tables import Account, KillSwitch, Organisation, Task
from tests.browser.conftest import SignedIn, Site
from tests.browser.looks import accessible, fits, on_a_phone
from tests.unit.api.desk_world import DAY, HOUR, Desk
from tests.unit.db.world import World


@pytest.fixture
def home(site: Site) -> Desk:
    """An organisation with Dana, her customer Acme, and its contact Ann."""
    world = World(site.door.store, organisation="org-1", key="org-1")
    made = Desk(None, world, {})  # type: ignore[arg-type]  # it asks nothing over HTTP
    dana = world.staff(made.named("dana"), name="Dana Reyes", email="dana@brightdesk.example")
    made.customer("acme", owner_id=dana)
    world.contact("ann", made.named("acme"), name="Ann Lee")
    return made


def signed_in(console_page: SignedIn, home: Desk, role: Role) -> Page:
    """Dana's window."""
    return console_page(home.world.organisation, role, staff=home.named("dana"), name="Dana Reyes")


def test_a_customers_sending_and_a_contacts_wishes(site: Site, home: Desk, console_page: SignedIn) -> None:
    page = signed_in(console_page, home, Role.OPS)
    page.goto(f"{site.url}/console/customers/{home.named('acme')}")
    page.get_by_role("button", name="Stop sending to them").click()
    page.get_by_role("dialog").get_by_label("Why").fill("They asked")
    page.get_by_role("dialog").get_by_role("button", name="Stop it").click()
    head = page.locator("#head")
    expect(head).to_contain_text("Nothing is sent to Acme: Dana Reyes stopped it")
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(head).not_to_contain_text("Nothing is sent to Acme")
    with home.store.read() as session:
        assert session.exec(select(KillSwitch)).one().lifted_by == "Dana Reyes"

    page.get_by_role("button", name="Wishes: Ann Lee").click()
    panel = page.locator("#panel")
    expect(panel.get_by_role("heading")).to_have_text("What Ann Lee wants to hear of")
    accessible(page)
    panel.get_by_label("Messages", exact=True).select_option(label="Offers")
    panel.get_by_label("How you know").first.fill("On the phone")
    panel.get_by_role("button", name="Note it").first.click()
    expect(page.locator("#contacts")).to_contain_text("wants no offers")
    page.locator(".toast", has_text="Noted.").get_by_role("button", name="Undo").click()
    expect(page.locator("#contacts")).not_to_contain_text("wants no offers")


def test_a_deadline_is_moved_and_a_closing_taken_back(site: Site, home: Desk, console_page: SignedIn) -> None:
    task = home.task("roof", home.named("acme"), owner_id=home.named("dana"), due_at=home.now + HOUR)
    page = signed_in(console_page, home, Role.CSM)
    page.goto(f"{site.url}/console/customers/{home.named('acme')}")
    page.locator(f"[data-row='{task}']").focus()
    page.keyboard.press("d")
    page.get_by_label("New deadline").fill(f"{home.now + 3 * DAY:%Y-%m-%dT%H:%M}")
    page.get_by_role("dialog").get_by_label("Why").fill("A fair")
    page.get_by_role("button", name="Move it").click()
    expect(page.locator(".toast")).to_contain_text("The deadline is moved.")
    row = page.locator(f"[data-row='{task}']")
    row.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Close it").click()
    expect(row).to_have_count(0)
    page.locator(".toast", has_text="It is done").get_by_role("button", name="Undo").click()
    expect(row).to_be_visible()
    with home.store.read() as session:
        now = session.get_one(Task, task)
    assert (now.state, now.due_at > home.now + DAY) == ("open", True)


def test_a_clients_account_names_its_customer_by_name(site: Site, home: Desk, console_page: SignedIn) -> None:
    page = signed_in(console_page, home, Role.ADMIN)
    page.goto(f"{site.url}/console/settings/access")
    page.get_by_role("button", name="Add an account").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("Ann Lee")
    dialog.get_by_label("Email address").fill("ann@acme.example")
    dialog.get_by_label("Role").select_option(value="client")
    field = dialog.get_by_label("Customer, for a client")
    field.press_sequentially("acm")
    expect(page.locator("#n-customers option")).to_have_count(1)
    field.fill("Acme")
    dialog.get_by_role("button", name="Add it").click()
    expect(page.locator("#accounts")).to_contain_text("sees the page of Acme")
    with home.store.read() as session:
        made = session.exec(select(Account).where(Account.email == "ann@acme.example")).one()
    assert made.customer_id == home.named("acme")


def test_undo_can_be_clicked_while_a_dialog_is_open(site: Site, home: Desk, console_page: SignedIn) -> None:
    home.task("roof", home.named("acme"), owner_id=home.named("dana"))
    page = signed_in(console_page, home, Role.CSM)
    page.goto(f"{site.url}/console/customers/{home.named('acme')}")
    page.get_by_role("button", name="Snooze").click()
    page.get_by_role("button", name="Put it off").click()
    expect(page.locator(".toast")).to_contain_text("It is out of sight")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    with page.expect_response(lambda answer: answer.request.method != "GET") as undone:
        page.locator(".toast").get_by_role("button", name="Undo").click()
    assert undone.value.ok
    expect(page.locator(".toast")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    page.wait_for_function("document.getElementById('toasts').parentElement === document.body")
    with home.store.read() as session:
        assert session.get_one(Task, home.named("roof")).snoozed_until is None


def test_a_level_is_enrolled_after_a_look(site: Site, home: Desk, console_page: SignedIn) -> None:
    free, busy = home.customer("beta"), home.customer("gamma")
    for one in (free, busy):
        home.world.score(one, 5.6, home.now - HOUR)
    home.intervention("run", busy)
    page = signed_in(console_page, home, Role.OPS)
    page.goto(f"{site.url}/console/portfolio")
    page.get_by_role("button", name="Enrol a level").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Level").select_option(value="CRITICAL")
    expect(dialog).to_contain_text("would begin for 1 customer. 1 may not have it now.")
    expect(dialog).to_contain_text("Gamma critical is running since")
    # The points that are reached, as everywhere: not 6.
    expect(dialog).to_contain_text("Beta score 5")
    accessible(page)
    on_a_phone(page)
    fits(page)
    dialog.get_by_label("At most for").fill("0")
    expect(dialog.get_by_role("button", name="Begin it")).to_be_disabled()
    dialog.get_by_label("At most for").fill("5")
    dialog.get_by_role("button", name="Begin it").click()
    expect(page.locator(".toast")).to_contain_text("begins for 1 customer")
    assert [one.kind for one in home.world.transitions(free)] == ["enrolment"]
    assert home.world.transitions(busy) == []


def test_a_time_that_is_typed_is_the_organisations_wherever_the_browser_is(
    site: Site, home: Desk, console_page: SignedIn
) -> None:
    home.world.change(Organisation, home.world.organisation, time_zone="Asia/Kolkata")
    key = home.task("roof", home.named("acme"), owner_id=home.named("dana"))
    page = signed_in(console_page, home, Role.ADMIN)
    page.goto(f"{site.url}/console")
    row = page.locator(f"[data-row='task:{key}']")
    row.locator("summary", has_text="More").click()
    row.get_by_role("button", name="Due date").click()
    dialog = page.locator("dialog#due")
    expect(dialog).to_contain_text("In Asia/Kolkata time.")
    day = (home.now + 3 * DAY).date()
    dialog.get_by_label("New deadline").fill(f"{day}T10:00")
    dialog.get_by_label("Why").fill("They asked for it")
    with page.expect_response(lambda answer: answer.url.endswith("/due")) as answered:
        dialog.get_by_role("button", name="Move it").click()
    assert answered.value.ok
    with home.store.read() as session:
        assert session.get_one(Task, key).due_at == datetime.combine(day, time(4, 30), UTC)
