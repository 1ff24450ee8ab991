"""Today and a customer's page in a real browser, with a real run behind them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import select

from keepwell.contracts.commands import Stop
from keepwell.db.repositories.alerts import raise_alert
from keepwell.db.tables import Customer, Intervention, Task
from keepwell.keys import new_id
from scoring.signal import Severity, Trigger
from scoring.triggers import Finding
from tests.browser.conftest import SignedIn, Site
from tests.browser.engine import Engine
from tests.browser.looks import accessible, fits, on_a_phone
from tests.unit.api.desk_world import DAY, HOUR
from tests.unit.console.seen import HOSTILE, LONG_NAME, RIGHT_TO_LEFT

LONG = 60_000
"""Milliseconds in which the engine has done something, and the page has heard of it."""


@pytest.fixture
def acme(engine: Engine, site: Site) -> Iterator[str]:
    """Dana's customer Acme, whose score has just fallen: its critical playbook runs."""
    key = engine.stage.customer("acme")
    engine.do(engine.stage.score(key, 12))
    engine.do(engine.stage.opened(key))
    # What comes at once is done: what an answer leaves to come must not depend on how far the run has got.
    engine.do(engine.stage.clock.settled(engine.stage.handle(key)))
    # The site looks for a worker where the stage's is.
    queue = engine.do(engine.stage.handle(key).describe()).task_queue
    settings = site.door.settings.model_copy(update={"task_queue": queue})
    site.stop()
    site.door = replace(site.door, settings=settings)
    site.start()
    yield key
    engine.do(engine.stage.command(key, Stop))


def run_of(site: Site, customer: str) -> Intervention:
    """The customer's intervention as the store has it."""
    with site.door.store.read() as session:
        return session.exec(select(Intervention).where(Intervention.customer_id == customer)).one()


def task(engine: Engine, key: str, title: str = "", detail: str = "") -> None:
    """A task of Dana's about Acme, due an hour ago."""
    engine.stage.world.add(
        Task(
            id=key,
            key=key,
            organisation_id=engine.stage.world.organisation,
            customer_id="acme",
            owner_id="dana",
            title=title or f"Call about {key}",
            detail=detail,
            kind="call",
            due_at=engine.stage.world.began - HOUR,
            created_at=engine.stage.world.began - DAY,
        )
    )


def signed_in(console_page: SignedIn, engine: Engine) -> Page:
    """Dana's window."""
    return console_page(engine.stage.world.organisation, staff="dana", name="Dana Reyes")


def choose(page: Page, row: str) -> None:
    """Go to a row with j and k alone."""
    rows = page.locator("[data-need]").count()
    for key in "k" * rows + "j" * rows:
        page.keyboard.press(key)
        if page.locator(f"{row}:focus").count():
            return
    raise AssertionError(f"j and k do not lead to {row}")


def test_an_escalation_is_acknowledged_by_mouse_and_nothing_jumps(
    site: Site, engine: Engine, acme: str, console_page: SignedIn
) -> None:
    task(engine, "roof")
    page = signed_in(console_page, engine)
    page.goto(f"{site.url}/console")
    row = page.locator(".need.escalation")
    expect(row).to_contain_text("Acme")
    above = [one.get_attribute("data-row") for one in page.locator("[data-need]").all()]
    row.get_by_role("button", name="Acknowledge").click()
    expect(row.locator(".did")).to_contain_text("Acknowledged")
    assert [one.get_attribute("data-row") for one in page.locator("[data-need]").all()] == above
    expect(page.locator("[data-need]:focus")).to_have_count(1)
    expect(page.locator("#said")).to_have_text("Acknowledged: it will not be escalated.")
    assert run_of(site, acme).acknowledged_by == "Dana Reyes"
    page.reload()
    expect(page.locator(".need.escalation")).to_have_count(0)


def test_a_day_is_worked_through_by_keyboard(
    site: Site, engine: Engine, acme: str, console_page: SignedIn
) -> None:
    task(engine, "roof")
    page = signed_in(console_page, engine)
    page.goto(f"{site.url}/console")
    choose(page, ".need.escalation")
    page.keyboard.press("a")
    expect(page.locator(".need.escalation .did")).to_contain_text("Acknowledged")
    choose(page, "[data-row='task:roof']")
    page.keyboard.press("s")
    expect(page.get_by_role("dialog")).to_contain_text("Call about roof")
    page.locator("#snooze-until").select_option(index=1)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    roof = page.locator("[data-row='task:roof']")
    expect(roof.locator(".did")).to_be_visible()
    roof.get_by_role("button", name="Undo").click()
    expect(roof.get_by_role("button", name="Close")).to_be_visible()
    page.keyboard.press("c")
    page.locator("#close-note").fill("Spoke to them")
    page.keyboard.press("Control+Enter")
    expect(roof.locator(".did")).to_be_visible()
    with site.door.store.read() as session:
        closed = session.get_one(Task, "roof")
    assert (closed.state, closed.closed_by, closed.note) == ("done", "Dana Reyes", "Spoke to them")


