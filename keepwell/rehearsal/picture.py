"""The overview at the head of the page: three lanes of dots over time."""

from __future__ import annotations

from datetime import timedelta

from keepwell.contracts.base import Frozen
from keepwell.rehearsal.timeline import Entry, EntryKind, Timeline
from keepwell.spans import offset_words

LANES = ("Customer", "Team", "Events")
_TO_STAFF = ("task", "escalation", "assignment", "alert")
_STEPS = tuple(timedelta(hours=hours) for hours in (1, 2, 3, 6, 12, 24, 48, 72, 120, 168, 240, 336, 480, 720))


class Frame(Frozen):
    """The size of a picture in its own units, about pixels: in all, where the lanes begin, how long they are.

    `ticks` is how many marks the axis of time has at most, beside its start; `dot` the radius of a dot.
    """

    whole: float
    left: float
    width: float
    ticks: int
    dot: float


WIDE = Frame(whole=1000, left=96, width=880, ticks=6, dot=8)
NARROW = Frame(whole=324, left=74, width=238, ticks=3, dot=6)
"""For a phone: drawn anew, since letters that shrink with the picture cannot be read."""


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

    frame: Frame
    dots: tuple[Dot, ...]
    ticks: tuple[Tick, ...]
    names: tuple[str, ...] = LANES


def lanes_of(timeline: Timeline, frame: Frame = WIDE) -> Lanes:
    """Where each entry of a timeline stands in the overview."""
    whole = max([timedelta(hours=1), *(entry.offset for entry in timeline.entries)])
    step = next((one for one in _STEPS if whole / one <= frame.ticks + 0.01), _STEPS[-1])
    count = int(whole / step)
    return Lanes(
        frame=frame,
        dots=tuple(
            Dot(x=_x(entry.offset / whole, frame), lane=_lane(entry), kind=entry.kind, words=_words(entry))
            for entry in timeline.entries
        ),
        ticks=tuple(
            Tick(
                x=_x(number * step / whole, frame),
                words="start" if number == 0 else offset_words(number * step),
            )
            for number in range(count + 1)
        ),
    )


def _x(share: float, frame: Frame) -> float:
    return round(frame.left + frame.width * share, 1)


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
