"""Every decision of a year of hours, in five zones, against an oracle that only looks at the wall clock."""

from __future__ import annotations

from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from keepwell.gate.calendar import Calendar, OwnDay
from keepwell.gate.decide import At, Manners, Now
from keepwell.gate.hours import QuietHours
from tests.unit.gate.oracle import Place, answers, year

YEAR = 2026
WEEK, SIX, SUNDAY_ON = "12345", "123456", "71234"
OWN = {date(YEAR, 8, 14): OwnDay("The company's day"), date(YEAR, 5, 1): OwnDay("We work", open=True)}


def days(*texts: str) -> frozenset[date]:
    return frozenset(date(YEAR, *map(int, text.split("-"))) for text in texts)


def dates(*texts: str) -> frozenset[date]:
    """Of the next year: what is asked at the end of December may end there."""
    return frozenset(date(YEAR + 1, *map(int, text.split("-"))) for text in texts)


BERLIN = days("1-1", "4-3", "4-6", "5-14", "5-25", "10-3", "12-25", "12-26", "8-14") | dates("1-1")
"""Of Germany without May Day, on which this organisation is open, and with a day of its own."""
NEW_YORK = days(
    *("1-1", "1-19", "2-16", "5-25", "6-19", "7-3", "7-4", "9-7", "10-12", "11-11", "11-26", "12-25")
) | dates("1-1")
ADELAIDE = days(
    *("1-1", "1-26", "3-9", "4-3", "4-4", "4-5", "4-6", "4-25", "6-8", "10-5", "12-25", "12-26", "12-28")
) | dates("1-1")
"""Of South Australia; the day after Christmas is a Saturday there, and the Monday is off too."""

CASES = {
    "Berlin": (
        Place("Europe/Berlin", 20 * 60, 8 * 60, range(5), BERLIN),
        Manners(ZoneInfo("Europe/Berlin"), QuietHours(time(20), time(8)), Calendar(WEEK, "DE", "", OWN)),
    ),
    "New York, quiet until the hour that the clocks jump over and repeat": (
        Place("America/New_York", 22 * 60, 2 * 60 + 30, range(7)),
        Manners(ZoneInfo("America/New_York"), QuietHours(time(22), time(2, 30))),
    ),
    "New York": (
        Place("America/New_York", 21 * 60, 7 * 60 + 15, range(5), NEW_YORK),
        Manners(ZoneInfo("America/New_York"), QuietHours(time(21), time(7, 15)), Calendar(WEEK, "US", "")),
    ),
    "Adelaide": (
        Place("Australia/Adelaide", 18 * 60 + 30, 9 * 60, range(5), ADELAIDE),
        Manners(
            ZoneInfo("Australia/Adelaide"), QuietHours(time(18, 30), time(9)), Calendar(WEEK, "AU", "SA")
        ),
    ),
    "Adelaide, quiet over the change of the clocks in the middle of the night": (
        Place("Australia/Adelaide", 2 * 60, 3 * 60, range(7)),
        Manners(ZoneInfo("Australia/Adelaide"), QuietHours(time(2), time(3))),
    ),
    "Kolkata": (
        Place("Asia/Kolkata", 0, 7 * 60, range(6)),
        Manners(ZoneInfo("Asia/Kolkata"), QuietHours(time(0), time(7)), Calendar(SIX)),
    ),
    "Santiago, where the clocks change at midnight": (
        Place("America/Santiago", 23 * 60, 0, (6, 0, 1, 2, 3)),
        Manners(ZoneInfo("America/Santiago"), QuietHours(time(23), time(0)), Calendar(SUNDAY_ON)),
    ),
    "Santiago, without quiet hours": (
        Place("America/Santiago", 0, 0, (6, 0, 1, 2, 3)),
        Manners(ZoneInfo("America/Santiago"), days=Calendar(SUNDAY_ON)),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_every_hour_of_a_year(name: str) -> None:
    place, manners = CASES[name]
    asked = deferred = 0
    for moment, expected in answers(place, year(YEAR), 365 * 24, timedelta(days=6)):
        decision = manners.decide(moment)
        asked += 1
        if expected == moment:
            assert decision == Now(), moment
            continue
        assert isinstance(decision, At), moment
        assert decision.moment == expected, (moment, decision)
        deferred += 1
    assert asked == 365 * 24
    assert 0 < deferred < asked, "both answers are tried"