def test_an_answer_is_logged_and_what_stands_beside_it_follows(
    site: Site, engine: Engine, acme: str, console_page: SignedIn
) -> None:
    page = signed_in(console_page, engine)
    page.goto(f"{site.url}/console")
    expect(page.locator("#coming-title")).to_be_visible(timeout=LONG)
    expect(page.locator("[data-live-mark]")).to_have_text("Live", timeout=LONG)
    row = page.locator(".need.escalation")
    row.get_by_role("button", name="They answered").click()
    page.locator("#respond-note").fill("They want a call")
    with page.expect_response(lambda answer: "/console/today/beside" in answer.url, timeout=LONG):
        page.get_by_role("button", name="Log the answer").click()
    expect(row.locator(".did")).to_contain_text("Still to come: roadmap, roadmap email.")
    expect(row.locator(".need-due")).to_be_hidden()


def test_what_is_folded_is_unfolded_by_keyboard_and_j_goes_through_what_shows(
    site: Site, engine: Engine, acme: str, console_page: SignedIn
) -> None:
    with site.door.store.write() as session:
        customer = session.get_one(Customer, acme)
        for trigger in (Trigger.INACTIVITY, Trigger.ZERO_ACTIVITY):
            finding = Finding(trigger=trigger, severity=Severity.WARNING, words="It is quiet", evidence={})
            raise_alert(session, customer, finding, new_id(), engine.stage.world.began)
    page = signed_in(console_page, engine)
    page.goto(f"{site.url}/console")
    summary = page.locator(".folded summary").first
    expect(summary).to_contain_text("more of")
    shown, folded = page.locator("[data-need]:visible"), page.locator(".folded [data-need]")
    few, beneath = shown.count(), folded.count()
    assert beneath >= 1
    for _ in range(few + 3):
        page.keyboard.press("j")
        expect(page.locator("[data-need]:focus:visible")).to_have_count(1)
    summary.press("Enter")
    expect(shown).to_have_count(few + beneath)
    for _ in range(few + beneath):
        page.keyboard.press("k")
    page.keyboard.press("j")
    expect(folded.first).to_be_focused()
    accessible(page)
    on_a_phone(page)
    fits(page)


def test_the_keys_and_the_search(site: Site, engine: Engine, acme: str, console_page: SignedIn) -> None:
    page = signed_in(console_page, engine)
    page.goto(f"{site.url}/console")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("/")
    expect(page.locator("[data-search]")).to_be_focused()
    page.keyboard.type("acm")
    expect(page.locator("#found a").first).to_contain_text("Acme")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/console/customers/{acme}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Acme")


def test_a_customer_is_paused_and_resumed(
    site: Site, engine: Engine, acme: str, console_page: SignedIn
) -> None:
    page = signed_in(console_page, engine)
    page.goto(f"{site.url}/console/customers/{acme}")
    run = page.get_by_role("region", name="Playbook critical")
    page.keyboard.press("p")
    page.get_by_role("dialog").get_by_label("Why").fill("Their office is closed")
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    expect(run).to_contain_text("Paused until somebody resumes it: Their office is closed", timeout=LONG)
    assert run_of(site, acme).paused
    # First of all: it is offered for some seconds only.
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    expect(run.get_by_role("button", name="Pause")).to_be_visible(timeout=LONG)
    assert not run_of(site, acme).paused
    expect(page.locator("#timeline")).to_contain_text("Their office is closed", timeout=LONG)


def test_a_playbook_is_begun_by_hand(site: Site, engine: Engine, acme: str, console_page: SignedIn) -> None:
    # A first score is a baseline: it begins nothing, however low it is.
    beta = engine.stage.customer("beta", scored=False)
    engine.do(engine.stage.score(beta, 12))
    page = signed_in(console_page, engine)
    page.goto(f"{site.url}/console/customers/{beta}")
    expect(page.get_by_role("heading", name="No playbook runs")).to_be_visible()
    page.get_by_role("button", name="Begin the playbook of its level").click()
    expect(page.get_by_role("dialog")).to_contain_text("critical@3 would begin at once")
    page.get_by_role("button", name="Begin it").click()
    expect(page.get_by_role("region", name="Playbook Critical")).to_be_visible(timeout=LONG)
    assert run_of(site, beta).playbook == "critical"
    engine.do(engine.stage.command(beta, Stop))


def test_a_message_is_read_as_its_recipient_sees_it(
    site: Site, engine: Engine, acme: str, console_page: SignedIn
) -> None:
    page = signed_in(console_page, engine)
    page.goto(f"{site.url}/console/customers/{acme}")
    # The email to the contact, not the notices to staff.
    line = page.locator(".line", has_text="email sent to").first
    expect(line).to_be_visible(timeout=LONG)
    line.get_by_role("button", name="Read the message").click()
    letter = page.frame_locator("#panel iframe")
    expect(letter.get_by_text("Hello Acme-0")).to_be_visible()
    accessible(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_accessible_and_fit_a_phone(
    site: Site, engine: Engine, acme: str, console_page: SignedIn, scheme: str
) -> None:
    engine.stage.world.change(Customer, acme, name=LONG_NAME)
    for number, name in enumerate((HOSTILE, RIGHT_TO_LEFT, "W" * 200)):
        task(engine, f"task-{number}", title=name, detail=name)
    page = signed_in(console_page, engine)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for path in ("/console", f"/console/customers/{acme}", "/console/search?q=ЖЖ"):
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(site.url + path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        accessible(page)
        fits(page)
        on_a_phone(page)
        accessible(page)
        fits(page)
