"""The portfolio, alerts, offers and opportunities in a real browser, with a real run behind them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import col, select

from keepwell.contracts.commands import Stop
from keepwell.db.tables import Alert, Customer, Intervention, Staff
from tests.browser.conftest import SignedIn, Site
from tests.browser.engine import Engine
from tests.browser.looks import accessible, fits, on_a_phone
from tests.unit.api.desk_world import DAY, HOUR
from tests.unit.console.seen import HOSTILE, LONG_NAME, RIGHT_TO_LEFT
from tests.unit.db.world import World

LONG = 60_000
"""Milliseconds in which the engine has done something, and the page has heard of it."""


@pytest.fixture
def world(site: Site) -> World:
    """Dana's three customers, and two of nobody's."""
    world = World(site.door.store)
    world.staff("dana", name="Dana Reyes")
    world.staff("omar", name="Omar Haddad")
    for number, key in enumerate(("alma", "bert", "cleo", "dora", "emil")):
        owner = "dana" if number < 3 else None
        world.customer(
            key, name=key.title(), owner_id=owner, plan="Pro", segment="mid" if number % 2 else "small"
        )
        world.score(key, 15.0 + 18 * number, world.began - HOUR)
    return world


@pytest.fixture
def dana(console_page: SignedIn, world: World) -> Page:
    """Dana's window."""
    return console_page(world.organisation, staff="dana", name="Dana Reyes")


def shown(page: Page) -> list[str]:
    """The customers in the list."""
    return [one.inner_text() for one in page.locator("#customers td.main a.name").all()]


def test_the_list_is_narrowed_and_sorted_and_the_address_keeps_it(site: Site, dana: Page) -> None:
    page = dana
    page.goto(f"{site.url}/console/portfolio")
    expect(page.locator("#figures .figure").first).to_contain_text("5")
    assert shown(page) == ["Alma", "Bert", "Cleo", "Dora", "Emil"]
    page.get_by_role("link", name="Customer", exact=True).click()
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("Customer▴")
    page.get_by_role("link", name="Customer▾").or_(page.locator("#sort-name")).click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Customer")
    expect(page.locator("#sort-name")).to_be_focused()
    assert shown(page) == ["Emil", "Dora", "Cleo", "Bert", "Alma"]
    page.locator("#choose-owner summary").click()
    page.get_by_role("checkbox", name="Nobody").check()
    expect(page.locator("#customers-title")).to_contain_text("2 customers")
    expect(
        page.get_by_role("checkbox", name="Nobody"), "the menu stays open while one chooses"
    ).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("checkbox", name="Nobody")).to_be_hidden()
    page.locator("#narrow-search").fill("em")
    page.keyboard.press("Enter")
    expect(page.locator("#customers-title")).to_contain_text("1 customer")
    assert "owner=none" in page.url
    assert "trend=" not in page.url, "what was left open is not in the address"
    kept = page.url
    page.goto(f"{site.url}/console/portfolio")
    page.goto(kept)
    assert shown(page) == ["Emil"]
    page.get_by_role("link", name="Without “em”").click()
    expect(page.locator("#customers-title")).to_contain_text("2 customers")
    page.go_back()
    expect(page.locator("#customers-title")).to_contain_text("1 customer")


def test_a_view_is_saved_renamed_and_deleted(site: Site, dana: Page) -> None:
    page = dana
    page.goto(f"{site.url}/console/portfolio?owner=me")
    page.get_by_role("button", name="Save this view").click()
    page.get_by_label("Name", exact=True).fill("Mine")
    page.get_by_role("button", name="Save", exact=True).click()
    view = page.get_by_role("navigation", name="Views").get_by_role("link", name="Mine")
    expect(view).to_have_attribute("aria-current", "true")
    page.goto(f"{site.url}/console/portfolio")
    view.click()
    page.wait_for_url("**/console/portfolio?owner=me")
    page.get_by_role("button", name="Change views").click()
    page.get_by_label("Name of the view Mine").fill("My own")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_label("Name of the view My own")).to_be_visible()
    accessible(page)
    page.get_by_role("button", name="Delete the view My own").click()
    expect(page.get_by_role("navigation", name="Views")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("navigation", name="Views")).to_contain_text("My own")


