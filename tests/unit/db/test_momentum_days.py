"""Momentum figures by the organisation's own calendar: days of 23 and 25 hours, and files that come late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event
from sqlmodel import select

from keepwell.contracts.alerts import MonitorCall
from keepwell.db.engine import Store
from keepwell.db.repositories.engagement import FEATURE
from keepwell.db.repositories.monitor import MonitorRepository
from keepwell.db.repositories.organisations import use_scorecard
from keepwell.db.repositories.zones import local_midnight
from keepwell.db.tables import Metric, Organisation, Watch
from keepwell.ingest.cells import Kind
from keepwell.ingest.importing import import_file
from tests.unit.db.test_monitor import DAY, HOUR, alerts, happens, look
from tests.unit.db.world import CARD, World

BERLIN = "Europe/Berlin"
ZONES = (BERLIN, "America/New_York", "Australia/Lord_Howe", "Pacific/Kiritimati", "UTC")


@pytest.fixture
def world(store: Store) -> World:
    """One customer of an organisation in Berlin that scores by momentum."""
    made = World(store)
    made.change(Organisation, made.organisation, time_zone=BERLIN)
    made.customer("acme")
    with store.write() as session:
        use_scorecard(session, made.organisation, "momentum")
    return made


def there(text: str, zone: str = BERLIN) -> datetime:
    """A moment by the clock on the wall."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def imported(world: World, folder: Path, moments: Sequence[datetime], now: datetime) -> None:
    """A file of sign-ins is read."""
    file = folder / "events.csv"
    lines = [f"acme,login,{at.isoformat()}\n" for at in moments]
    file.write_text("customer,kind,at\n" + "".join(lines), encoding="utf-8")
    done = import_file(world.store, world.organisation, Kind.EVENTS, file, scorecard=CARD, now=now)
    assert done.rejected == 0


def figures(world: World, name: str) -> dict[datetime, float]:
    """A figure of Acme by the moments at which it was measured."""
    with world.store.read() as session:
        rows = session.exec(select(Metric).where(Metric.name == name)).all()
    return {row.measured_at: row.value for row in sorted(rows, key=lambda row: row.measured_at)}


def at_midnight(world: World, day: str) -> datetime:
    """Write the figures of a day; the moment they are as of."""
    begin = there(day)
    call = MonitorCall(organisation=world.organisation, as_of=begin + 5 * HOUR)
    assert MonitorRepository(world.store).write_figures(call).written == 1
    return begin


@pytest.mark.parametrize(
    ("first", "day"),
    [
        ("2026-10-20", "2026-10-27"),  # the clocks go back on the 25th: a day of 25 hours
        ("2026-03-24", "2026-03-31"),  # and forward on the 29th: one of 23
    ],
)
def test_seven_days_are_those_of_the_calendar(world: World, tmp_path: Path, first: str, day: str) -> None:
    begin = there(first)
    early = [there(first) + timedelta(minutes=5), there(first) - timedelta(minutes=5)]
    late = [there(day) - timedelta(minutes=5), there(day) + timedelta(minutes=5)]
    imported(world, tmp_path, [*early, *late], there(day) + 6 * HOUR)
    as_of = at_midnight(world, day)
    assert (as_of - begin).total_seconds() != 7 * 24 * 3600, "a week with a change of the clocks"
    assert figures(world, "events_7")[as_of] == 2.0, "five past midnight a week ago, and five to midnight"
    assert figures(world, "active_days_7")[as_of] == 2.0


def test_two_evenings_and_a_morning_are_days_of_the_calendar(world: World) -> None:
    """23:30 and 00:30 are two days in Berlin, and one in UTC; 09:00 and 22:00 are one."""
    for text in ("2026-11-17T23:30", "2026-11-18T00:30", "2026-11-18T09:00", "2026-11-18T22:00"):
        happens(world, "acme", "login", there(text))
    as_of = at_midnight(world, "2026-11-19")
    assert figures(world, "active_days_7")[as_of] == 2.0
    assert figures(world, "events_7")[as_of] == 4.0


