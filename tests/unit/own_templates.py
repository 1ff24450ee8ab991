"""The templates that come with Keepwell, and ways to read what they render."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from keepwell.contracts.playbook import FALLBACK, REVIEW
from keepwell.contracts.rendering import Context, Rendered
from keepwell.playbooks import BUILT_IN, PlaybookRegistry
from keepwell.rendering.bundle import load_bundle
from keepwell.rendering.render import render

BESIDES = {FALLBACK, REVIEW}
PLAYBOOKS = PlaybookRegistry(BUILT_IN).playbooks.values()
NAMED = {name for playbook in PLAYBOOKS for name in playbook.template_names} - BESIDES
EMAILS = sorted(name for name in NAMED if name.startswith("email/"))
DOCUMENTS = sorted(name for name in NAMED if name.startswith("document/"))
TO_CUSTOMERS = sorted(name for name in NAMED if name.startswith(("email/", "in_app/", "document/")))


def rendered(name: str, context: Context) -> Rendered:
    """One of the templates, rendered."""
    return render(load_bundle(name), context)


def words_of(html: str) -> str:
    """The text of a page with single spaces."""
    words = _Words()
    words.feed(html)
    return " ".join(" ".join(words.found).split())


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found.append(data.strip())


def unclosed(html: str) -> list[str]:
    """The tags that are opened and not closed, or closed and not opened."""
    tags = _Tags()
    tags.feed(re.sub(r"<!--.*?-->", "", html, flags=re.S))
    return tags.open + tags.wrong


class _Tags(HTMLParser):
    VOID = frozenset({"meta", "br", "img", "link", "hr", "path", "circle", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        return

    def handle_endtag(self, tag: str) -> None:
        if tag in self.VOID:
            return
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.wrong.append(f"/{tag}")
