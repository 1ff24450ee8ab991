"""Turns pydantic's findings about a scorecard into a place and a reason a person can act on."""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from scoring.lines import Path
from scoring.normalise import HalfLife, Linear, Logarithm, Steps, Table
from scoring.scorecard import Band, Category, ForCustomers, Guard, Metric, Scorecard

_PARTS: Mapping[str, type[BaseModel]] = {
    "bands": Band,
    "categories": Category,
    "metrics": Metric,
    "guard": Guard,
}
_KINDS: Mapping[str, type[BaseModel]] = {
    "linear": Linear,
    "table": Table,
    "steps": Steps,
    "logarithm": Logarithm,
    "half_life": HalfLife,
}
_KEY_OF_FIELD: Mapping[tuple[type[BaseModel], str], str] = {(Band, "lower"): "from"}
"""`from` is a word of Python's own, so the field has another name than the key in the file."""

DATE_OR_TIME = "date or time"
"""The key under which the loader hands on a TOML date, which no field accepts."""

TOO_DEEP = "is nested too deeply; a scorecard has three levels"

_WISHES: Mapping[str, str] = {
    "finite_number": "be a finite number",
    "float_type": "be a number",
    "int_type": "be a whole number",
    "string_type": "be a text in quotes",
    "string_too_short": "not be empty",
    "string_pattern_mismatch": "not be blank",
}


def findings(error: ErrorDetails) -> list[tuple[Path, str]]:
    """The broken rules in one of pydantic's errors, as (path of fields, reason)."""
    if error["type"] == "scorecard_rules":
        return [(tuple(path), reason) for path, reason in error["ctx"]["problems"]]
    if error["type"] == "json_invalid":  # the loader wrote the JSON, so only its depth can be wrong
        return [((), TOO_DEEP)]
    path = tuple(error["loc"])
    return [(path, _reason(error, path))]


def keys_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The keys a table of the file may have; a category's or metric's name is in the table's header."""
    named_by_header = model in (Category, Metric)
    return {
        _KEY_OF_FIELD.get((model, name), name): field
        for name, field in model.model_fields.items()
        if not (named_by_header and name == "name")
    }


def unknown_key(key: str, model: type[BaseModel]) -> str:
    """Why a key is refused: it is unknown; with the one probably meant and all there are."""
    return f"unknown key; {did_you_mean(key, list(keys_of(model)))}"


def did_you_mean(word: str, known: list[str]) -> str:
    """A hint at the nearest known word, if one is near, and the list of them."""
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}Known: {', '.join(known)}" if hint else f"known: {', '.join(known)}"


def to_file_path(path: Path, names: Mapping[str, list[str]]) -> Path:
    """A path of fields as a path of keys: positions in `categories` and `metrics` become their names."""
    if len(path) > 1 and path[0] in names and isinstance(path[1], int):
        path = (path[0], names[str(path[0])][path[1]], *path[2:])
    if len(path) > 3 and path[0] == "metrics" and path[2] == "normalise" and path[3] in _KINDS:
        path = path[:3] + path[4:]  # pydantic names the kind it chose; the file has no such level
    if len(path) == 3 and path[0] == "bands" and path[2] == "lower":
        path = (*path[:2], "from")
    return path


def shown(path: Path) -> str:
    """A path of keys as it reads in the file: ("metrics", "a", "weight") is "[metrics.a] weight"."""
    match path:
        case ():
            return ""
        case ("bands", int(index), *rest):
            return " ".join([f"[[bands]] no. {index + 1}", *_dotted(rest)])
        case ("categories" | "metrics" as part, str(name), *rest):
            return " ".join([f"[{part}.{name}]", *_dotted(rest)])
        case ("guard", *rest):
            return " ".join(["[guard]", *_dotted(rest)])
        case _:
            return ".".join(map(str, path))


def _dotted(rest: list[str | int]) -> list[str]:
    keys = ".".join(key for key in rest if isinstance(key, str))
    positions = " ".join(f"no. {key + 1}" for key in rest if isinstance(key, int))
    return [part for part in (keys, positions) if part]


def _reason(error: ErrorDetails, path: Path) -> str:
    model = _model_at(path[:-1])
    given = _given(error["input"])
    wanted = _wanted(path)
    match error["type"]:
        case "missing":
            return f"is missing; it must be {wanted or 'given'}"
        case "extra_forbidden":
            return unknown_key(str(path[-1]), model) if model else "unknown key; leave it out"
        case "scorecard":
            return error["msg"]
        case "union_tag_not_found" | "union_tag_invalid":
            return f"{_kind_told(error['input'])}; it must be {wanted}"
        case "enum" | "literal_error":
            return f"is {given}, but must be {wanted}"
        case kind:
            wish = _WISHES.get(kind) or error["msg"].partition(" should ")[2] or "be valid"
            return f"is {given}, but must {wish}{f' ({wanted})' if wanted else ''}"


def _kind_told(normalise: object) -> str:
    kind = normalise.get("kind") if isinstance(normalise, dict) else None
    return "has no kind" if kind is None else f"has the unknown kind {kind!r}"


def _wanted(path: Path) -> str:
    """The description of the innermost field the path leads to."""
    for length in range(len(path), 0, -1):
        model = _model_at(path[: length - 1])
        field = model.model_fields.get(str(path[length - 1])) if model else None
        if field is not None:
            return field.description or ""
    return ""


def _model_at(path: Path) -> type[BaseModel] | None:
    match path:
        case ():
            return Scorecard
        case ("guard",) | ("bands" | "categories" | "metrics", int()):
            return _PARTS[str(path[0])]
        case ("metrics", int(), "customer"):
            return ForCustomers
        case ("metrics", int(), "normalise", str(kind)):
            return _KINDS.get(kind)
        case _:
            return None


def _given(value: Any) -> str:
    """The value as it would stand in the file, shortened."""
    if isinstance(value, dict) and value.keys() == {DATE_OR_TIME}:
        return f"the date or time {value[DATE_OR_TIME]}"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
