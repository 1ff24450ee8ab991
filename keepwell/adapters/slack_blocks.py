"""A Slack message as Block Kit: a headline, text, facts side by side, small print, buttons.

It is built from the text that the template gave, in which every value is escaped already; nothing here
takes an escape away. Slack's limits are kept by cutting, so that no message is refused for its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from keepwell.contracts.delivery import Message, MessageAction
from keepwell.moments import minute_words
from keepwell.rendering.mrkdwn import escaped

Block = dict[str, Any]

HEADER: Final = 150
SECTION: Final = 3_000
FIELD: Final = 2_000
FIELDS: Final = 10
ELEMENTS: Final = 10
BLOCKS: Final = 50
"""Slack's limits: characters of a header, a section and a field, fields of a section, elements of small
print, blocks of a message."""

ACTIONS: Final = "keepwell_actions"
DONE: Final = "keepwell_done"
"""Our blocks that change once somebody has used a button."""

FEW_WORDS: Final = 60
PREFIX: Final = "keepwell."
PAUSE_DAYS: Final = 3
LABELS: Final[dict[MessageAction, str]] = {
    "acknowledge": "Acknowledge",
    "take": "Acknowledge",
    "take_all": "Acknowledge all",
    "pause": f"Pause {PAUSE_DAYS} days",
    "respond": "Log a response",
    "open": "Open",
}
OF_ALERTS: Final[tuple[MessageAction, ...]] = ("take", "take_all")
"""Buttons about the alerts that a message tells: their value is its key, by which the alerts are found."""

_FACT = re.compile(r"\*([^*\n]{1,40}):\*[ \t]*(\S.{0,118})")
_ENTITY = re.compile(r"&[a-z]{0,3}$")


def blocks_of(message: Message, *, buttons: bool, ui: str = "") -> list[Block]:
    """The message's blocks. `ui` is the page that "Open" leads to; without one there is no such button."""
    first, _, rest = message.text.partition("\n")
    bold = re.fullmatch(r"\*(.+)\*", first.strip())
    top: list[Block] = []
    # One that is longer stays the bold first line, rather than lose its end.
    fits = bold is not None and len(bold[1]) <= HEADER
    if bold and fits:
        top = [{"type": "header", "text": {"type": "plain_text", "text": bold[1], "emoji": False}}]
    body, small = _parted(rest if fits else message.text)
    end: list[Block] = []
    if small:
        end.append(_small(small))
    asked = [one for one in message.actions if _works(one, buttons, ui)]
    if asked:
        end.append(
            {"type": "actions", "block_id": ACTIONS, "elements": [_button(one, message, ui) for one in asked]}
        )
    return [*top, *list(_sections(body))[: BLOCKS - len(top) - len(end)], *end]


def after(blocks: Iterable[Block], lines: Sequence[str], used: Iterable[str]) -> list[Block]:
    """A message's blocks with what was done beneath, and without the buttons that were `used`.

    The lines are mrkdwn, escaped already; the newest ones are kept where there are too many.
    """
    gone = {PREFIX + name for name in used}
    kept = [one for one in blocks if one.get("block_id") not in (ACTIONS, DONE)]
    buttons = [
        element
        for one in blocks
        if one.get("block_id") == ACTIONS
        for element in one.get("elements", ())
        if element.get("action_id") not in gone
    ]
    end: list[Block] = [{**_small(lines[-ELEMENTS:]), "block_id": DONE}] if lines else []
    if buttons:
        end.append({"type": "actions", "block_id": ACTIONS, "elements": buttons})
    return [*kept[: BLOCKS - len(end)], *end]


def moment(at: datetime, zone: str) -> str:
    """A moment that Slack shows on each reader's own clock."""
    words = escaped(minute_words(at, zone))
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}}, {{time}}|{words}>"


def cut(text: str, limit: int) -> str:
    """Text that fits, with "…" where something is missing, and never half an escape."""
    if len(text) <= limit:
        return text
    return f"{_ENTITY.sub('', text[: limit - 1]).rstrip()}…"


def open_url(ui: str, customer: str, namespace: str = "default") -> str:
    """The customer's runs in the Temporal UI."""
    query = quote(f'CustomerId="{customer}"', safe="")
    return f"{ui.rstrip('/')}/namespaces/{quote(namespace, safe='')}/workflows?query={query}"


def _works(action: MessageAction, buttons: bool, ui: str) -> bool:
    return bool(ui) if action == "open" else buttons


def _button(action: MessageAction, message: Message, ui: str) -> Block:
    label = {"type": "plain_text", "text": LABELS[action]}
    button: Block = {"type": "button", "action_id": PREFIX + action, "text": label}
    if action == "open":
        return {**button, "url": ui}
    button["value"] = message.key if action in OF_ALERTS else message.intervention
    if action in ("acknowledge", *OF_ALERTS):
        button["style"] = "primary"
    return button


def _small(lines: Sequence[str]) -> Block:
    return {"type": "context", "elements": [_mrkdwn(cut(line, SECTION)) for line in lines[:ELEMENTS]]}


def _mrkdwn(text: str) -> Block:
    # Verbatim: an address or "@here" in somebody's name stays what it is, text.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _parted(text: str) -> tuple[list[str], list[str]]:
    """The lines of the body, and those that do little but name commands to type: they become small print."""
    body: list[str] = []
    small: list[str] = []
    for line in text.splitlines():
        words = re.sub(r"`keepwell [^`]+`", "", line)
        (small if words != line and len(words) <= FEW_WORDS else body).append(line)
    return body, small


def _sections(lines: Sequence[str]) -> Iterable[Block]:
    """Text as sections; two or more facts in a row side by side."""
    text: list[str] = []
    facts: list[tuple[str, str]] = []

    def done() -> Iterable[Block]:
        if len(facts) > 1:
            yield from _texts(text)
            text.clear()
            for start in range(0, len(facts), FIELDS):
                row = facts[start : start + FIELDS]
                shown = [_mrkdwn(cut(f"*{name}*\n{value}", FIELD)) for name, value in row]
                yield {"type": "section", "fields": shown}
        else:
            text.extend(f"*{name}:* {value}" for name, value in facts)
        facts.clear()

    for line in lines:
        fact = _FACT.fullmatch(line.strip())
        if fact:
            facts.append((fact[1], fact[2]))
        elif line.strip() or not facts:
            yield from done()
            text.append(line)
    yield from done()
    yield from _texts(text)


def _texts(lines: Sequence[str]) -> Iterable[Block]:
    """Sections of what fits into one each, parted between lines."""
    piece = ""
    for line in "\n".join(lines).strip().splitlines():
        fits = cut(line, SECTION)
        if piece and len(piece) + len(fits) + 1 > SECTION:
            yield {"type": "section", "text": _mrkdwn(piece.strip())}
            piece = ""
        piece = f"{piece}\n{fits}" if piece else fits
    if piece.strip():
        yield {"type": "section", "text": _mrkdwn(piece.strip())}
