"""A rehearsal, or two side by side, as one HTML page for whoever may see the customer. It loads nothing.

Messages are shown in frames that can run no script, follow no link and load no picture from elsewhere.
Email addresses are shortened wherever they stand, but for the bodies of messages and documents.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from keepwell.rehearsal.compare import Comparison
from keepwell.rehearsal.picture import NARROW, WIDE, lanes_of
from keepwell.rehearsal.timeline import Entry, Timeline
from keepwell.rendering.filters import level
from keepwell.spans import offset_words, span_words

FRAME_LEAST, FRAME_MOST = 260, 1500
_LINE = 20
_FURNITURE = 120
"""Pixels of a message besides its lines: header, figures, buttons, footer."""
_LETTERS = 68
DEAD_LINKS = "<style>a{pointer-events:none!important;cursor:default}</style>"
"""A link in a rehearsed message may lead to the real thing, an unsubscribe for one."""

CHANNELS = {"email": "Email", "slack": "Slack", "in_app": "In-app"}

_PART = r"[^\s@<>,;:\"()\[\]\\]"
_ADDRESS = re.compile(rf"(?<!{_PART})({_PART}){_PART}*+@({_PART}+\.{_PART})")
"""What an import takes for an email address, up to a dot in its domain; a playbook's critical@1 is none."""


class Body(str):
    """A message or document as it was rendered: nothing in it is shortened."""

    __slots__ = ()


def page_of(rehearsed: Timeline | Comparison) -> str:
    """The page's HTML."""
    template = _environment().get_template("page.html.j2")
    if isinstance(rehearsed, Comparison):
        return template.render(timeline=rehearsed.left, comparison=rehearsed, pictures=())
    pictures = {"wide": lanes_of(rehearsed, WIDE), "narrow": lanes_of(rehearsed, NARROW)}
    return template.render(timeline=rehearsed, comparison=None, pictures=pictures.items())


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_discreet,
    )
    environment.filters |= {
        "offset": offset_words,
        "span": span_words,
        "day": _day,
        "clock": _clock,
        "frame": _frame,
        "body": Body,
        "height": height_of,
        "heading": heading_of,
        "channel": lambda name: CHANNELS.get(name, name),
        "level": level,
    }
    return environment


def _day(at: datetime) -> str:
    return f"{at:%a} {at.day} {at:%b}"


def _clock(at: datetime) -> str:
    return f"{at:%H:%M}"


def heading_of(entry: Entry) -> str:
    """What an entry is called: by its message or its task, if it has one."""
    subjects = [message.subject for message in entry.messages if message.subject]
    if not subjects and entry.kind == "task":
        subjects = [task.title for task in entry.tasks]
    title = subjects[0] if subjects else entry.title
    return title[:1].upper() + title[1:] if entry.step else title


def _frame(html: str) -> Body:
    """A message's HTML for a frame; the template escapes it for the attribute."""
    return Body(html + DEAD_LINKS)


def _discreet(value: object) -> object:
    """What the template is about to write: p…@acme.example for an address, unless it stands in a body."""
    # Not for subclasses: bodies, and what macros have written already, with bodies in it.
    return _ADDRESS.sub(r"\1…@\2", value) if type(value) is str else value


def height_of(text: str) -> int:
    """How high a frame should be, in pixels, guessed from the text: a frame without script cannot say."""
    lines = sum(1 + len(line) // _LETTERS for line in text.splitlines())
    return max(FRAME_LEAST, min(FRAME_MOST, _FURNITURE + lines * _LINE))
