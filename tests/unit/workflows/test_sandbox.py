"""What the sandbox does not watch has to be pure: nothing in it may differ between a run and its replay."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from keepwell.temporal.sandbox import PURE

VALUES = (
    "__future__",
    "collections.abc",
    "dataclasses",
    "datetime",
    "typing",
    "keepwell.contracts",
    "keepwell.moments",
    "keepwell.spans",
    "scoring.",
    "temporalio.common",
)
"""What a pure module may import, beside other pure modules; of the last one come retry policies."""

IMPURE = {"now", "utcnow", "today", "open", "input", "id", "hash", "globals", "vars", "set", "frozenset"}
"""Names whose calls give another answer the next time, or, iterated over, another order."""


def tree_of(module: str) -> ast.Module:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return ast.parse(Path(spec.origin).read_text())


@pytest.mark.parametrize("module", PURE)
def test_pure_modules_import_pure_things_only(module: str) -> None:
    imported = set()
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
    assert {
        name
        for name in imported
        if name not in PURE and not name.startswith(("__future__", "collections.abc", *VALUES))
    } == set()


@pytest.mark.parametrize("module", [*PURE, "keepwell.moments", "keepwell.spans"])
def test_pure_modules_ask_nothing_that_changes(module: str) -> None:
    called = set()
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Call):
            function = node.func
            called.add(function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", ""))
    assert called & IMPURE == set()


@pytest.mark.parametrize("module", [*PURE, "keepwell.moments", "keepwell.spans"])
def test_pure_modules_keep_nothing_from_run_to_run(module: str) -> None:
    """They are loaded once for all runs, so what they define at the top must not be changeable."""
    kept = [
        ast.unparse(node)
        for node in tree_of(module).body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)
    ]
    assert kept == []
