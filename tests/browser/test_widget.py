"""The in-app widget in a real browser, on a page of another origin that forbids all it can."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import APIResponse, Locator, Page, Route, expect

from examples.widget.host import host
from keepwell.db.tables import InAppNotification
from keepwell.feed import feed_token
from tests.browser.colours import contrast
from tests.browser.conftest import Site
from tests.unit.api.test_feed import SCRIPT, notify
from tests.unit.db.world import World

LONG = 60_000
"""Milliseconds for a push after the line was cut: each attempt to come back is made after a longer rest."""


@dataclass
class Host:
    """The product's page, and the tokens that its backend has given out."""

    url: str
    world: World
    lasts: timedelta = timedelta(hours=1)
    given: list[str] = field(default_factory=list)


@pytest.fixture
def product(site: Site) -> Iterator[Host]:
    """The product on its own origin; Lena is signed in and has three notifications."""
    world = World(site.door.store)
    world.customer("acme")
    world.contact("lena", "acme")
    now = datetime.now(UTC)
    notify(world, "n1", title="Welcome back", created_at=now - timedelta(days=3), state="read")
    notify(world, "n2", title="Two things that could help you", created_at=now - timedelta(hours=2))
    notify(world, "n3", title="A report is ready", created_at=now, action_label="Open it")
    origin = site.door.settings.widget_origins[0]
    product = Host(origin, world)

    def token() -> str:
        made = feed_token(
            site.door.store, site.door.links, "org-1", "lena", now=datetime.now(UTC), lasts=product.lasts
        )
        product.given.append(made)
        return made

    with ExitStack() as stack:
        server = host(int(urlsplit(origin).port or 0), site.url, token)
        stack.callback(server.server_close)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        stack.callback(thread.join, 5)
        stack.callback(server.shutdown)
        yield product


def bell(page: Page) -> Locator:
    """The bell."""
    return page.get_by_role("button", name=re.compile("^Notifications"))


def panel(page: Page) -> Locator:
    """The list that it opens."""
    return page.get_by_role("dialog", name="Notifications")


def state(product: Host, key: str) -> str:
    """How far a notification has come in the store."""
    with product.world.store.read() as session:
        return session.get_one(InAppNotification, key).state


def until(page: Page, true: Callable[[], bool], what: str) -> None:
    """Wait until something is so, for as long as for what a page shows; the page goes on meanwhile."""
    for _ in range(600):
        if true():
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"still not: {what}")


def comes_to(page: Page, product: Host, key: str, wanted: str) -> None:
    """Wait until a notification has come so far."""
    until(page, lambda: state(product, key) == wanted, f"{key} is {wanted}")


def pushes(page: Page) -> list[str]:
    """What the server pushes to the pages that are opened from now on."""
    heard: list[str] = []
    page.on("websocket", lambda line: line.on("framereceived", lambda said: heard.append(str(said))))
    return heard


def test_the_bell_counts_and_its_panel_lists_with_roles_and_names(page: Page, product: Host) -> None:
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text))
    page.goto(product.url)
    expect(bell(page)).to_have_accessible_name("Notifications, 2 unread")
    expect(bell(page)).to_have_attribute("aria-expanded", "false")
    bell(page).click()
    expect(bell(page)).to_have_attribute("aria-expanded", "true")
    rows = panel(page).get_by_role("list", name="Notifications").get_by_role("listitem")
    expect(rows).to_have_count(3)
    expect(rows.first).to_have_accessible_name("Unread: A report is ready")
    expect(rows.nth(2)).to_have_accessible_name("Welcome back")
    expect(panel(page).get_by_role("button", name="Dismiss: Welcome back")).to_be_visible()
    comes_to(page, product, "n3", "seen")
    assert state(product, "n1") == "read"
    # The page's policy forbids inline styles and scripts, and nothing of the widget met it.
    assert [line for line in said if "Content Security Policy" in line] == []
    assert page.evaluate("document.cookie") == ""
    assert all(token not in page.content() for token in product.given)


