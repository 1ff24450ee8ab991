"""An open page keeps up with what happens, and with a server that goes away and comes back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from keepwell.db.repositories import journal
from keepwell.keys import new_id
from tests.browser.conftest import SignedIn, Site
from tests.unit.db.world import World

LONG = 90_000
"""Milliseconds to come back: each attempt is made after a longer rest, and who says nothing is asked for ten
seconds who it is."""

LIVE = "[data-live-mark], .live-mark"


@pytest.fixture
def world(site: Site) -> World:
    world = World(site.door.store)
    world.customer("acme", name="Acme Ltd")
    world.score("acme", 81.0, datetime.now(UTC))
    return world


@pytest.fixture
def opened(site: Site, world: World, console_page: SignedIn) -> Page:
    """The customer's page, live."""
    page = console_page(world.organisation)
    page.goto(f"{site.url}/console/customers/acme")
    expect(page.locator("#head")).to_contain_text("81")
    expect(page.locator(LIVE)).to_have_text("Live")
    return page


def happens(world: World, text: str) -> None:
    with world.store.write() as session:
        line = journal.line(
            key=new_id(),
            organisation=world.organisation,
            kind="customer.noted",
            text=text,
            at=datetime.now(UTC),
            customer="acme",
            by="Robin",
        )
        assert journal.put(session, line)


def test_a_score_that_changes_shows_on_the_open_page(opened: Page, world: World) -> None:
    world.score("acme", 43.0, datetime.now(UTC))
    expect(opened.locator("#head")).to_contain_text("43")


def test_what_happens_while_the_server_is_away_shows_when_it_is_back(
    opened: Page, world: World, site: Site
) -> None:
    site.stop()
    expect(opened.locator(LIVE)).to_have_text("Offline, trying again")
    happens(world, "Something while it was away")
    site.start()
    expect(opened.locator(LIVE)).to_have_text("Live", timeout=LONG)
    expect(opened.locator("#timeline")).to_contain_text("Something while it was away")


def test_a_part_waits_while_a_dialog_is_open(opened: Page, world: World) -> None:
    opened.evaluate(
        """() => {
            const dialog = document.createElement("dialog");
            dialog.id = "over";
            dialog.innerHTML = "<p>Wait</p>";
            document.body.append(dialog);
            dialog.showModal();
        }"""
    )
    world.score("acme", 43.0, datetime.now(UTC))
    opened.wait_for_timeout(3000)
    expect(opened.locator("#head")).to_contain_text("81")
    opened.evaluate("document.getElementById('over').close()")
    expect(opened.locator("#head")).to_contain_text("43")


def test_what_is_typed_is_not_lost(opened: Page, world: World) -> None:
    opened.evaluate(
        """() => {
            const field = document.createElement("input");
            field.id = "typed";
            field.setAttribute("aria-label", "A note");
            document.getElementById("timeline").append(field);
        }"""
    )
    opened.locator("#typed").fill("half a sentence")
    happens(world, "Meanwhile")
    opened.wait_for_timeout(3000)
    expect(opened.locator("#typed")).to_have_value("half a sentence")
    opened.locator("#typed").blur()
    expect(opened.locator("#timeline")).to_contain_text("Meanwhile")


def test_a_page_whose_session_ended_says_so(opened: Page, site: Site) -> None:
    opened.context.clear_cookies()
    site.stop()
    site.start()
    expect(opened.locator(LIVE)).to_have_text("Not live", timeout=LONG)
