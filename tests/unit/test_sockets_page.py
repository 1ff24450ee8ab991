"""The page on live sockets has every message with its fields, and every code."""

from __future__ import annotations

import re
from pathlib import Path

from keepwell.api.sockets import line
from keepwell.api.sockets.topics import SHAPES, Topic

PAGE = (Path(__file__).parents[2] / "docs" / "api-sockets.md").read_text()


def test_every_message_has_its_table() -> None:
    parts = re.split(r"^### `(\w+)`$", PAGE, flags=re.MULTILINE)
    shown = dict(zip(parts[1::2], parts[2::2], strict=True))
    tables = {
        name: re.findall(r"^\| `(\w+)` \|", text.partition("\n## ")[0], flags=re.MULTILINE)
        for name, text in shown.items()
    }
    assert tables == {
        name: [field.alias or own for own, field in shape.model_fields.items()]
        for name, shape in SHAPES.items()
    }


def test_every_address_and_code_is_there() -> None:
    assert set(re.findall(r"^\| `(/[^`]+)` \|", PAGE, flags=re.MULTILINE)) == {one.value for one in Topic}
    codes = {line.LATER, line.ENDED, line.FORBIDDEN, line.UNKNOWN, line.TOO_SLOW, line.TOO_MANY}
    assert {int(one) for one in re.findall(r"^\| (\d{4}) \|", PAGE, flags=re.MULTILINE)} == codes
