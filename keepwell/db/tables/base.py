"""Column types and habits that all tables share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from keepwell.keys import new_id

Json = dict[str, Any]
JSON_COLUMN = JSON().with_variant(JSONB(), "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite forgets time zones, so we check on the way in and add on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment without a time zone; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; moments in the store are in UTC")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give every moment its zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Seconds(TypeDecorator[timedelta]):
    """A length of time, stored as whole seconds so that both engines sort and add it alike."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Store seconds."""
        return None if value is None else round(value.total_seconds())

    def process_result_value(self, value: int | None, dialect: Dialect) -> timedelta | None:  # noqa: ARG002
        """Give back a timedelta."""
        return None if value is None else timedelta(seconds=value)


def id_field() -> Any:
    """A primary key of ours."""
    return Field(default_factory=new_id, primary_key=True, max_length=40)


def reference(target: str, *, optional: bool = False, index: bool = True) -> Any:
    """A foreign key to `table.column`."""
    if optional:
        return Field(default=None, foreign_key=target, index=index, max_length=40)
    return Field(foreign_key=target, index=index, max_length=40)


def moment(*, index: bool = False) -> Any:
    """A moment that must be there."""
    return Field(sa_type=UtcDateTime, index=index)


def moment_or_none(*, index: bool = False) -> Any:
    """A moment that may be missing."""
    return Field(default=None, sa_type=UtcDateTime, index=index)
