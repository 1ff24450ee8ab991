"""No test compares the application's clock with a moment of its file's import: that may be an hour ago."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
READS = {"now", "utcnow", "today"}


def at_import(node: ast.AST) -> Iterator[int]:
    """The lines that read the clock at the file's import: outside of functions, or in their decorators."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr in READS:
            yield inner.lineno
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            defaults = [one for one in (*inner.args.defaults, *inner.args.kw_defaults) if one is not None]
            for part in (*getattr(inner, "decorator_list", ()), *defaults):
                yield from at_import(ast.Expr(part))
        else:
            yield from at_import(inner)


def test_no_file_of_the_tests_reads_the_clock_when_it_is_imported() -> None:
    files = sorted(TESTS.rglob("*.py"))
    assert len(files) > 300
    found = [
        f"{file.relative_to(TESTS)}:{line}"
        for file in files
        for line in at_import(ast.parse(file.read_text(encoding="utf-8")))
    ]
    assert found == [], "take World.began or Desk.now, the moment at which the test began"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("NOW = datetime.now(UTC).replace(microsecond=0)", [1]),
        ("@parametrize('day', [date.today()])\ndef test(): ...", [1]),
        ("def test(at=datetime.now(UTC)): ...", [1]),
        ("class Case:\n    at = datetime.utcnow()", [2]),
        ("def test():\n    return datetime.now(UTC)", []),
        ("at = field(default_factory=lambda: datetime.now(UTC))", []),
    ],
)
def test_what_is_found(text: str, lines: list[int]) -> None:
    assert list(at_import(ast.parse(text))) == lines
