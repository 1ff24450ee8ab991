"""The overview at the head of the page: three lanes of dots over time."""

from __future__ import annotations

from datetime import timedelta

from keepwell.contracts.base import Frozen
from keepwell.rehearsal.timeline import Entry, EntryKind, Timeline
from keepwell.spans import offset_words

LEFT, WIDTH = 96.0, 880.0
"""Where the lanes begin, and how long they are, in the picture's own units."""
LANES = ("Customer", "Team", "Events")
_TO_STAFF = ("task", "escalation", "assignment", "alert")
_TICKS = 6
_STEPS = tuple(timedelta(hours=hours) for hours in (1, 2, 3, 6, 12, 24, 48, 72, 120, 168, 240, 336, 480, 720))


class Dot(Frozen):
    """One entry in the overview: where it is, in which lane, and what a reader is told who points at it."""

    x: float
    lane: int
    kind: EntryKind
    words: str


class Tick(Frozen):
    """A mark on the axis of time."""

    x: float
    words: str


class Lanes(Frozen):
    """The overview: dots and ticks in the picture's units."""

    dots: tuple[Dot, ...]
    ticks: tuple[Tick, ...]
    names: tuple[str, ...] = LANES


def lanes_of(timeline: Timeline) -> Lanes:
    """Where each entry of a timeline stands in the overview."""
    whole = max([timedelta(hours=1), *(entry.offset for entry in timeline.entries)])
    step = next((one for one in _STEPS if whole / one <= _TICKS), _STEPS[-1])
    count = int(whole / step)
    return Lanes(
        dots=tuple(
            Dot(x=_x(entry.offset, whole), lane=_lane(entry), kind=entry.kind, words=_words(entry))
            for entry in timeline.entries
        ),
        ticks=tuple(
            Tick(x=_x(number * step, whole), words="start" if number == 0 else offset_words(number * step))
            for number in range(count + 1)
        ),
    )


def _x(offset: timedelta, whole: timedelta) -> float:
    return round(LEFT + WIDTH * (offset / whole), 1)


def _lane(entry: Entry) -> int:
    if entry.state == "done" and any(message.to_customer for message in entry.messages):
        return 0
    if entry.kind in ("offer", "document") and entry.state == "done":
        return 0
    if entry.kind in _TO_STAFF or entry.state:
        return 1
    return 2


def _words(entry: Entry) -> str:
    what = entry.messages[0].subject if entry.messages and entry.messages[0].subject else entry.title
    return f"{offset_words(entry.offset)}: {what}"
