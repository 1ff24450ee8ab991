"""The offer's page in a real browser: by keyboard, on a phone, and what counts as seen."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from keepwell.db.tables import Customer, PendingCommand
from tests.browser.conftest import Site
from tests.unit.api.test_offers import kept, link, offer
from tests.unit.api.test_offers import world as _world
from tests.unit.db.world import World


@pytest.fixture
def world(site: Site) -> World:
    """Harbour Foods with an open offer, whose link Lena has."""
    made: World = _world.__wrapped__(site.door)  # type: ignore[attr-defined]
    return made


def waits_for(page: Page, site: Site, count: int) -> list[PendingCommand]:
    """Wait until so many commands are kept."""
    for _ in range(600):
        if len(kept(site.door)) >= count:
            break
        page.wait_for_timeout(50)
    return kept(site.door)


@pytest.mark.usefixtures("world")
def test_an_offer_is_accepted_by_keyboard_alone(page: Page, site: Site) -> None:
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text))
    page.goto(site.url + link(site.door))
    # On a busy machine what is said here may come after the answer, which says it anyway.
    with page.expect_response("**/seen"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    months = page.get_by_label("For how long?")
    expect(months).to_be_visible()
    page.keyboard.press("Tab")
    expect(months).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("from January")
    page.keyboard.press("Tab")
    expect(
        page.get_by_role("button", name="Accept this: Pause the billing for up to 3 months")
    ).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
    expect(page.get_by_role("main")).to_contain_text("billing pause, 2 months")
    commands = {row.command["kind"]: row.command for row in waits_for(page, site, 2)}
    assert set(commands) == {"seen", "accept"}
    assert (commands["accept"]["months"], commands["accept"]["note"]) == (2, "from January")
    page.reload()
    assert len(kept(site.door)) == 2
    assert [line for line in said if "Content Security Policy" in line] == []


@pytest.mark.usefixtures("world")
def test_seen_is_said_at_the_first_movement_and_not_before(page: Page, site: Site) -> None:
    page.goto(site.url + link(site.door))
    page.evaluate("dispatchEvent(new Event('keydown'))")
    page.wait_for_timeout(700)
    assert kept(site.door) == []
    page.mouse.move(200, 200)
    page.mouse.wheel(0, 300)
    (row,) = waits_for(page, site, 1)
    assert row.command["kind"] == "seen"


@pytest.mark.usefixtures("world")
def test_without_scripts_it_does_the_same(browser_without_scripts: Page, site: Site) -> None:
    page = browser_without_scripts
    page.goto(site.url + link(site.door))
    page.get_by_text("I would rather talk about it").click()
    page.get_by_label("Your phone number").fill("+49 30 23125 104")
    page.get_by_role("button", name="Ask for a call").click()
    expect(page.get_by_role("status")).to_contain_text("Priya Raman will ring you")
    page.get_by_text("No, thank you").click()
    page.get_by_label("Would you tell us why?").fill("we have moved on")
    page.get_by_role("button", name="Decline the offer").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you for telling us")


@pytest.mark.parametrize("width", [320, 500, 1200])
def test_it_fits_however_long_a_name_is(page: Page, site: Site, world: World, width: int) -> None:
    world.change(Customer, "harbour", name="Donaudampfschifffahrtsgesellschaft" * 3)
    offer(world, "offer-2", step="another")
    page.set_viewport_size({"width": width, "height": 700})
    page.goto(site.url + link(site.door))
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    heights = [box["height"] for one in page.get_by_role("button").all() if (box := one.bounding_box())]
    assert min(heights) >= 44
    expect(page.get_by_role("region")).to_have_count(4)
