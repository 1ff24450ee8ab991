"""docs/console.md shows every page of the console, light and dark, on a desktop and a phone."""

from __future__ import annotations

from fastapi.routing import APIRoute

from keepwell.console import ROUTERS
from tests.pictures.console_index import FOLDER, PAGE, pictures, written
from tests.pictures.console_pages import NO_PAGES, SHOTS, is_part

LARGEST = 150_000
"""Bytes of a picture, and of all of them: they stay in the repository's history."""
TOGETHER = 6_000_000


def routes() -> set[str]:
    """What can be opened in the console."""
    return {
        route.path
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and "GET" in (route.methods or ())
    }


def test_every_page_has_its_picture() -> None:
    """A new page needs a `Shot`, and `make pictures`; a part of a page is named as such."""
    pages = {route for route in routes() if not is_part(route)} - set(NO_PAGES)
    assert len(pages) > 20
    assert pages == {shot.route for shot in SHOTS}
    assert set(NO_PAGES) <= routes()
    assert len({shot.key for shot in SHOTS}) == len(SHOTS)


def test_the_page_is_what_make_pictures_would_write() -> None:
    assert PAGE.read_text() == written(), "run: make pictures"


def test_each_picture_is_there_and_no_other() -> None:
    found = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert set(found) == pictures()
    assert {name: size for name, size in found.items() if size > LARGEST or size < 1000} == {}
    assert sum(found.values()) < TOGETHER
