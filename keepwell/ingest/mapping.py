"""Mappings: how the columns of somebody else's file become ours, as TOML."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StrictBool, StrictStr, ValidationError, model_validator

from keepwell.contracts.base import Strict
from keepwell.errors import InputError
from keepwell.ingest.cells import Kind
from keepwell.ingest.suggest import did_you_mean
from keepwell.ingest.values import refuse
from scoring.lines import Path as KeyPath
from scoring.lines import index_lines, line_of, line_of_decode_error

ALL_OTHERS = "*"
"""In `ignore` or `facts`: every column that nothing else uses."""

_LONGEST_FILE = 256 * 1024
Plain = StrictStr | StrictBool | float


class YesNo(Strict):
    """Which words mean yes, and which no. Any other word is refused."""

    yes: tuple[StrictStr, ...] = Field(min_length=1)
    no: tuple[StrictStr, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        both = set(self.yes) & set(self.no)
        if both:
            raise refuse(f"{', '.join(sorted(both))} is under yes and under no")
        return self


class Source(Strict):
    """Where one of our fields or metrics comes from: `column`, `template` or `count_yes`, exactly one.

    `categories` and `yes_no` turn words into values; `scale`, then `offset`, change a number; `unit` is the
    file's unit of a metric, converted into the scorecard's. `decimal` is the file's decimal mark, `format`
    the strptime pattern of a date.
    """

    column: StrictStr | None = None
    template: StrictStr | None = None
    count_yes: tuple[StrictStr, ...] | None = None
    categories: dict[str, Plain] | None = None
    yes_no: YesNo | None = None
    scale: float | None = None
    offset: float | None = None
    unit: StrictStr | None = None
    decimal: Literal[".", ","] = "."
    format: StrictStr | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        origins = [name for name in ("column", "template", "count_yes") if getattr(self, name) is not None]
        if len(origins) != 1:
            found = " and ".join(origins) or "none"
            raise refuse(f"needs exactly one of column, template and count_yes; there is {found}")
        if self.template is not None and not re.search(r"\{[^{}]+\}", self.template):
            raise refuse(
                "the template names no column, as in {name}; use [constants] for the same in all rows"
            )
        if self.count_yes == ():
            raise refuse("count_yes names no column")
        if self.scale == 0:
            raise refuse("scale is 0, which makes every value the same; leave it out or give a factor")
        words = self.categories is not None or (self.yes_no is not None and self.count_yes is None)
        numbers = (
            any(item is not None for item in (self.scale, self.offset, self.unit)) or self.decimal == ","
        )
        clashes = [
            (self.categories is not None and self.yes_no is not None, "categories and yes_no"),
            (words and numbers, "words (categories, yes_no) and arithmetic (scale, offset, unit, decimal)"),
            (self.template is not None and (words or numbers), "a template and a conversion"),
            (
                self.count_yes is not None and (self.categories is not None or numbers),
                "count_yes and a conversion",
            ),
            (
                self.format is not None and (words or numbers or self.column is None),
                "format and a conversion",
            ),
        ]
        for clash, what in clashes:
            if clash:
                raise refuse(f"has {what}; they cannot go together")
        return self


def _as_source(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


def _as_plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


AnySource = Annotated[Source, BeforeValidator(_as_source)]


class Mapping(Strict):
    """A whole mapping. `line(path)` finds a key again in its file, for messages."""

    kind: Kind | None = None
    empty: tuple[StrictStr, ...] = ()
    ignore: tuple[StrictStr, ...] = ()
    facts: tuple[StrictStr, ...] = ()
    columns: dict[str, AnySource] = Field(default_factory=dict)
    constants: dict[str, Annotated[Plain, BeforeValidator(_as_plain)]] = Field(default_factory=dict)
    metrics: dict[str, AnySource] = Field(default_factory=dict)
    file: str = Field(default="the mapping", exclude=True)
    lines: dict[KeyPath, int] = Field(default={(): 1}, exclude=True)

    def place(self, *path: str | int) -> str:
        """File, line and key of a part, like `telco.toml:7 [columns] name`."""
        return _place(self.file, self.lines, path)


def load_mapping(path: Path) -> Mapping:
    """Read a mapping. InputError with file, line and key of everything that is wrong."""
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST_FILE + 1)
    except OSError as error:
        raise InputError(f"the mapping cannot be read: {error.strerror}", place=str(path)) from error
    if len(content) > _LONGEST_FILE:
        raise InputError(f"is longer than {_LONGEST_FILE // 1024} KiB; that is no mapping", place=str(path))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError("is not UTF-8; save the mapping as UTF-8", place=f"{path}:{line}") from error
    return parse_mapping(text, path.name)


def parse_mapping(text: str, name: str) -> Mapping:
    """A mapping from TOML text; `name` is the file's name in messages."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        line = line_of_decode_error(error, text) if isinstance(error, ValueError) else 1
        raise InputError(f"is not TOML: {error}", place=f"{name}:{line}") from error
    lines = index_lines(text.replace("\r\n", "\n"))
    for own in ("file", "lines"):
        if own in data:
            raise InputError(_unknown_key((own,)), place=_place(name, lines, (own,)))
    try:
        return Mapping.model_validate({**data, "file": name, "lines": lines})
    except ValidationError as error:
        found = [_finding(name, lines, item) for item in error.errors(include_url=False)]
        raise found[0] if len(found) == 1 else _together(found) from error


def _together(found: list[InputError]) -> InputError:
    return InputError("\n".join([found[0].message, *map(str, found[1:])]), place=found[0].place)


_KEYS: dict[int, tuple[str, ...]] = {
    1: tuple(key for key in Mapping.model_fields if key not in ("file", "lines")),
    3: tuple(Source.model_fields),
    4: tuple(YesNo.model_fields),
}


def _finding(name: str, lines: dict[KeyPath, int], item: Any) -> InputError:
    # Pydantic adds the branch of a union it tried to the path; the file has no such key.
    path = tuple(part for part in item["loc"] if part not in ("float", "str", "bool"))
    if item["type"] == "extra_forbidden":
        reason = _unknown_key(path)
    elif item["type"] == "ingest":
        reason = item["msg"]
    elif item["type"] == "model_type":
        reason = 'is neither a column\'s name nor a table like { column = "…" }'
    else:
        reason = f"{item['msg'][:1].lower()}{item['msg'][1:]}, not {str(item['input'])[:60]!r}"
    return InputError(reason, place=_place(name, lines, path))


def _unknown_key(path: KeyPath) -> str:
    known = _KEYS.get(len(path), ())
    key = str(path[-1])
    return f"there is no key {key!r}{did_you_mean(key, known)}; there are {', '.join(known)}"


def _place(name: str, lines: dict[KeyPath, int], path: KeyPath) -> str:
    keys = [str(part) for part in path if isinstance(part, str)]
    if not keys:
        return name
    key = keys[0] if len(keys) == 1 else f"[{keys[0]}] {'.'.join(keys[1:])}"
    return f"{name}:{line_of(lines, path)} {key}"
