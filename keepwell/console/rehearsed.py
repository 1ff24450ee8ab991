"""What came of a rehearsal, made ready for its page: entries with headings, and messages for their frames."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from keepwell.contracts.base import Frozen
from keepwell.rehearsal.page import DEAD_LINKS, heading_of, height_of
from keepwell.rehearsal.timeline import Entry, Timeline
from keepwell.rehearsal.told import Rehearsal


class Letter(Frozen):
    """A message or document as HTML; `number` is its place among all of its rehearsal, `height` in pixels."""

    number: int
    title: str
    html: str
    text: str
    height: int


class ShownEntry(Frozen):
    """An entry with what a page says of it."""

    entry: Entry
    heading: str
    letters: tuple[Letter, ...]


class ShownTimeline(Frozen):
    """A timeline whose entries are ready to be shown."""

    timeline: Timeline
    entries: tuple[ShownEntry, ...]
    ahead: tuple[ShownEntry, ...]
    left_out: tuple[ShownEntry, ...]

    @property
    def letters(self) -> Iterator[Letter]:
        """All messages and documents."""
        return chain.from_iterable(one.letters for one in (*self.entries, *self.ahead, *self.left_out))


def shown(rehearsal: Rehearsal) -> tuple[ShownTimeline, ...]:
    """The timelines of a rehearsal: none before it is done, one, or two that are compared."""
    both = rehearsal.comparison
    timelines = (both.left, both.right) if both else (rehearsal.timeline,) if rehearsal.timeline else ()
    made, number = [], 0
    for timeline in timelines:
        parts = []
        for entries in (timeline.entries, timeline.ahead, timeline.left_out):
            part = []
            for entry in entries:
                letters = tuple(_letters(entry, number))
                number += len(letters)
                part.append(ShownEntry(entry=entry, heading=heading_of(entry), letters=letters))
            parts.append(tuple(part))
        made.append(ShownTimeline(timeline=timeline, entries=parts[0], ahead=parts[1], left_out=parts[2]))
    return tuple(made)


def framed(rehearsal: Rehearsal, number: int) -> str | None:
    """A message's HTML for a frame of its own, its links switched off; None where there is none."""
    letters = chain.from_iterable(one.letters for one in shown(rehearsal))
    return next((one.html + DEAD_LINKS for one in letters if one.number == number), None)


def _letters(entry: Entry, first: int) -> Iterator[Letter]:
    found = [
        (f"Email to {message.recipient}", message.html, message.text)
        for message in entry.messages
        if message.html
    ]
    for message in entry.messages:
        found += [(f"Attached: {name}", html, "") for name, html in message.attachments.items()]
    if entry.html:
        found.append(("The document", entry.html, entry.text))
    for number, (title, html, text) in enumerate(found, first):
        yield Letter(number=number, title=title, html=html, text=text, height=height_of(text or html))
