"""What the databases are best told in words of their own; it means the same to each of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ColumnElement, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

ESCAPE = "/"


class _Holding(FunctionElement[bool]):
    """A column and a pattern."""

    name = "holding"
    type = Boolean()
    inherit_cache = True


class _Unindexed(FunctionElement[str]):
    """A column."""

    name = "unindexed"
    type = String()
    inherit_cache = True


def holding(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Whether a text is part of the column's, whatever the case of their letters."""
    for special in (ESCAPE, "%", "_"):
        text = text.replace(special, ESCAPE + special)
    return _Holding(column, f"%{text}%")


def unindexed(column: ColumnElement[str]) -> ColumnElement[str]:
    """The column, by which rows are not to be looked for: something else that is asked leaves fewer of them.

    SQLite, which has no counts of what is stored, would read a whole organisation by its key.
    """
    return _Unindexed(column)


@compiles(_Holding)
def _holding(element: _Holding, compiler: SQLCompiler, **given: Any) -> str:
    column, pattern = element.clauses
    return f"({compiler.process(column.ilike(pattern, escape=ESCAPE), **given)})"


@compiles(_Holding, "sqlite")
def _holding_sqlite(element: _Holding, compiler: SQLCompiler, **given: Any) -> str:
    # Its LIKE takes letters as its lower() does, which would take as long again for each row.
    column, pattern = element.clauses
    return f"({compiler.process(column.like(pattern, escape=ESCAPE), **given)})"


@compiles(_Unindexed)
def _unindexed(element: _Unindexed, compiler: SQLCompiler, **given: Any) -> str:
    return compiler.process(element.clauses, **given)


@compiles(_Unindexed, "sqlite")
def _unindexed_sqlite(element: _Unindexed, compiler: SQLCompiler, **given: Any) -> str:
    return f"+{compiler.process(element.clauses, **given)}"