def test_a_week_that_begins_within_a_day_has_seven_days(world: World) -> None:
    now = there("2026-11-19T14:30")
    for back in reversed(range(8)):
        happens(world, "acme", "login", now - back * DAY + (HOUR if back == 7 else 0 * HOUR))
    assert max(figures(world, "active_days_7").values()) == 7.0
    assert figures(world, "events_7")[now] == 8.0, "of eight days of the calendar, two of them in part"
    happens(world, "acme", "login", now + 2 * HOUR)
    assert max(figures(world, "active_days_7").values()) == 7.0


def test_the_week_before_is_as_long_over_a_change_of_the_clocks(world: World, tmp_path: Path) -> None:
    """A sign-in five minutes past midnight each day for two weeks: no change from week to week."""
    first = there("2026-10-12").astimezone(ZoneInfo(BERLIN))
    moments = [(first + number * DAY).astimezone(UTC) + timedelta(minutes=5) for number in range(15)]
    imported(world, tmp_path, moments, there("2026-10-26T20:00"))
    as_of = at_midnight(world, "2026-10-27")
    assert figures(world, "events_7")[as_of] == 7.0
    assert figures(world, "activity_change_week")[as_of] == 0.0


def test_a_file_of_yesterday_makes_nobody_look_more_silent(world: World, tmp_path: Path) -> None:
    """A week of sign-ins, each day's known on the next morning: seven, whatever the hour of the import."""
    days = [there("2026-11-12T10:00") + number * DAY for number in range(7)]
    midnight = there("2026-11-19")
    imported(world, tmp_path, days[:6], there("2026-11-18T11:00"))
    assert at_midnight(world, "2026-11-19") == midnight
    assert figures(world, "events_7")[midnight] == 6.0
    imported(world, tmp_path, days, there("2026-11-19T16:45"))
    found = figures(world, "events_7")
    assert found[midnight] == 7.0, "the figure of the day's beginning knows it now"
    assert max(found) == midnight, "and none is written as of the moment of the import"
    assert figures(world, "active_days_7")[midnight] == 7.0


def test_what_happens_now_counts_at_once(world: World) -> None:
    now = there("2026-11-19T00:00")
    happens(world, "acme", "login", now)
    assert figures(world, "events_7") == {now: 1.0}


@pytest.mark.parametrize("zone", ZONES)
def test_the_days_of_use_of_a_feature_are_the_calendars(world: World, zone: str) -> None:
    world.change(Organisation, world.organisation, time_zone=zone)
    for text in ("2026-11-17T23:30", "2026-11-18T00:30", "2026-11-18T23:45"):
        happens(world, "acme", "feature_used", there(text, zone), feature="reports")
    with world.store.read() as session:
        row = session.get_one(Watch, ("acme", FEATURE, "reports"))
    assert row.days == 2
    day = local_midnight(there("2026-11-19T12:00", zone).astimezone(ZoneInfo(zone)).date(), zone)
    assert look(world, day + 8 * DAY).raised == 1, "silence alone: used on two days, it is no core feature"
    assert [row.trigger for row in alerts(world)] == ["zero_activity"]


def test_of_a_customer_with_many_tasks_only_those_are_read_that_are_meant(world: World) -> None:
    now = there("2026-11-19T09:00")
    with world.store.write() as session:
        session.add_all(
            Watch(
                customer_id="acme",
                what="task",
                name=f"task {number}",
                organisation_id=world.organisation,
                first_at=now,
                last_at=now,
            )
            for number in range(300)
        )
    loaded: list[str] = []

    def note(row: Watch, _context: object) -> None:
        loaded.append(row.name)

    event.listen(Watch, "load", note)
    try:
        happens(world, "acme", "task_updated", now, task="task 7")
    finally:
        event.remove(Watch, "load", note)
    assert loaded == ["task 7"]