def test_rows_are_chosen_one_by_one_in_a_row_and_all(site: Site, dana: Page, world: World) -> None:
    page = dana
    page.goto(f"{site.url}/console/portfolio")
    boxes = page.locator("[data-choose]")
    boxes.nth(1).check()
    boxes.nth(3).click(modifiers=["Shift"])
    chosen = page.locator("[data-chosen]")
    expect(chosen).to_have_text("3 customers chosen")
    page.get_by_role("button", name="Choose none").click()
    expect(page.locator("#bulk")).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(chosen).to_have_text("1 customer chosen")
    page.get_by_label("Choose all on this page").check()
    expect(chosen).to_have_text("5 customers chosen")
    for number in range(60):
        world.customer(f"more-{number}", name=f"More {number}")
    page.reload()
    page.get_by_label("Choose all on this page").check()
    page.get_by_role("button", name="Choose all 65").click()
    expect(chosen).to_have_text("65 customers chosen")
    # While rows are chosen nothing moves; afterwards the page says that something has changed.
    first = shown(page)
    world.score("emil", 1.0, world.began)
    page.wait_for_timeout(4000)
    assert shown(page) == first
    page.get_by_role("button", name="Choose none").click()
    page.get_by_role("button", name="The list has changed").click(timeout=LONG)
    expect(page.locator("#customers td.main a.name").first).to_have_text("Emil")


def test_customers_are_given_to_somebody_else_and_back(site: Site, dana: Page) -> None:
    page = dana
    page.goto(f"{site.url}/console/portfolio?owner=me")
    page.get_by_label("Choose all on this page").check()
    page.get_by_role("button", name="Give to").click()
    expect(page.get_by_role("heading", name="Give 3 customers to somebody else")).to_be_visible()
    accessible(page)
    page.get_by_label("New owner").select_option("omar")
    page.get_by_role("button", name="Give them").click()
    expect(page.locator("[data-result-title]")).to_have_text("3 customers: given on")
    with site.door.store.read() as session:
        owners = session.exec(
            select(Customer.owner_id).where(col(Customer.id).in_(["alma", "bert", "cleo"]))
        ).all()
    assert set(owners) == {"omar"}
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("[data-result-title]")).to_have_text("3 customers: as they were before")
    page.locator("dialog[open]").get_by_role("button", name="Close").click()
    expect(page.locator("#customers-title")).to_contain_text("3 customers")


def test_who_cannot_be_enrolled_is_told_before_anything_begins(site: Site, dana: Page, world: World) -> None:
    page = dana
    world.customer("never", name="Never")
    page.goto(f"{site.url}/console/portfolio?sort=name")
    page.get_by_label("Choose Never").check()
    page.get_by_role("button", name="Enrol").click()
    expect(page.locator("[data-bulk-words]")).to_have_text("For none of them a playbook can begin now.")
    expect(page.locator("dialog[open] .which")).to_contain_text("Never not now:")
    expect(page.get_by_role("button", name="Begin", exact=True)).to_be_disabled()


def test_a_run_is_paused_in_bulk_and_who_has_none_is_left_out(
    site: Site, engine: Engine, console_page: SignedIn
) -> None:
    stage = engine.stage
    acme, calm = stage.customer("acme"), stage.customer("calm")
    engine.do(stage.score(acme, 12))
    engine.do(stage.score(calm, 90))
    engine.do(stage.opened(acme))
    queue = engine.do(stage.handle(acme).describe()).task_queue
    site.stop()
    site.door = replace(site.door, settings=site.door.settings.model_copy(update={"task_queue": queue}))
    site.start()
    page = console_page(stage.world.organisation, staff="dana", name="Dana Reyes")
    page.goto(f"{site.url}/console/portfolio")
    page.get_by_label("Choose all on this page").check()
    page.locator("[data-bulk=pause]").click()
    expect(page.get_by_role("heading", name="Pause 1 intervention")).to_be_visible()
    expect(page.locator("[data-bulk-words]")).to_contain_text("critical for 1 customer.")
    expect(page.locator("[data-bulk-left]")).to_contain_text("1 more that you have chosen is left out")
    accessible(page)
    page.get_by_label("Why").fill("The office is closed")
    page.locator("dialog[open] [data-bulk-go]").click()
    expect(page.locator("[data-result-title]")).to_have_text("1 customer: paused", timeout=LONG)
    page.locator("dialog[open]").get_by_role("button", name="Close").click()
    row = page.locator(f"tr[data-row='{acme}']")
    expect(row).to_contain_text("paused", timeout=LONG)
    with site.door.store.read() as session:
        run = session.exec(select(Intervention).where(Intervention.customer_id == acme)).one()
    assert (run.paused, run.pause_reason) == (True, "The office is closed")
    expect(page.locator("#bulk")).to_be_hidden()
    engine.do(stage.command(acme, Stop))


