"""Business days on the clock on the wall, over week-ends and over changes of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.business_time import end_of_next_business_day, next_business_day, working_moment
from keepwell.due import due_at
from keepwell.gate.calendar import Calendar, OwnDay
from scoring.signal import Trigger

BERLIN, NEW_YORK, KIRITIMATI = "Europe/Berlin", "America/New_York", "Pacific/Kiritimati"
ZONES = (BERLIN, NEW_YORK, KIRITIMATI, "Asia/Kolkata", "Australia/Lord_Howe", "UTC", "Mars/Base")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "zone", "expected"),
    [
        ("2026-11-18T10:00", BERLIN, "2026-11-19T08:00"),  # Wednesday → Thursday
        ("2026-11-20T22:30", BERLIN, "2026-11-23T08:00"),  # Friday night → Monday
        ("2026-11-20T23:30", BERLIN, "2026-11-23T08:00"),  # Saturday there already
        ("2026-11-22T09:00", BERLIN, "2026-11-23T08:00"),  # Sunday
        ("2026-11-19T23:30", KIRITIMATI, "2026-11-22T19:00"),  # Friday there, 14 hours ahead: Monday 09:00
        ("2026-03-27T12:00", BERLIN, "2026-03-30T07:00"),  # the clocks go forward in between
        ("2026-10-23T12:00", BERLIN, "2026-10-26T08:00"),  # and back
        ("2026-10-30T12:00", NEW_YORK, "2026-11-02T14:00"),
    ],
)
def test_the_next_business_day_begins_at_nine_there(moment: str, zone: str, expected: str) -> None:
    assert next_business_day(at(moment), zone) == at(expected)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-18T07:59", "2026-11-18T08:00"),
        ("2026-11-18T08:00", "2026-11-18T08:00"),
        ("2026-11-18T15:59", "2026-11-18T15:59"),
        ("2026-11-18T16:00", "2026-11-19T08:00"),
        ("2026-11-21T10:00", "2026-11-23T08:00"),
    ],
)
def test_a_working_moment_in_berlin(moment: str, expected: str) -> None:
    assert working_moment(at(moment), BERLIN) == at(expected)


@given(
    moment=st.integers(0, 7_800_000).map(lambda minutes: at("2020-01-01") + timedelta(minutes=minutes)),
    zone=st.sampled_from(ZONES),
)
def test_what_holds_everywhere_and_at_all_times(moment: datetime, zone: str) -> None:
    there = ZoneInfo(zone if zone in ZONES[:-1] else "UTC")
    begins, works = next_business_day(moment, zone), working_moment(moment, zone)
    local = begins.astimezone(there)
    assert (local.hour, local.minute, local.weekday() < 5) == (9, 0, True)
    assert moment < begins <= moment + timedelta(days=4)
    assert local.date() > moment.astimezone(there).date()
    assert moment <= works <= begins
    inside = works.astimezone(there)
    assert inside.weekday() < 5
    assert 9 <= inside.hour < 17
    assert end_of_next_business_day(moment, zone) == begins + timedelta(hours=8)


def test_by_when_an_alert_must_have_been_acted_upon() -> None:
    friday = at("2026-11-20T21:00")

    def due(trigger: Trigger) -> datetime:
        return due_at(trigger, friday, customer_zone=NEW_YORK, organisation_zone=BERLIN)

    assert due(Trigger.CRITICAL_HEALTH) == at("2026-11-20T22:00"), "an hour is an hour"
    assert due(Trigger.BILLING_FAILURE) == at("2026-11-20T23:00")
    assert due(Trigger.USAGE_FALL) == friday
    assert due(Trigger.FEATURE_UNUSED) == at("2026-11-23T14:00"), "Monday at nine in New York"
    assert due(Trigger.INACTIVITY) == friday, "16:00 in New York"
    assert due(Trigger.SCORE_DROP) == at("2026-11-23T16:00"), "Monday at five in Berlin"


def test_the_customers_days_off_count_for_what_is_due_on_its_clock_and_ours_for_staff() -> None:
    """On Wednesday 25 November 2026: the Thursday is Thanksgiving in the United States, not in Germany."""
    evening = at("2026-11-25T22:30")
    american, german = Calendar("12345", "US"), Calendar("12345", "DE")

    def due(trigger: Trigger) -> datetime:
        return due_at(
            trigger,
            evening,
            customer_zone=NEW_YORK,
            organisation_zone=BERLIN,
            customer_closed=lambda day: american.closed(day) != "",
            closed=lambda day: german.closed(day) != "",
        )

    assert due(Trigger.FEATURE_UNUSED) == at("2026-11-27T14:00"), "Friday at nine in New York"
    assert due(Trigger.INACTIVITY) == at("2026-11-27T14:00")
    assert due(Trigger.SCORE_DROP) == at("2026-11-26T16:00"), "Thursday at five in Berlin"


def test_a_calendar_says_which_days_are_off() -> None:
    """On Thursday 24 December 2026: Christmas is a Friday, and the Monday after it was taken off."""
    thursday = datetime(2026, 12, 24, 12, tzinfo=UTC)
    calendar = Calendar("12345", "DE", own={date(2026, 12, 28): OwnDay("between the years")})

    def closed(day: date) -> bool:
        return calendar.closed(day) != ""

    tuesday = datetime(2026, 12, 29, tzinfo=UTC)
    assert next_business_day(thursday, "UTC", closed) == tuesday.replace(hour=9)
    assert end_of_next_business_day(thursday, "UTC", closed) == tuesday.replace(hour=17)
    assert working_moment(thursday + timedelta(days=1), "UTC", closed) == tuesday.replace(hour=9)
    assert working_moment(thursday, "UTC", closed) == thursday


def test_who_is_always_closed_is_not_waited_for() -> None:
    assert next_business_day(datetime(2026, 12, 24, 12, tzinfo=UTC), "UTC", lambda _: True) == datetime(
        2026, 12, 25, 9, tzinfo=UTC
    )