def test_it_goes_by_keyboard_alone(page: Page, product: Host) -> None:
    page.goto(product.url)
    expect(bell(page)).to_have_accessible_name("Notifications, 2 unread")
    page.keyboard.press("Tab")
    expect(bell(page)).to_be_focused()
    page.keyboard.press("Enter")
    rows = panel(page).get_by_role("listitem")
    expect(rows.first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("End")
    expect(rows.nth(2)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(rows.nth(2)).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(bell(page)).to_have_accessible_name("Notifications, 1 unread")
    comes_to(page, product, "n3", "read")
    page.keyboard.press("Tab")
    expect(panel(page).get_by_role("link", name="Open it")).to_be_focused()
    page.keyboard.press("Tab")
    expect(panel(page).get_by_role("button", name="Dismiss: A report is ready")).to_be_focused()
    page.keyboard.press("Enter")
    expect(rows).to_have_count(2)
    expect(rows.first).to_be_focused()
    comes_to(page, product, "n3", "dismissed")
    page.keyboard.press("Escape")
    expect(panel(page)).to_be_hidden()
    expect(bell(page)).to_be_focused()


def test_acting_opens_the_address_apart_and_is_noted(page: Page, product: Host) -> None:
    page.context.route("https://app.example.com/**", lambda route: route.fulfill(body="there"))
    page.goto(product.url)
    bell(page).click()
    with page.context.expect_page() as opened:
        panel(page).get_by_role("link", name="Open it").click()
    opened.value.wait_for_url("https://app.example.com/go")
    assert opened.value.evaluate("window.opener") is None
    comes_to(page, product, "n3", "acted_on")


def test_what_is_new_is_pushed_and_read_out(page: Page, product: Host) -> None:
    heard = pushes(page)
    page.goto(product.url)
    expect(bell(page)).to_have_accessible_name("Notifications, 2 unread")
    until(page, lambda: bool(heard), "the page is told where the feed stands: what comes later is new")
    notify(product.world, "n4", title="Your trial has begun", created_at=datetime.now(UTC))
    expect(bell(page)).to_have_accessible_name("Notifications, 3 unread")
    expect(page.get_by_role("status").filter(has_text="New notification")).to_have_text(
        "New notification: Your trial has begun"
    )
    bell(page).click()
    expect(panel(page).get_by_role("listitem")).to_have_count(4)
    notify(product.world, "n5", title="And another one", created_at=datetime.now(UTC))
    expect(panel(page).get_by_role("listitem")).to_have_count(5)
    panel(page).get_by_role("button", name="Mark all as read").click()
    expect(bell(page)).to_have_accessible_name("Notifications")


def test_script_in_what_is_shown_stays_text(page: Page, product: Host) -> None:
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    product.world.change(InAppNotification, "n3", title=SCRIPT, body=SCRIPT, action_label=SCRIPT)
    product.world.change(InAppNotification, "n2", action_url="javascript:alert(1)")
    page.goto(product.url)
    bell(page).click()
    row = panel(page).get_by_role("listitem").first
    expect(row.get_by_role("heading")).to_contain_text("<script>alert(2)</script>")
    expect(row.locator("img, script")).to_have_count(0)
    expect(panel(page).get_by_role("link")).to_have_count(2)
    for link in panel(page).get_by_role("link").all():
        assert (link.get_attribute("href") or "").startswith("https://")


def test_without_a_websocket_it_polls(page: Page, product: Host) -> None:
    page.add_init_script(
        "delete window.WebSocket; const wait = setTimeout;"
        "window.setTimeout = (work, after) => wait(work, Math.min(after, 300));"
    )
    page.goto(product.url)
    expect(bell(page)).to_have_accessible_name("Notifications, 2 unread")
    notify(product.world, "n4", created_at=datetime.now(UTC))
    expect(bell(page)).to_have_accessible_name("Notifications, 3 unread")


def test_a_token_that_ends_is_renewed_and_the_push_goes_on(page: Page, product: Host) -> None:
    product.lasts = timedelta(seconds=4)
    page.goto(product.url)
    expect(bell(page)).to_have_accessible_name("Notifications, 2 unread")
    product.lasts = timedelta(hours=1)
    until(page, lambda: len(product.given) >= 2, "the page has asked for another token")
    notify(product.world, "n4", created_at=datetime.now(UTC))
    expect(bell(page)).to_have_accessible_name("Notifications, 3 unread", timeout=LONG)


def test_it_comes_back_when_keepwell_does(page: Page, product: Host, site: Site) -> None:
    page.goto(product.url)
    expect(bell(page)).to_have_accessible_name("Notifications, 2 unread")
    page.wait_for_timeout(500)
    site.stop()
    bell(page).click()
    expect(panel(page).get_by_role("alert")).to_contain_text("cannot be loaded now")
    site.start()
    panel(page).get_by_role("button", name="Try again").click()
    expect(panel(page).get_by_role("listitem")).to_have_count(3)
    notify(product.world, "n4", created_at=datetime.now(UTC))
    expect(bell(page)).to_have_accessible_name("Notifications, 3 unread", timeout=LONG)


def test_an_empty_feed_and_other_words(page: Page, product: Host, site: Site) -> None:
    for key in ("n1", "n2", "n3"):
        product.world.change(InAppNotification, key, dismissed_at=datetime.now(UTC))
    page.goto(product.url)
    page.evaluate(
        """([base]) => { const feed = document.createElement("keepwell-feed");
        Object.assign(feed.dataset, {base, tokenUrl: "/keepwell-token", textTitle: "Neuigkeiten",
        textNone: "Nichts Neues."}); document.body.append(feed); }""",
        [site.url],
    )
    page.get_by_role("button", name="Neuigkeiten").click()
    expect(page.get_by_role("dialog", name="Neuigkeiten")).to_contain_text("Nichts Neues.")


@pytest.mark.parametrize("width", [320, 500, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_can_be_read(page: Page, product: Host, width: int, scheme: str) -> None:
    product.world.change(InAppNotification, "n3", title="Donaudampfschifffahrtsgesellschaft" * 4)
    page.set_viewport_size({"width": width, "height": 700})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(product.url)
    bell(page).click()
    expect(panel(page).get_by_role("listitem")).to_have_count(3)
    box = panel(page).bounding_box()
    assert box is not None
    assert 0 <= box["x"] <= box["x"] + box["width"] <= width
    assert box["y"] + box["height"] <= 700
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cross = panel(page).get_by_role("button", name="Close").bounding_box()
    assert cross is not None
    assert cross["x"] + cross["width"] <= box["x"] + box["width"]
    ink, paper = panel(page).evaluate(
        "one => [getComputedStyle(one).color, getComputedStyle(one).backgroundColor]"
    )
    assert contrast(ink, paper) >= 7


@pytest.mark.parametrize(
    ("page_is", "paper", "ink"),
    [("light", "rgb(255, 255, 255)", "rgb(20, 30, 40)"), ("dark", "rgb(20, 20, 20)", "rgb(240, 240, 240)")],
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_looks_as_the_page_does_whatever_the_system_prefers(
    page: Page, product: Host, scheme: str, page_is: str, paper: str, ink: str
) -> None:
    css = f":root {{ color-scheme: {page_is}; background: {paper}; color: {ink} }}"
    page.route("**/page.css", lambda route: route.fulfill(content_type="text/css", body=css))
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(product.url)
    colour = bell(page).evaluate("one => getComputedStyle(one).color")
    assert contrast(colour, paper) >= 7, "the bell stands on the page"
    bell(page).click()
    shown = panel(page).evaluate("one => getComputedStyle(one).backgroundColor")
    assert contrast(shown, paper) < 2, "and so does the panel"


def test_all_means_those_too_that_are_not_on_the_page(page: Page, product: Host) -> None:
    began = datetime.now(UTC) - timedelta(days=1)
    for number in range(10, 40):
        notify(product.world, f"n{number}", created_at=began + timedelta(minutes=number))
    page.goto(product.url)
    expect(bell(page)).to_have_accessible_name("Notifications, 32 unread")
    bell(page).click()
    expect(panel(page).get_by_role("listitem")).to_have_count(20)
    panel(page).get_by_role("button", name="Mark all as read").click()
    expect(bell(page)).to_have_accessible_name("Notifications")
    comes_to(page, product, "n10", "read")


def test_a_push_takes_nothing_away_that_somebody_reads(page: Page, product: Host) -> None:
    began = datetime.now(UTC) - timedelta(days=1)
    for number in range(10, 40):
        notify(product.world, f"n{number}", created_at=began + timedelta(minutes=number))
    page.goto(product.url)
    bell(page).click()
    panel(page).get_by_role("button", name="Show older").click()
    rows = panel(page).get_by_role("listitem")
    expect(rows).to_have_count(33)
    page.keyboard.press("End")
    expect(rows.nth(32)).to_be_focused()
    notify(product.world, "n9", title="Your trial has begun", created_at=datetime.now(UTC))
    expect(rows).to_have_count(34)
    expect(rows.nth(33)).to_be_focused()
    expect(rows.nth(33)).to_have_accessible_name("Welcome back")


def test_a_list_that_was_read_before_brings_nothing_back(page: Page, product: Host) -> None:
    page.goto(product.url)
    bell(page).click()
    rows = panel(page).get_by_role("listitem")
    expect(rows).to_have_count(3)
    on_the_way: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        """Let the first answer wait."""
        if on_the_way:
            route.continue_()
        else:
            on_the_way.append((route, route.fetch()))

    page.route("**/api/v1/feed", hold)
    notify(product.world, "n4", created_at=datetime.now(UTC))
    until(page, lambda: bool(on_the_way), "the list is read again")
    panel(page).get_by_role("button", name="Dismiss: Welcome back").click()
    expect(rows).to_have_count(2)
    comes_to(page, product, "n1", "dismissed")
    ((route, answer),) = on_the_way
    route.fulfill(response=answer)
    expect(rows).to_have_count(3)
    expect(rows.nth(2)).to_have_accessible_name("Unread: Two things that could help you")


def test_a_push_leaves_the_focus_where_it_is_within_a_row(page: Page, product: Host) -> None:
    page.goto(product.url)
    bell(page).click()
    link = panel(page).get_by_role("link", name="Open it")
    expect(panel(page).get_by_role("listitem").first).to_be_focused()
    link.focus()
    notify(product.world, "n4", created_at=datetime.now(UTC))
    expect(panel(page).get_by_role("listitem")).to_have_count(4)
    expect(link).to_be_focused()
