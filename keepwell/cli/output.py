"""What goes to the terminal: tables and lines for people, JSON for programs."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from keepwell.cli.fitting import need_of, shown, widths
from scoring.levels import Level

PIPED_WIDTH = 160
"""Columns where the output is no terminal: a file has no edge."""

LEVEL_STYLES = {
    Level.THRIVING: "green",
    Level.HEALTHY: "green",
    Level.AT_RISK: "yellow",
    Level.HIGH_RISK: "bold yellow",
    Level.CRITICAL: "bold red",
}

Justify = Literal["left", "right"]


def console(*, stderr: bool = False) -> Console:
    """A console on today's stdout or stderr; colours only on a terminal, and not with NO_COLOR."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS") else PIPED_WIDTH
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def plain(text: str) -> str:
    """Text from outside, harmless for a terminal: control characters but the line break become blanks."""
    return "".join(char if char == "\n" or char.isprintable() else " " for char in text)


def cell(value: object, style: str = "") -> Text:
    """A value as text, never read as markup."""
    if isinstance(value, Text):
        return value
    return Text(plain("" if value is None else str(value)), style=style)


def level_text(level: Level | None, missing: str = "–") -> Text:
    """A level in its colour."""
    return Text(missing, style="dim") if level is None else Text(level.value, style=LEVEL_STYLES[level])


class Column:
    """A column of a table.

    `keep` columns are not broken into lines. Where the terminal has no room, those with a `drop` are left
    out, 1 first; `wide` ones also where it has fewer columns than that.
    """

    def __init__(
        self, title: str, *, justify: Justify = "left", keep: bool = False, drop: int = 0, wide: int = 0
    ) -> None:
        self.title, self.justify, self.keep, self.drop, self.wide = title, justify, keep, drop, wide


def print_table(
    columns: Sequence[Column], rows: Iterable[Sequence[object]], *, title: str = "", space: bool = False
) -> None:
    """A table without frames. Of the columns that a narrow terminal has no room for, the foot tells."""
    out = console()
    cells = [[cell(value) for value in row] for row in rows]
    needs = [
        need_of([column.title, *(row[index].plain for row in cells)], unbroken=column.keep, drop=column.drop)
        for index, column in enumerate(columns)
    ]
    able = [index for index, column in enumerate(columns) if out.width >= column.wide]
    fitting = [able[place] for place in shown([needs[index] for index in able], out.width)]
    given = widths([needs[index] for index in fitting], out.width)
    table = Table(
        title=plain(title) if title else None,
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        padding=(0, 2, 1 if space else 0, 0),
        header_style="bold",
    )
    for place, index in enumerate(fitting):
        column = columns[index]
        table.add_column(
            column.title,
            justify=column.justify,
            no_wrap=column.keep,
            overflow="fold",
            width=given[place] if given else None,
        )
    for row in cells:
        table.add_row(*(row[index] for index in fitting))
    out.print(table)
    if hidden := [column.title for index, column in enumerate(columns) if index not in fitting]:
        say(f"A wider terminal or --json shows: {', '.join(hidden)}.", style="dim")


def say(*parts: object, style: str = "") -> None:
    """A line for people on stdout."""
    out = console()
    text = Text(style=style)
    for part in parts:
        text.append_text(cell(part))
    out.print(text, soft_wrap=not out.is_terminal)


def tell(text: str, *, style: str = "") -> None:
    """A remark on stderr, so that it is in nobody's JSON."""
    console(stderr=True).print(cell(text, style), soft_wrap=True)


class Progress:
    """Lines of progress with the seconds since the start."""

    def __init__(self, *, stderr: bool = False) -> None:
        self._start = time.monotonic()
        self._stderr = stderr

    def __call__(self, text: str) -> None:
        """Say a line."""
        seconds = time.monotonic() - self._start
        line = Text(f"{seconds:5.1f} s  ", style="dim") + Text(plain(text))
        console(stderr=self._stderr).print(line, soft_wrap=True)


def print_fields(fields: Iterable[tuple[str, object]]) -> None:
    """Names and values, one a line; empty values are left out."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in fields:
        if value is not None and str(value) != "":
            grid.add_row(cell(name), cell(value))
    console().print(grid)


def print_json(value: BaseModel | dict[str, Any]) -> None:
    """One JSON document on stdout, with moments in ISO 8601."""
    data = value.model_dump(mode="json") if isinstance(value, BaseModel) else _plain_json(value)
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _plain_json(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {key: _plain_json(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_json(one) for one in value]
    return value
