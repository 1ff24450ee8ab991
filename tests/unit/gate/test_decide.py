"""Quiet hours and calendars: what people enter, what they read, and what holds for all of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepwell.gate.calendar import Calendar, OwnDay, business_days_of, days_words
from keepwell.gate.countries import country_code, holiday_name, subdivision_code, subdivisions
from keepwell.gate.decide import At, Manners, Now
from keepwell.gate.hours import QuietHours, hours_of, time_of
from keepwell.gate.priority import rank

MINUTE = timedelta(minutes=1)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "UTC")
times = st.times().map(lambda at: at.replace(second=0, microsecond=0, tzinfo=None))
manners = st.builds(
    Manners,
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    hours=st.builds(QuietHours, times, times),
    days=st.builds(
        Calendar,
        business_days=st.sampled_from(("", "12345", "7", "1234567")),
        country=st.sampled_from(("", "DE", "JP", "US")),
    ),
)
moments = st.integers(0, 3 * 365 * 24 * 60).map(
    lambda count: datetime(2025, 1, 1, tzinfo=UTC) + count * MINUTE
)


@settings(max_examples=150, deadline=None)
@given(manners, moments)
def test_the_moment_is_decent_and_none_before_it_is(rules: Manners, moment: datetime) -> None:
    decision = rules.decide(moment)
    if isinstance(decision, Now):
        assert rules.hindrance(moment) == ""
        return
    assert rules.hindrance(moment)
    assert rules.hindrance(decision.moment) == ""
    assert rules.hindrance(decision.moment - timedelta(seconds=1)), "not a second late"
    step = (decision.moment - moment) / 97
    assert all(rules.hindrance(moment + number * step) for number in range(97)), "no gap was passed over"
    assert rules.decide(decision.moment) == Now()


def in_new_york(start: str, end: str) -> Manners:
    return Manners(ZoneInfo("America/New_York"), hours_of(start, end))


def test_quiet_hours_that_end_in_the_hour_that_is_left_out_end_with_the_jump() -> None:
    """On 8 March 2026 the clocks go from 02:00 to 03:00, at 07:00 UTC."""
    asked = datetime(2026, 3, 8, 5, tzinfo=UTC)
    answer = in_new_york("22:00", "02:30").decide(asked)
    assert answer == At(datetime(2026, 3, 8, 7, tzinfo=UTC), "Quiet hours until 03:00 in America/New_York")


def test_quiet_hours_that_the_clocks_turn_back_to_begin_again() -> None:
    """On 1 November 2026 the clocks go from 02:00 to 01:00, at 06:00 UTC: 01:30 comes twice."""
    rules = in_new_york("22:00", "01:30")
    first, second = datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    assert rules.decide(first - MINUTE) == At(first, "Quiet hours until 01:30 in America/New_York")
    assert rules.decide(first) == rules.decide(second - 31 * MINUTE) == Now()
    assert rules.decide(second - MINUTE) == At(second, "Quiet hours until 01:30 in America/New_York")


def test_who_is_closed_for_ever_is_asked_again() -> None:
    day, closed = date(2026, 1, 1), OwnDay("gone")
    own = {day + timedelta(days=number): closed for number in range(800)}
    asked = datetime(2026, 2, 1, tzinfo=UTC)
    answer = Manners(ZoneInfo("UTC"), days=Calendar(own=own)).decide(asked)
    assert isinstance(answer, At)
    assert answer.moment == asked + timedelta(days=400)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon-fri", "12345"),
        ("Sun-Thu", "12347"),
        ("Mon, Wed, friday", "135"),
        ("12345", "12345"),
        ("sat", "6"),
        ("", ""),
        ("tuesday-tuesday", "2"),
    ],
)
def test_business_days_as_people_write_them(text: str, days: str) -> None:
    assert business_days_of(text) == days


@pytest.mark.parametrize("text", ["foo", "mon-", "890", "mon-xyz", "mo-fr"])
def test_what_are_no_business_days(text: str) -> None:
    with pytest.raises(ValueError, match="is no day of the week"):
        business_days_of(text)


def test_business_days_in_words() -> None:
    assert days_words("135") == "Mon, Wed, Fri"
    assert days_words("") == "every day"


@pytest.mark.parametrize("text", ["8", "24:00", "8.30", "20:60", "evening", "08:00:00", ""])
def test_what_is_no_time_of_day(text: str) -> None:
    with pytest.raises(ValueError, match="is no time of day"):
        time_of(text)


def test_times_of_day() -> None:
    assert time_of("8:05") == time(8, 5)
    assert not hours_of("", "08:00").quiet(time(3)), "no beginning, no quiet hours"
    assert not hours_of("08:00", "08:00").quiet(time(8)), "none, not all day"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("DE", "DE"),
        ("de", "DE"),
        ("DEU", "DE"),
        ("Germany", "DE"),
        ("Deutschland", "DE"),
        ("United Kingdom", "GB"),
        ("uk", "GB"),
        ("United States of America", "US"),
        ("UNITED_STATES", "US"),
        ("Côte d'Ivoire", "CI"),
        ("Czech Republic", "CZ"),
        ("South Korea", "KR"),
        ("Atlantis", ""),
        ("", ""),
        ("EU", ""),
    ],
)
def test_countries_as_people_write_them(text: str, code: str) -> None:
    assert country_code(text) == code


def test_subdivisions_have_holidays_of_their_own() -> None:
    corpus_christi = date(2026, 6, 4)
    for text in ("BY", "by", "DE-BY", "Bayern"):
        assert holiday_name("DE", subdivision_code("DE", text), corpus_christi) == "Corpus Christi"
    assert holiday_name("DE", "", corpus_christi) == ""
    assert subdivision_code("DE", "XX") == ""
    assert subdivision_code("", "BY") == ""
    assert "BY" in subdivisions("DE")
    assert all(len(code) <= 6 for code in subdivisions("DE"))


def test_the_graver_playbook_goes_first() -> None:
    order = [("risk", "CRITICAL"), ("risk", "HIGH_RISK"), ("risk", "AT_RISK"), ("event", "CRITICAL")]
    ranks = [rank(*one) for one in (*order, ("expansion", "THRIVING"))]
    assert ranks == sorted(set(ranks))
    assert rank("risk", None) == rank("risk", "AT_RISK"), "a level that nobody knows is the mildest"
