"""The playbooks' pages, and a rehearsal asked for in a browser: reactions are put on the timeline."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from keepwell.contracts.access import Role
from keepwell.db.tables import Organisation
from tests.browser.conftest import SignedIn, Site
from tests.browser.looks import accessible, fits, on_a_phone
from tests.unit.db.world import World
from tests.workflows.rehearsal_world import furnish

LONG = 120_000
"""Milliseconds for a rehearsal, which takes some seconds."""
REHEARSE = "/console/playbooks/rehearse"


@pytest.fixture
def world(site: Site) -> World:
    """Brightdesk, whose customer Acme can be rehearsed."""
    world = World(site.door.store)
    world.can_send()
    world.staff("lena", role="lead")
    world.staff("dana", manager_id="lena")
    furnish(world)
    return world


@pytest.fixture
def console(console_page: SignedIn, world: World) -> Page:
    """A window of somebody of operations, signed in."""
    return console_page(world.organisation, Role.OPS)


def test_a_reaction_is_placed_and_the_playbook_stops(site: Site, console: Page) -> None:
    console.goto(f"{site.url}{REHEARSE}?playbook=critical")
    console.locator("#customer").fill("Ac")
    expect(console.locator("#customers option[value=Acme]")).to_be_attached()
    console.locator("#customer").fill("Acme")
    # In the middle of the day between the call and the other contact.
    console.get_by_label("Put a reaction between day 1 and day 2").click()
    expect(console.locator("#at")).to_have_value("1d12h")
    console.get_by_role("button", name="Put it there").click()
    expect(console.locator("#reactions")).to_contain_text("1 d 12 h: The customer answers")
    expect(console).to_have_url(re.compile(r"typed=reply\+1d12h"))
    accessible(console)
    console.get_by_role("button", name="Run it").click()
    console.wait_for_url(f"**{REHEARSE}/0*")
    # It stands below the form: who waits for it is told, and led there.
    ends = console.get_by_role("heading", name="How it ends")
    expect(ends).to_be_focused(timeout=LONG)
    expect(ends).to_be_in_viewport()
    result = console.locator("#result")
    expect(result.locator(".big")).to_have_text("Responded")
    not_needed = result.locator("h3:has-text('not needed any more') + ol")
    expect(not_needed).to_contain_text("Final offer")
    expect(result.locator("ol.line").first).not_to_contain_text("Final offer")
    # The message as its reader would see it, in a frame that runs nothing.
    result.get_by_text("Email to Acme-0 Person: read it").first.click()
    frame = result.locator("iframe").first
    expect(frame).to_have_attribute("sandbox", "")
    expect(console.frame_locator("#result iframe").first.get_by_text("Hello Acme-0")).to_be_visible()
    accessible(console)
    fits(console)
    with console.expect_popup() as opened:
        console.get_by_role("link", name="As a page to send round").click()
    expect(opened.value.get_by_role("heading", level=1)).to_contain_text("Critical")


def test_another_reaction_is_added_and_it_is_run_again(site: Site, console: Page) -> None:
    console.goto(f"{site.url}{REHEARSE}?playbook=at_risk&customer=acme&typed=reply+2h")
    expect(console.locator("#customer")).to_have_value("Acme")
    console.get_by_role("button", name="Run it").click()
    expect(console.get_by_role("heading", name="How it ends")).to_be_visible(timeout=LONG)
    console.get_by_role("button", name="Remove: 2 h: The customer answers").click()
    # By keyboard: the plus, the dialog, and the arrows that move what was placed.
    console.locator("#ruler [data-gap]").first.focus()
    console.keyboard.press("Enter")
    console.locator("#kind").select_option("score")
    console.locator("#at").fill("3h")
    console.locator("#points").fill("75")
    console.keyboard.press("Enter")
    expect(console.locator("#reactions")).to_contain_text("3 h: The score becomes: 75")
    mark = console.locator("#ruler .mark")
    mark.focus()
    before = console.locator("#reactions span").inner_text()
    console.keyboard.press("ArrowRight")
    expect(console.locator("#reactions span")).not_to_have_text(before)
    expect(mark).to_be_focused()
    first = console.url
    console.get_by_role("button", name="Run it again").click()
    console.wait_for_url(lambda url: url != first)
    expect(console.locator("#result .big")).to_have_text("Recovered", timeout=LONG)
    expect(console.locator(".recent")).to_contain_text("responded")


def test_what_is_wrong_is_said_at_the_form(site: Site, console: Page) -> None:
    console.goto(f"{site.url}{REHEARSE}?playbook=critical&customer=nobody&typed=skip+3h%3Dnothing")
    console.get_by_role("button", name="Run it").click()
    wrong = console.locator("#wrong")
    expect(wrong).to_contain_text("There is no customer 'nobody'")
    expect(console.locator("#customer")).to_be_focused()
    console.locator("#customer").fill("acme")
    console.get_by_role("button", name="Run it").click()
    expect(wrong).to_contain_text("has no step 'nothing'")
    expect(wrong).to_contain_text("Its steps are: executive_email")
    assert console.url.startswith(f"{site.url}{REHEARSE}?")


def test_when_it_begins_is_on_the_organisations_clock(site: Site, console: Page, world: World) -> None:
    world.change(Organisation, world.organisation, time_zone="Asia/Kolkata")
    console.goto(f"{site.url}{REHEARSE}?playbook=critical&start=2027-01-05T04:30:00%2B00:00")
    begins = console.locator("#start")
    expect(begins).to_have_value("2027-01-05T10:00")
    begins.fill("2027-01-05T11:00")
    # What is wrong here keeps it from running: only what was asked counts.
    console.locator("#customer").fill("nobody")
    with console.expect_request(lambda asked: asked.method == "POST") as sent:
        console.get_by_role("button", name="Run it").click()
    body = sent.value.post_data_json or {}
    assert body["start"] == "2027-01-05T05:30:00.000Z"


@pytest.mark.parametrize("slow", [False, True])
def test_it_is_broken_off_from_its_page(site: Site, console: Page, slow: bool) -> None:
    """Also where the page, which looks again and again, hears that it is gone before the answer."""
    console.goto(f"{site.url}{REHEARSE}?playbook=critical&customer=acme")
    console.get_by_role("button", name="Run it").click()
    console.wait_for_url(f"**{REHEARSE}/0*")
    gone = console.url
    looks: list[int] = []
    console.on("response", lambda one: looks.append(one.status) if "/api/v1/rehearsals/" in one.url else None)

    def late(route: Route) -> None:
        if route.request.method != "DELETE":
            route.continue_()
            return
        answer = route.fetch()
        for _ in range(600):
            if 404 in looks:
                break
            console.wait_for_timeout(50)
        console.wait_for_timeout(2000)
        route.fulfill(response=answer)

    if slow:
        console.route("**/api/v1/rehearsals/0*", late)
    console.get_by_role("button", name="Break it off").click()
    console.wait_for_url(f"**{REHEARSE}?**")
    expect(console.locator("#customer")).to_have_value("Acme")
    console.goto(gone)
    expect(console.locator("main")).to_contain_text("Robin Clarke has broken it off")


def test_where_it_cannot_be_broken_off_the_page_goes_on(site: Site, console: Page) -> None:
    """Also where the button that was clicked has been loaded anew meanwhile."""

    def refuse(route: Route) -> None:
        if route.request.method == "DELETE":
            route.fulfill(status=503, json={"title": "Not now.", "status": 503})
        else:
            route.continue_()

    console.route("**/api/v1/rehearsals/0*", refuse)
    console.goto(f"{site.url}{REHEARSE}?playbook=critical&customer=acme")
    console.get_by_role("button", name="Run it").click()
    console.wait_for_url(f"**{REHEARSE}/0*")
    button = console.locator("#break-off").element_handle()
    assert button is not None
    console.evaluate("one => { one.click(); one.replaceWith(one.cloneNode(true)); }", button)
    expect(console.locator("#toasts")).to_contain_text("Not now.")
    expect(console.get_by_role("heading", name="How it ends")).to_be_focused(timeout=LONG)


def test_a_playbook_is_switched_and_its_messages_are_stopped(site: Site, console: Page) -> None:
    console.goto(f"{site.url}/console/playbooks/critical")
    how = console.get_by_role("region", name="How it goes")
    how.get_by_role("button", name="With drafts").click()
    expect(how.locator(".tag.info")).to_have_text("With drafts")
    expect(console.locator("#toasts")).to_contain_text("critical goes with drafts now")
    console.get_by_role("button", name="Undo").click()
    expect(how.locator(".tag.good")).to_have_text("Automatic")
    how.get_by_role("button", name="Stop its messages").click()
    console.get_by_label("Why").fill("A letter was wrong")
    console.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(console.locator("main").get_by_role("alert")).to_contain_text("A letter was wrong")
    how.get_by_role("button", name="Let its messages go on").click()
    expect(how.get_by_role("button", name="Stop its messages")).to_be_visible()
    console.goto(f"{site.url}/console/playbooks")
    console.get_by_role("button", name="Stop all sending").click()
    console.get_by_label("Why").fill("Everything is wrong")
    console.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(console.locator("main").get_by_role("alert")).to_contain_text("Robin Clarke: Everything is wrong")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_playbooks_are_shown_to_everybody(site: Site, console: Page, world: World, scheme: str) -> None:
    console.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    world.intervention("one", "acme", version=3)
    console.goto(f"{site.url}/console/playbooks")
    row = console.get_by_role("row", name="Critical: win the customer back")
    expect(row).to_contain_text("Automatic")
    accessible(console)
    row.get_by_role("link").click()
    expect(console.get_by_role("heading", level=1)).to_have_text("Critical: win the customer back")
    picture = console.get_by_role("img", name="Critical: win the customer back")
    expect(picture).to_be_visible()
    assert "executive" in (picture.locator("desc").text_content() or "")
    expect(console.get_by_role("table").last).to_contain_text("Acme")
    accessible(console)


def test_no_letter_of_the_picture_is_cut_off(site: Site, console: Page) -> None:
    """Each line ends within its card, in whatever font this machine has."""
    for name in ("critical", "high_risk", "usage_limit", "momentum_nudge"):
        console.goto(f"{site.url}/console/playbooks/{name}")
        beyond = console.evaluate(
            """() => [...document.querySelectorAll(".picture .step")].flatMap((step) => {
                const box = step.querySelector(".card-box").getBBox();
                return [...step.querySelectorAll("text")]
                    .filter((text) => text.getBBox().x + text.getBBox().width > box.x + box.width)
                    .map((text) => text.textContent);
            })"""
        )
        assert beyond == []
        cards = console.evaluate("document.querySelectorAll('.picture .step').length")
        assert cards == console.evaluate("document.querySelectorAll('.steps > li').length") - 1


def test_on_a_phone_the_timeline_is_a_list(site: Site, console: Page) -> None:
    on_a_phone(console)
    for path in ("/console/playbooks", "/console/playbooks/critical", f"{REHEARSE}?playbook=critical"):
        console.goto(f"{site.url}{path}")
        fits(console)
        accessible(console)
    console.goto(f"{site.url}/console/playbooks/critical")
    expect(console.locator(".picture")).to_be_hidden()
    expect(console.locator(".steps > li").first).to_contain_text("Executive email")
