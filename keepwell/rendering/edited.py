"""What a person makes of a drafted email: their text, safely, within our layout and above our footer."""

from __future__ import annotations

import re
from html import escape

from keepwell.contracts.drafts import Frame
from keepwell.rendering.controls import without_controls

FRAME = "email/_edited"
"""The template of the frame; like any other, a file of that name in the users' folder stands before it."""

MARK = "[[the text]]"
"""Where the text goes."""

_LINK = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]]")


def own_part(text: str, frame: Frame | None) -> str:
    """The part of a rendered text that a person may change: all but the footer that the frame has.

    A template with a footer of its own has all of its text here; an edited one then gets ours besides.
    """
    footer = [] if frame is None else frame.text.partition(MARK)[2].strip().split("\n")
    lines = text.strip().split("\n")
    # A link carries the moment at which it was made: two footers differ in nothing else.
    same = [_LINK.sub("", one) for one in footer] == [_LINK.sub("", one) for one in lines[-len(footer) :]]
    return "\n".join(lines[: -len(footer)]).strip() if footer and same else text.strip()


def put_together(text: str, frame: Frame | None) -> tuple[str, str]:
    """An edited text as it goes out, plain and as HTML; "" for HTML where there is no frame."""
    clean = tidy(text)
    if frame is None:
        return clean, ""
    before, _, after = frame.text.partition(MARK)
    head, mark, foot = frame.html.partition(MARK)
    # Not replaced in one go: what a customer is called must not be taken for the mark.
    return f"{before}{clean}{after}".strip(), f"{head}{as_html(clean)}{foot}" if mark else ""


def tidy(text: str) -> str:
    """Text as somebody has typed it, without control characters and with line breaks of one kind."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(str(without_controls(line)).rstrip() for line in lines).strip()


def as_html(text: str) -> str:
    """Paragraphs and links of a plain text; nothing in it is read as HTML."""
    paragraphs = [part for part in re.split(r"\n{2,}", text) if part.strip()]
    return "".join(f'<p style="margin:0 0 16px">{_paragraph(part)}</p>' for part in paragraphs)


def _paragraph(text: str) -> str:
    out, end = [], 0
    for link in _LINK.finditer(text):
        out.append(escape(text[end : link.start()]))
        out.append(f'<a href="{escape(link[0])}">{escape(link[0])}</a>')
        end = link.end()
    out.append(escape(text[end:]))
    return "".join(out).replace("\n", "<br />\n")
