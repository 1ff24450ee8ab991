"""Moments as people type them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from keepwell.errors import InputError
from keepwell.spans import LONGEST, read_span

TAKES = 'It takes a day ("2026-12-01"), a moment ("2026-12-01T09:00") or a time from now ("3d", "12h").'


def future_moment(text: str, now: datetime, zone: ZoneInfo, *, place: str) -> datetime:
    """A moment after `now`, in UTC; a day begins at midnight, and both are in `zone` unless they say other.

    Raises InputError, with `place` for the option, for anything else, for what is past, and for what is
    more than a year off.
    """
    moment = _moment(text.strip(), now, zone)
    if moment is None:
        raise InputError(f"{text!r} is no moment.", place=place, hint=TAKES)
    if moment <= now:
        raise InputError(
            f"{text!r} is {moment.astimezone(zone):%d %b %Y %H:%M} {zone.key}, which is past; it is "
            f"{now.astimezone(zone):%d %b %Y %H:%M} now.",
            place=place,
            hint="Name a moment to come.",
        )
    if moment > now + LONGEST:
        raise InputError(
            f"{text!r} is more than a year off.", place=place, hint="Name a moment within a year from now."
        )
    return moment


def past_moment(text: str, now: datetime, zone: ZoneInfo, *, place: str) -> datetime:
    """A moment, in UTC; "3d" is three days ago. Raises InputError, with `place`, for anything else."""
    span = read_span(text.strip())
    try:
        moment = now - span if span is not None else _moment(text.strip(), now, zone)
    except OverflowError:
        moment = None
    if moment is None:
        raise InputError(f"{text!r} is no moment.", place=place, hint=TAKES.replace("from now", "back"))
    return moment


def _moment(text: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    try:
        span = read_span(text)
        if span is not None:
            return now + span
        return datetime.combine(date.fromisoformat(text), time(), zone).astimezone(UTC)
    except OverflowError:
        return None
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
