"""What a page of the console shows, as its reader would find it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from httpx2 import Response

from tests.unit.api.desk_world import Desk

LONG_NAME = "Ж" * 200
HOSTILE = "<script>alert(1)</script>\"'>&{{ 7*7 }}"
RIGHT_TO_LEFT = "שלום \u202e evil 😀 مرحبا"
NAMES = (LONG_NAME, HOSTILE, RIGHT_TO_LEFT)


def page(desk: Desk, path: str, status: int = 200) -> str:
    """A page as its HTML."""
    answer = looked(desk, path)
    assert answer.status_code == status, answer.text
    return answer.text


def looked(desk: Desk, path: str) -> Response:
    """A page as it was answered."""
    answer: Response = desk.client.get(path, headers=desk.headers)
    return answer


def words(html: str) -> str:
    """The text of a page, in one line."""
    reader = _Words()
    reader.feed(html)
    return re.sub(r"\s+", " ", " ".join(reader.found))


def tags(html: str, name: str) -> list[dict[str, str | None]]:
    """The attributes of all elements of a name."""
    reader = _Words()
    reader.feed(html)
    return [attributes for tag, attributes in reader.tags if tag == name]


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.found.append(data)
