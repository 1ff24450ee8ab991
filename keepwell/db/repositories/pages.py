"""Lists by pages: the rows behind a cursor, in an order that ends with the id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, and_, false, or_
from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from keepwell import cursors
from keepwell.contracts.base import Frozen
from keepwell.errors import InputError

Line = TypeVar("Line")
Row = TypeVar("Row")


class Page(Frozen, Generic[Line]):
    """A part of a list. `next` is the cursor of the part behind it, null at the end."""

    items: tuple[Line, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """What rows are sorted by, and what it is in Python; it is never null. The last key is the id."""

    column: ColumnElement[Any]
    kind: type
    descending: bool = False


def up(column: Any, kind: type) -> Key:
    """The least, or oldest, first."""
    return Key(column, kind)


def down(column: Any, kind: type) -> Key:
    """The greatest, or newest, first."""
    return Key(column, kind, descending=True)


def page_of(
    session: Session,
    query: SelectOfScalar[Row],
    keys: Sequence[Key],
    *,
    cursor: str = "",
    limit: int | None = None,
) -> tuple[list[Row], str | None]:
    """The rows behind a cursor ("": the first ones), and the cursor behind them, None at the end.

    Raises InputError for a cursor of another list.
    """
    ordered = query.order_by(*(key.column.desc() if key.descending else key.column.asc() for key in keys))
    if cursor:
        ordered = ordered.where(_behind(keys, cursor))
    if limit is None:
        return list(session.exec(ordered).all()), None
    columns = [key.column.label(f"key_{place}") for place, key in enumerate(keys)]
    rows = session.execute(ordered.add_columns(*columns).limit(limit + 1)).all()
    shown = [row[0] for row in rows[:limit]]
    return shown, cursor_of(rows[limit - 1][1:]) if len(rows) > limit else None


def cursor_of(values: Sequence[Any]) -> str:
    """The cursor behind a row with these values of the keys."""
    return cursors.encode([one.isoformat() if isinstance(one, datetime) else one for one in values])


def _behind(keys: Sequence[Key], cursor: str) -> ColumnElement[bool]:
    values = cursors.decode(cursor, *(_stored(key.kind) for key in keys))
    condition: ColumnElement[bool] = false()
    for key, value in reversed(list(zip(keys, map(_read, keys, values), strict=True))):
        further = key.column < value if key.descending else key.column > value
        condition = or_(further, and_(key.column == value, condition))
    return condition


def _stored(kind: type) -> type | tuple[type, ...]:
    if kind is float:
        # JSON has one kind of number.
        return (int, float)
    return str if kind is datetime else kind


def _read(key: Key, value: Any) -> Any:
    return moment_in(value) if key.kind is datetime else value


def moment_in(text: str, place: str = "cursor") -> datetime:
    """A moment as a cursor holds it. Raises InputError for anything else."""
    try:
        found = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        found = None
    # One without its zone would mean another moment on each machine.
    if found is None or datetime.fromisoformat(text).tzinfo is None:
        raise InputError("This cursor is none of this list.", place=place)
    return found
