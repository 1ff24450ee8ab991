"""A newcomer in the demo, with nothing to go by but the screen: a real demo, a real browser."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import browser, page
from tests.e2e.demo_user import an_environment, console_in, running_demo

__all__ = ["browser", "page"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PATIENCE = 30_000.0
SAID = "They want a call on Thursday"


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the console of a running demo is, as the demo itself says it."""
    folder = tmp_path_factory.mktemp("newcomer")
    with running_demo(an_environment(folder), folder, "--port", "0") as demo:
        yield console_in(demo.until("Ctrl-C ends it"))


def enter(page: Page, console: str, door: str) -> None:
    """Open what the demo printed, and choose who to be."""
    page.goto(console)
    page.get_by_role("button", name=door).click()
    page.wait_for_load_state()


def critical_one(page: Page) -> Locator:
    """The first thing on Today that a critical playbook would escalate."""
    rows = page.locator("ol.needs > li.need:visible").filter(has=page.get_by_title("critical@"))
    rows = rows.filter(has_text="Escalation")
    expect(rows.first).to_be_visible(timeout=PATIENCE)
    return rows.first


def wait_until_begun(page: Page, timeline: Locator) -> None:
    """Wait until what the playbook does at once is done: then nothing that is planned is due already."""
    end = time.monotonic() + PATIENCE / 1000
    # The soonest stands last.
    soonest = timeline.locator("li.planned time").last
    while datetime.fromisoformat(soonest.get_attribute("datetime") or "") <= datetime.now(UTC):
        assert time.monotonic() < end, "its first steps are not done"
        page.wait_for_timeout(100)


def test_a_newcomer_logs_an_answer_and_sees_the_playbook_stop(page: Page, console: str) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    enter(page, console, "Customer success manager")
    expect(page.get_by_role("heading", name="Today", level=1)).to_be_visible()
    row = critical_one(page)
    customer = row.locator("a.name").inner_text()
    row.get_by_role("link", name="Open").click()

    expect(page.get_by_role("heading", name=customer, level=1)).to_be_visible()
    timeline, run = page.locator("#timeline"), page.locator("section.run").first
    expect(run).to_contain_text("No answer yet")
    expect(timeline).to_contain_text("No answer for 72 hours")
    wait_until_begun(page, timeline)
    planned = timeline.locator("li.planned").count()
    assert planned > 6

    run.get_by_role("button", name="They answered").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The playbook stops waiting")
    dialog.get_by_label("What they said").fill(SAID)
    dialog.get_by_role("button", name="Log the answer").click()

    # Nothing is loaded anew: the page hears of it.
    expect(page.locator("section.run").first).to_contain_text(f"“{SAID}”", timeout=PATIENCE)
    cancelled = timeline.locator(".cancelled")
    expect(cancelled).to_contain_text("Cancelled: The customer answered", timeout=PATIENCE)
    expect(cancelled).to_contain_text("will not do this any more")
    assert cancelled.locator("s").count() > 4
    expect(timeline).not_to_contain_text("No answer for 72 hours")
    expect(timeline.locator("li.planned")).to_have_count(planned - cancelled.locator("s").count())
    expect(timeline.locator("li.line").filter(has_text=SAID).first).to_contain_text("The customer answered")

    page.get_by_role("link", name="Today").click()
    expect(page.get_by_role("heading", name="Today", level=1)).to_be_visible()
    expect(
        page.locator("li.need.escalation").filter(has=page.get_by_role("link", name=customer, exact=True))
    ).to_have_count(0)


def test_there_is_something_of_every_kind_to_look_at(page: Page, console: str) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    enter(page, console, "Customer success manager")
    expect(page.locator("#sum")).to_contain_text("You stand in for")
    for kind in ("Escalations", "Drafts", "Alerts", "Replies"):
        expect(page.locator("#chips")).to_contain_text(re.compile(rf"{kind}\s+[1-9]"))
    page.goto(f"{console}/console/portfolio")
    expect(page.get_by_role("link", name=re.compile("At risk, the largest first"))).to_be_visible()
    assert page.locator("table svg.spark").count() > 20


def test_the_customers_own_page_has_activity_insights_and_an_offer(page: Page, console: str) -> None:
    enter(page, console, "Customer Sees their own")
    expect(page).to_have_url(re.compile("/success$"))
    expect(page.locator("main")).to_contain_text("Invite the rest of the team")
    expect(page.locator("main")).to_contain_text("Demo data")
    assert page.locator("ol.heat li:not(.heat-0)").count() > 10
    expect(page.locator("section.score")).to_contain_text("of 100")
    page.get_by_role("link", name="See the offer").first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page).to_have_url(re.compile("/offers/"))
