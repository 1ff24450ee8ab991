"""Days and time zones: which day it is for whom."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from keepwell.errors import ConfigurationError


def known_zone(name: str) -> ZoneInfo | None:
    """The zone of that IANA name; None for an empty or unknown name."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        # Unknown; not a zone's name at all; a folder of the zone database.
        return None


def first_zone(*names: str) -> str:
    """The first name that is a zone, "UTC" if none is: a customer's odd entry must not stop a message."""
    return next((name for name in names if known_zone(name)), "UTC")


def organisation_day(moment: datetime, time_zone: str, organisation: str) -> date:
    """The day of a moment on an organisation's calendar.

    Raises:
        ConfigurationError: the zone is unknown. A guess would put scores on the wrong day.
    """
    zone = known_zone(time_zone)
    if zone is None:
        raise ConfigurationError(
            f"Organisation {organisation} has the time zone {time_zone!r}, which does not exist.",
            hint="Set an IANA name such as Europe/Berlin or UTC.",
        )
    return moment.astimezone(zone).date()


def local_midnight(day: date, *names: str) -> datetime:
    """When a day begins in the first of the zones that exists, in UTC."""
    return datetime.combine(day, time(), ZoneInfo(first_zone(*names))).astimezone(UTC)


def local_day(moment: datetime, *names: str) -> date:
    """The day of a moment in the first of the zones that exists."""
    return moment.astimezone(ZoneInfo(first_zone(*names))).date()


def city_of(zone: str) -> str:
    """A zone as people say it; the database of zones writes names without accents."""
    known = {"America/Sao_Paulo": "São Paulo", "Europe/Zurich": "Zürich", "UTC": "UTC"}
    return known.get(zone, zone.rpartition("/")[2].replace("_", " "))
