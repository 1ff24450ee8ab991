"""Which line of a TOML text a key stands on (tomllib does not say)."""

import re
import tomllib
from collections import Counter
from typing import Any

Path = tuple[str | int, ...]


def index_lines(text: str) -> dict[Path, int]:
    """The line (from 1) of every table and key of a valid TOML text, by its path, like ("bands", 2, "from").

    The text is cut into statements by parsing: lines are gathered until they are valid TOML by
    themselves. So a header or a key inside a multi-line string is never mistaken for a real one.
    What stands inside an inline table or a list has the line its statement begins on.
    """
    lines: dict[Path, int] = {(): 1}
    tables: Counter[Path] = Counter()
    table: Path = ()
    start, pending = 1, ""
    for number, line in enumerate(text.split("\n"), start=1):
        pending = f"{pending}\n{line}" if pending else line
        try:
            statement = tomllib.loads(pending)
        except tomllib.TOMLDecodeError:
            continue
        if pending.lstrip().startswith("["):
            table = _header(statement, tables, array=pending.lstrip().startswith("[["))
            _note(lines, table, start)
        else:
            for path in _paths(statement):
                _note(lines, (*table, *path), start)
        start, pending = number + 1, ""
    return lines


def line_of(lines: dict[Path, int], path: Path) -> int:
    """The line of a path, or of the nearest table around it when the key itself is not there."""
    while path not in lines:
        path = path[:-1]
    return lines[path]


def line_of_decode_error(error: ValueError, text: str) -> int:
    """The line tomllib's message names; the last one for a text that ends too early."""
    found = re.search(r"\(at line (\d+),", str(error))
    return int(found.group(1)) if found else text.rstrip("\n").count("\n") + 1


def _header(statement: dict[str, Any], tables: Counter[Path], *, array: bool) -> Path:
    # A header alone parses to one key per level: [a.b] to {"a": {"b": {}}}, [[a]] to {"a": [{}]}.
    names: list[str] = []
    inner: Any = statement
    while isinstance(inner, dict) and inner:
        ((name, inner),) = inner.items()
        names.append(name)
    path: Path = ()
    for depth, name in enumerate(names, start=1):
        path = (*path, name)
        if array and depth == len(names):
            tables[path] += 1
        if tables[path]:
            path = (*path, tables[path] - 1)
    return path


def _paths(value: Any, path: Path = ()) -> list[Path]:
    if isinstance(value, dict):
        inner: list[tuple[str | int, Any]] = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    else:
        return [path]
    return [path, *(found for key, item in inner for found in _paths(item, (*path, key)))]


def _note(lines: dict[Path, int], path: Path, line: int) -> None:
    for length in range(1, len(path) + 1):
        lines.setdefault(path[:length], line)
