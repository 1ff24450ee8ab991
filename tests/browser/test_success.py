"""A customer's own page in a browser: what it shows, what is done on it, and whose it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import select

from keepwell.contracts.access import Role
from keepwell.db.repositories.client_insights import InsightKind, NewInsight, put_insight
from keepwell.db.tables import ClientInsight, InAppNotification
from keepwell.db.tables import Contact as ContactRow
from tests.browser.conftest import SignedIn, Site
from tests.browser.looks import accessible, fits, on_a_phone
from tests.unit.db.test_client_page import BUSY
from tests.unit.db.world import World


@pytest.fixture
def world(site: Site) -> World:
    """Two customers; one is busy, and has insights; the other has something that is its own."""
    world, now = World(site.door.store), datetime.now(UTC)
    for key, title in (("acme", "Four reports in a week"), ("bolt", "Nobody else may read this")):
        world.customer(key, name=f"{key.title()} Ltd")
        world.contact(f"{key}-pat", key, email=f"pat@{key}.example")
        new = NewInsight(key="first", kind=InsightKind.ACHIEVEMENT, title=title, body="Well done.")
        tip = NewInsight(
            key="tip",
            kind=InsightKind.TIP,
            title=f"Try boards, {key}",
            action_label="Open boards",
            action_url="/success#boards",
        )
        with world.store.write() as session:
            put_insight(session, world.organisation, key, new, now)
            put_insight(session, world.organisation, key, tip, now)
    world.measure("acme", {**BUSY, "events_7": 7.0, "content_generated_30": 1.0}, now - timedelta(days=8))
    world.measure("acme", BUSY, now - timedelta(hours=1))
    world.did("acme", *(("login", now - timedelta(days=number // 2)) for number in range(12)))
    return world


@pytest.fixture
def own(site: Site, world: World, console_page: SignedIn) -> Page:
    """Acme's page, as its own people see it."""
    page = console_page(world.organisation, Role.CLIENT, customer="acme", name="Pat Person")
    page.goto(f"{site.url}/success")
    return page


def state_of(world: World, title: str) -> str:
    with world.store.read() as session:
        return session.exec(select(ClientInsight.state).where(ClientInsight.title == title)).one()


def test_it_shows_score_activity_and_insights_of_its_own_alone(own: Page) -> None:
    expect(own.get_by_role("heading", level=1)).to_contain_text("Acme Ltd")
    expect(own.get_by_role("img", name="92 of 100")).to_be_visible()
    expect(own.locator(".change")).to_contain_text("Up")
    expect(own.locator(".parts li")).to_have_count(5)
    expect(own.get_by_text("Four reports in a week")).to_be_visible()
    own.get_by_text("Day by day, as a table").click()
    expect(own.locator(".as-table tbody tr")).to_have_count(30)
    expect(own.locator(".as-table tbody tr").first).to_contain_text("2")
    words = own.locator("body").inner_text()
    for others in ("Nobody else may read this", "Bolt", "churn", "CRITICAL", "AT_RISK", "risk"):
        assert others not in words


def test_an_insight_is_read_dismissed_and_followed(own: Page, world: World) -> None:
    own.get_by_role("button", name="Mark as read: Four reports in a week").click()
    expect(own.locator("#insights")).to_contain_text("1 new")
    assert state_of(world, "Four reports in a week") == "read"
    own.get_by_role("button", name="Dismiss: Four reports in a week").click()
    expect(own.get_by_text("Four reports in a week")).to_have_count(0)
    assert state_of(world, "Four reports in a week") == "dismissed"
    with own.expect_response(lambda answer: answer.request.method == "PATCH"):
        own.get_by_role("link", name="Open boards").click()
    assert state_of(world, "Try boards, acme") == "acted_on"
    own.get_by_role("button", name="Dismiss: Try boards, acme").click()
    expect(own.locator("#insights")).to_contain_text("Nothing new right now")
    assert state_of(world, "Nobody else may read this") == "unread"


def test_another_customers_insight_cannot_be_touched_from_it(own: Page, world: World) -> None:
    with world.store.read() as session:
        theirs = session.exec(select(ClientInsight.id).where(ClientInsight.customer_id == "bolt")).first()
    status = own.evaluate(
        """async (id) => {
            const csrf = document.querySelector("meta[name=csrf]").content;
            const answer = await fetch("/api/client/success", {
              method: "PATCH", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
              body: JSON.stringify({ action: "dismiss", insightId: id }),
            });
            return answer.status;
        }""",
        theirs,
    )
    assert status == 404
    assert own.evaluate("fetch('/api/client/success?clientId=bolt').then((one) => one.status)") == 404
    assert own.evaluate("fetch('/api/dashboard/stats').then((one) => one.status)") == 403
    own.goto(f"{own.url.split('/success')[0]}/console")
    expect(own.get_by_role("heading", level=1)).to_contain_text("not for your role")
    own.get_by_role("link", name="To your page").click()
    expect(own.get_by_role("heading", level=1)).to_contain_text("Acme Ltd")


def test_its_notifications_are_those_of_whoever_is_signed_in(
    site: Site, world: World, console_page: SignedIn
) -> None:
    for key in ("acme", "bolt"):
        world.add(
            InAppNotification(organisation_id=world.organisation, customer_id=key, contact_id=f"{key}-pat",
                              key=f"n-{key}", title=f"Hello {key}", body="", state="unseen",
                              created_at=datetime.now(UTC))
        )  # fmt: skip
    world.change(ContactRow, "acme-pat", email="pat.person@example.com")
    page = console_page(world.organisation, Role.CLIENT, customer="acme", name="Pat Person")
    page.goto(f"{site.url}/success")
    bell = page.locator("keepwell-feed").get_by_role("button").first
    bell.click()
    expect(page.locator("keepwell-feed")).to_contain_text("Hello acme")
    expect(page.locator("keepwell-feed")).not_to_contain_text("Hello bolt")


def test_without_anything_it_says_what_will_be_there(
    site: Site, world: World, console_page: SignedIn
) -> None:
    world.customer("new", name="New Ltd")
    page = console_page(world.organisation, Role.CLIENT, customer="new")
    page.goto(f"{site.url}/success")
    expect(page.get_by_text("Your score is on its way")).to_be_visible()
    expect(page.get_by_text("No activity yet")).to_be_visible()
    expect(page.get_by_text("Nothing new right now")).to_be_visible()
    expect(page.locator("keepwell-feed")).to_have_count(0)
    accessible(page)


def test_staff_have_no_such_page(site: Site, world: World, console_page: SignedIn) -> None:
    page = console_page(world.organisation, Role.ADMIN)
    answer = page.goto(f"{site.url}/success")
    assert answer is not None
    assert answer.status == 403


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_everybody_can_use_it_on_a_desk_and_on_a_phone(own: Page, colours: str) -> None:
    own.emulate_media(color_scheme="dark" if colours == "dark" else "light")
    own.get_by_text("Day by day, as a table").click()
    accessible(own)
    fits(own)
    on_a_phone(own)
    accessible(own)
    fits(own)
