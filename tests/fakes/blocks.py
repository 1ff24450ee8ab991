"""Block Kit's rules as Slack checks them, as far as we use it: types, limits, ids that are unique."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Block = dict[str, Any]


def wrong_blocks(blocks: Sequence[Block]) -> list[str]:
    """What Slack would find wrong with a message's blocks; it refuses them for any of it."""
    wrong = [f"{len(blocks)} blocks"] if len(blocks) > 50 else []
    wrong += [f"{index}: {what}" for index, block in enumerate(blocks) for what in _wrong(block)]
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    return wrong + ([f"block ids {ids}"] if len(ids) != len(set(ids)) else [])


def _wrong(block: Block) -> Iterable[str]:  # noqa: C901, PLR0912  (a case each)
    match block.get("type"):
        case "header":
            yield from _text(block.get("text"), 150, plain=True)
        case "section":
            fields = block.get("fields", [])
            if "text" not in block and not fields:
                yield "a section without text"
            if "text" in block:
                yield from _text(block["text"], 3_000)
            if len(fields) > 10:
                yield f"{len(fields)} fields"
            for field in fields:
                yield from _text(field, 2_000)
        case "context":
            elements = block.get("elements", [])
            if not 1 <= len(elements) <= 10:
                yield f"{len(elements)} elements"
            for element in elements:
                yield from _text(element, 3_000)
        case "actions":
            elements = block.get("elements", [])
            if not 1 <= len(elements) <= 25:
                yield f"{len(elements)} buttons"
            if len({one.get("action_id") for one in elements}) != len(elements):
                yield "action ids that are not unique"
            for element in elements:
                yield from _button(element)
        case other:
            yield f"an unknown block {other}"


def _button(button: Block) -> Iterable[str]:
    if button.get("type") != "button":
        yield f"an unknown element {button.get('type')}"
    yield from _text(button.get("text"), 75, plain=True)
    if not 1 <= len(button.get("action_id", "")) <= 255:
        yield "an action id"
    if not len(button.get("value", "")) <= 2_000:
        yield "a value"
    if len(button.get("url", "")) > 3_000 or ("url" in button and not button["url"].startswith("http")):
        yield "a url"
    if button.get("style", "primary") not in ("primary", "danger"):
        yield "a style"


def _text(text: Any, limit: int, *, plain: bool = False) -> Iterable[str]:
    if not isinstance(text, dict) or not isinstance(text.get("text"), str):
        yield "no text"
        return
    if not 1 <= len(text["text"]) <= limit:
        yield f"a text of {len(text['text'])} characters"
    if text.get("type") not in (("plain_text",) if plain else ("plain_text", "mrkdwn")):
        yield f"a text of type {text.get('type')}"
    if text.get("type") == "plain_text" and "verbatim" in text:
        yield "verbatim in plain text"
