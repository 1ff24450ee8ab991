"""Moments as people read them, on the clock of an organisation.

Standard library only, and the same in every run: workflow code imports this module, outside of Temporal's
sandbox.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo


def minute_words(at: datetime, zone: str, *, year: bool = True) -> str:
    """Day, time and the zone's short name: "27 Nov 2026 20:54 CET", "27 Nov 2026 16:54 UTC-03".

    In UTC where there is no zone of that name, and for a moment that has no local time there.
    """
    local = _local(at, zone)
    name = local.tzname() or "UTC"
    # Some zones have no letters of their own, only their distance from UTC.
    short = f"UTC{name}" if name[0] in "+-" else name
    return f"{local:%d %b %Y %H:%M} {short}" if year else f"{local:%d %b %H:%M} {short}"


def _local(at: datetime, zone: str) -> datetime:
    try:
        return at.astimezone(ZoneInfo(zone))
    except (KeyError, ValueError, OSError, OverflowError):
        return at
