"""Every email in a real browser: on the narrowest phone, with the longest names, in light and dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.colours import contrast
from tests.pictures.camera import visit
from tests.pictures.letters import LONG_CUSTOMER, LONG_PERSON, Letter, letters, with_long_names
from tests.pictures.pages import served

NARROW = 320
LETTERS = {letter.key: letter for letter in letters(with_long_names)}

# The colour of each piece of text, and of what lies behind it.
SEEN = """() => {
  const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const ground = (one) => getComputedStyle(one).backgroundColor;
  while (walk.nextNode()) {
    const words = walk.currentNode.textContent.trim(), at = walk.currentNode.parentElement;
    if (!words || !at.getClientRects().length) continue;
    let behind = at;
    while (behind && ground(behind) === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
    found.push([words, getComputedStyle(at).color, behind ? ground(behind) : "rgb(255, 255, 255)"]);
  }
  return found;
}"""


def legible(page: Page) -> None:
    """Nothing to scroll sideways, and every word stands out from what lies behind it, in light and dark."""
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        seen = page.evaluate(SEEN)
        assert len(seen) > 1
        faint = [(words, scheme) for words, ink, ground in seen if contrast(ink, ground) < 4.5]
        assert faint == []


@pytest.mark.parametrize("letter", LETTERS.values(), ids=LETTERS)
def test_it_is_legible_on_the_narrowest_phone(page: Page, letter: Letter) -> None:
    page.set_viewport_size({"width": NARROW, "height": 600})
    page.set_content(letter.rendered.html)
    legible(page)
    for button in page.locator(".button a").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert box["width"] == NARROW - 40


def test_some_letters_have_a_button_and_none_has_several(page: Page) -> None:
    """What is demanded of buttons above would hold of letters without any."""
    counts = []
    for letter in LETTERS.values():
        page.set_content(letter.rendered.html)
        counts.append(page.locator(".button a").count())
    assert set(counts) == {0, 1}
    assert sum(counts) > 15


def test_so_are_the_pages_behind_the_links(page: Page) -> None:
    page.set_viewport_size({"width": NARROW, "height": 600})
    with served(LONG_CUSTOMER, LONG_PERSON.name) as pages:
        for shown in pages:
            visit(page, shown.url, shown.do)
            legible(page)