def alert(world: World, key: str, **values: Any) -> None:
    """An open alert of a customer."""
    row: dict[str, Any] = {
        "trigger": "inactivity",
        "severity": "warning",
        "words": "it is quiet",
        "raised_at": world.began - HOUR,
    }
    own = {"id": f"alert-{key}", "key": key, "organisation_id": world.organisation, "customer_id": key}
    world.add(Alert(**{**own, **row, "due_at": world.began + DAY, **values}))


def test_many_alerts_are_taken_in_hand(site: Site, dana: Page, world: World) -> None:
    page = dana
    for key in ("alma", "bert", "dora"):
        alert(world, key)
    page.goto(f"{site.url}/console/alerts")
    page.locator("#by-owner").select_option("me")
    page.wait_for_url("**/console/alerts?owner=me")
    page.get_by_label("Choose the 2 open ones shown").check()
    page.get_by_role("button", name="Acknowledge them").click()
    expect(page.locator("#toasts")).to_contain_text("2 of 2 are in hand.")
    expect(page.locator("#alerts")).to_contain_text("In hand: Dana Reyes")
    page.goto(f"{site.url}/console/alerts")
    page.get_by_role("button", name="Acknowledge: Dora").click()
    expect(page.locator("[data-row=alert-dora]")).to_contain_text("In hand: Dana Reyes")


def test_what_does_not_fit_into_the_bar_is_below_more(site: Site, dana: Page) -> None:
    page = dana
    for width, beside in ((1440, "Opportunities"), (1100, "Playbooks"), (390, "Alerts")):
        page.set_viewport_size({"width": width, "height": 844})
        page.goto(f"{site.url}/console/opportunities")
        bar = page.get_by_role("navigation", name="Main")
        expect(bar.get_by_role("link", name=beside)).to_be_visible()
        expect(bar.get_by_role("link", name="Settings")).to_be_hidden()
        bar.locator("summary").focus()
        page.keyboard.press("Enter")
        expect(bar.get_by_role("link", name="Settings")).to_be_visible()
        expect(bar.get_by_role("link", name="Opportunities")).to_have_count(1)
        expect(bar.get_by_role("link", name="Opportunities")).to_have_attribute("aria-current", "page")
        fits(page)
        accessible(page)
        page.keyboard.press("Escape")
        expect(bar.get_by_role("link", name="Settings")).to_be_hidden()
        expect(bar.locator("summary")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_accessible_and_fit_a_phone(site: Site, dana: Page, world: World, scheme: str) -> None:
    page = dana
    for key, name in zip(("alma", "bert", "cleo"), (LONG_NAME, HOSTILE, RIGHT_TO_LEFT), strict=True):
        world.change(Customer, key, name=name, plan=name[:50], segment="W" * 50)
        alert(world, key, words=name, severity="critical", evidence={"feature": "W" * 200})
    world.change(Staff, "omar", name="W" * 100)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for path in (
        "portfolio",
        "portfolio?level=CRITICAL&search=x&owner=me",
        "alerts",
        "offers",
        "opportunities",
    ):
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(f"{site.url}/console/{path}")
        expect(page.locator("[aria-busy]")).to_have_count(0)
        accessible(page)
        fits(page)
        on_a_phone(page)
        accessible(page)
        fits(page)
