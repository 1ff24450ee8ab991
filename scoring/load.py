"""Reads scorecards from TOML; a bad one is refused with file, line, key and reason."""

import json
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path as FilePath
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from scoring.checks import part_problems
from scoring.errors import Place, Problem, ScorecardError
from scoring.lines import Path, index_lines, line_of, line_of_decode_error
from scoring.reasons import DATE_OR_TIME, TOO_DEEP, did_you_mean, findings, shown, to_file_path, unknown_key
from scoring.scorecard import Band, Category, Metric, Scorecard

LONGEST_FILE = 256 * 1024
"""Bytes. A scorecard of a hundred metrics has about 50 KiB; more is not a scorecard."""

_Part = TypeVar("_Part", bound=BaseModel)
_NAMED_TABLES: dict[str, type[BaseModel]] = {"categories": Category, "metrics": Metric}


def load_scorecard(path: FilePath) -> Scorecard:
    """The scorecard in a TOML file. Raises ScorecardError, also if the file cannot be read."""
    source = str(path)
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_FILE + 1)
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error}); name a TOML file"
        raise _refusal(source, 1, "", reason) from error
    if len(content) > LONGEST_FILE:
        raise _refusal(source, 1, "", f"has more than {LONGEST_FILE // 1024} KiB; that is no scorecard")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _refusal(source, line, "", "is not UTF-8; save the file as UTF-8") from error
    return parse_scorecard(text, source)


def parse_scorecard(text: str, source: str) -> Scorecard:
    """The scorecard in a TOML text; `source` is the file's name in messages. Raises ScorecardError."""
    if not text.strip():
        raise _refusal(source, 1, "", "is empty; a scorecard has a name, bands, categories and metrics")
    try:
        return _parse(text, source)
    except RecursionError as error:
        raise _refusal(source, 1, "", TOO_DEEP) from error


def _parse(text: str, source: str) -> Scorecard:
    try:
        data = tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, or a number of thousands of digits
        raise _refusal(source, line_of_decode_error(error, text), "", f"is not TOML: {error}") from error
    names = {part: list(table) for part, table in data.items() if part in _NAMED_TABLES and _is_table(table)}
    found = _shape(data)
    if not found:
        try:
            return Scorecard.model_validate_json(json.dumps(_as_fields(data), default=_not_json))
        except ValidationError as error:
            found = [(to_file_path(path, names), reason) for path, reason in _all_findings(data, error)]
    lines = index_lines(text.replace("\r\n", "\n"))
    problems = [Problem(Place(source, line_of(lines, path), shown(path)), reason) for path, reason in found]
    raise ScorecardError(sorted(problems, key=lambda problem: problem.place.line))


def _all_findings(data: dict[str, Any], error: ValidationError) -> list[tuple[Path, str]]:
    """What is wrong with single values, and then the rules among the parts that could be read.

    Rules among parts are checked once every value is sound. To tell all mistakes at once, those that can be
    judged anyway are checked here.
    """
    details = error.errors(include_url=False)
    found = [finding for one in details for finding in findings(one)]
    fields = _as_fields(data)
    if any(one["type"] in ("scorecard_rules", "json_invalid") for one in details):
        return found
    if not all(isinstance(fields.get(part), list) for part in ("bands", "categories", "metrics")):
        return found
    return found + part_problems(
        _sound(Band, fields["bands"]),
        _sound(Category, fields["categories"]),
        _sound(Metric, fields["metrics"]),
    )


def _sound(model: type[_Part], tables: list[Any]) -> list[_Part | None]:
    parts: list[_Part | None] = []
    for table in tables:
        try:
            parts.append(model.model_validate_json(json.dumps(table, default=_not_json)))
        except ValidationError:
            parts.append(None)
    return parts


@cache
def builtin(name: str) -> Scorecard:
    """A scorecard that comes with Keepwell, by its name. Raises ScorecardError for an unknown one."""
    if name not in builtin_names():
        reason = f"there is no built-in scorecard {name!r}; {did_you_mean(name, list(builtin_names()))}"
        raise _refusal(f"{name}.toml", 1, "", reason)
    file = files("scoring") / "scorecards" / f"{name}.toml"
    return parse_scorecard(file.read_text(encoding="utf-8"), f"scorecards/{name}.toml")


@cache
def builtin_names() -> tuple[str, ...]:
    """The names of the scorecards that come with Keepwell, sorted."""
    folder = files("scoring") / "scorecards"
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")))


def _shape(data: dict[str, Any]) -> list[tuple[Path, str]]:
    """What must hold before the tables can be turned into fields."""
    found: list[tuple[Path, str]] = []
    for part, model in _NAMED_TABLES.items():
        tables = data.get(part, {})
        if not _is_table(tables):
            found.append(((part,), f"must be tables like [{part}.NAME]"))
            continue
        for name, table in tables.items():
            if not _is_table(table):
                found.append(((part, name), f"must be a table [{part}.{name}], not a single value"))
            elif "name" in table:
                found.append(((part, name, "name"), unknown_key("name", model)))
    bands = data.get("bands", [])
    if not (isinstance(bands, list) and all(map(_is_table, bands))):
        return [*found, (("bands",), "must be tables, each with the header [[bands]]")]
    found += [
        (("bands", index, "lower"), unknown_key("lower", Band))
        for index, band in enumerate(bands)
        if "lower" in band
    ]
    return found


def _as_fields(data: dict[str, Any]) -> dict[str, Any]:
    fields = dict(data)
    for part in _NAMED_TABLES:
        if part in data:
            fields[part] = [{"name": name, **table} for name, table in data[part].items()]
    if "bands" in data:
        fields["bands"] = [
            {"lower" if key == "from" else key: value for key, value in band.items()}
            for band in data["bands"]
        ]
    return fields


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _not_json(value: object) -> dict[str, str]:
    # TOML has dates and times, a scorecard has none: as a table they are refused wherever they stand.
    return {DATE_OR_TIME: str(value)}


def _refusal(source: str, line: int, key: str, reason: str) -> ScorecardError:
    return ScorecardError([Problem(Place(source, line, key), reason)])
