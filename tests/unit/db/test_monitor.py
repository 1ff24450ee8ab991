"""The monitor on the store: who is silent, since when, and once for each time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from keepwell.contracts.alerts import MonitorCall, MonitorFigures, MonitorLook
from keepwell.db.engine import Store
from keepwell.db.repositories.alert_rules import set_rules
from keepwell.db.repositories.alerts import acknowledge_alert
from keepwell.db.repositories.monitor import MonitorRepository
from keepwell.db.repositories.organisations import use_scorecard
from keepwell.db.repositories.scores import ScoreRepository
from keepwell.db.repositories.scores_read import latest_values
from keepwell.db.tables import Alert, Customer, Event, Watch
from keepwell.errors import RefusedError
from keepwell.ingest.importing import store_event
from scoring.load import builtin
from scoring.momentum import MOMENTUM_METRICS
from tests.databases import statements
from tests.unit.db.world import CARD, World

NOW = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)
"""A Wednesday."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def world(store: Store) -> World:
    """One customer, Acme in Berlin, and Bolt, whose zone nobody knows."""
    made = World(store)
    made.customer("acme", time_zone="Europe/Berlin")
    made.customer("bolt")
    return made


def happens(world: World, customer: str, kind: str, at: datetime, **data: object) -> None:
    """An event comes in as it happens."""
    store_event(
        world.store, world.organisation, customer, kind, data, now=at, scorecard=CARD, at=at.isoformat()
    )


def look(world: World, as_of: datetime) -> MonitorLook:
    return MonitorRepository(world.store).look(MonitorCall(organisation=world.organisation, as_of=as_of))


def alerts(world: World, **where: object) -> Sequence[Alert]:
    with world.store.read() as session:
        rows = session.exec(select(Alert)).all()
    found = [row for row in rows if all(getattr(row, name) == value for name, value in where.items())]
    return sorted(found, key=lambda row: (row.raised_at, row.id))


def states(world: World) -> list[tuple[str, str, str]]:
    return [(row.trigger, row.severity, row.state) for row in alerts(world)]


def journal(world: World) -> list[tuple[str, str]]:
    with world.store.read() as session:
        rows = session.exec(select(Event)).all()
    return [(row.kind, row.why) for row in sorted(rows, key=lambda row: row.id) if row.kind[:5] == "alert"]


def test_silence_is_one_alert_that_grows_and_ends_with_the_next_event(world: World) -> None:
    happens(world, "acme", "login", NOW)
    assert look(world, NOW + 47 * HOUR).raised == 0
    assert look(world, NOW + 51 * HOUR).raised == 1
    (row,) = alerts(world)
    assert row.words == "no event for 51 hours; the limit is 48"
    assert row.due_at == NOW + 51 * HOUR, "Friday 13:00 in Berlin is working time"
    for hours in (51, 52, 60, 71):
        assert look(world, NOW + hours * HOUR) == MonitorLook(pending=True), "it goes on; it is the same one"
    grown = look(world, NOW + 72 * HOUR)
    assert (grown.raised, grown.escalated) == (0, 1)
    assert states(world) == [("zero_activity", "critical", "open")]
    assert look(world, NOW + 30 * DAY).escalated == 0

    happens(world, "acme", "login", NOW + 31 * DAY)
    assert states(world) == [("zero_activity", "critical", "closed")]
    assert alerts(world)[0].closed_why == "login at 2026-12-19 09:00 UTC"
    assert look(world, NOW + 31 * DAY + 49 * HOUR).raised == 1, "it begins anew"
    assert [kind for kind, _ in journal(world)] == [
        "alert.raised",
        "alert.escalated",
        "alert.closed",
        "alert.raised",
    ]


def test_a_monitor_that_comes_late_raises_the_graver_one_at_once(world: World) -> None:
    happens(world, "acme", "login", NOW)
    assert look(world, NOW + 4 * DAY).raised == 1
    assert states(world) == [("zero_activity", "critical", "open")]
    assert alerts(world)[0].due_at == datetime(2026, 11, 23, 8, 0, tzinfo=UTC), "Sunday: Monday at nine"


def test_who_never_had_an_event_and_who_is_not_active_is_not_silent(world: World) -> None:
    happens(world, "acme", "login", NOW)
    happens(world, "bolt", "meeting_missed", NOW)
    world.change(Customer, "acme", active=False)
    assert look(world, NOW + 5 * DAY).raised == 0
    assert alerts(world) == []


def test_old_events_that_are_imported_later_make_nobody_silent(world: World) -> None:
    store_event(
        world.store,
        world.organisation,
        "acme",
        "login",
        {},
        now=NOW,
        scorecard=CARD,
        at=(NOW - 60 * DAY).isoformat(),
    )
    store_event(
        world.store,
        world.organisation,
        "bolt",
        "login",
        {},
        now=NOW,
        scorecard=CARD,
        at=(NOW - 4 * DAY).isoformat(),
    )
    assert look(world, NOW).raised == 1
    assert [row.customer_id for row in alerts(world)] == ["bolt"]


def test_an_older_event_that_comes_late_does_not_end_the_silence(world: World) -> None:
    happens(world, "acme", "login", NOW)
    look(world, NOW + 50 * HOUR)
    store_event(
        world.store,
        world.organisation,
        "acme",
        "login",
        {},
        now=NOW + 50 * HOUR,
        scorecard=CARD,
        at=(NOW - HOUR).isoformat(),
    )
    assert states(world) == [("inactivity", "warning", "open")]
    assert look(world, NOW + 51 * HOUR).raised == 0
    assert look(world, NOW + 72 * HOUR).escalated == 1


def test_a_stalled_task(world: World) -> None:
    happens(world, "acme", "task_started", NOW, task="audit")
    happens(world, "acme", "task_started", NOW, task="done soon")
    happens(world, "acme", "task_completed", NOW + DAY, task="done soon")
    for day in range(1, 6):
        happens(world, "acme", "login", NOW + day * DAY)
    assert look(world, NOW + 71 * HOUR).raised == 0
    assert look(world, NOW + 73 * HOUR).raised == 1
    (row,) = alerts(world)
    assert (row.trigger, row.subject) == ("task_stalled", "audit")
    assert row.words == "task 'audit' has no update for 73 hours; the limit is 72"
    happens(world, "acme", "task_updated", NOW + 4 * DAY, task="audit")
    assert states(world) == [("task_stalled", "warning", "closed")]
    happens(world, "acme", "task_completed", NOW + 5 * DAY, task="audit")
    assert look(world, NOW + 6 * DAY).raised == 0


def test_a_core_feature_that_nobody_uses_any_more(world: World) -> None:
    for day in range(3):
        happens(world, "acme", "feature_used", NOW + day * DAY, feature="reports")
        happens(world, "acme", "feature_used", NOW + day * DAY + HOUR, feature="reports")
    happens(world, "acme", "feature_used", NOW + DAY, feature="tried once")
    last = NOW + 2 * DAY + HOUR
    for day in range(3, 12):
        happens(world, "acme", "login", NOW + day * DAY)
    assert look(world, last + 7 * DAY - HOUR).raised == 0
    found = look(world, last + 7 * DAY)
    assert found.raised == 1
    (row,) = alerts(world)
    assert row.words == "core feature 'reports' not used for 7 days; the limit is 7"
    assert row.due_at == datetime(2026, 11, 30, 8, 0, tzinfo=UTC), "raised on Friday: Monday at nine"
    happens(world, "acme", "feature_used", last + 8 * DAY, feature="reports")
    assert states(world)[0] == ("feature_unused", "warning", "closed")


def test_a_rule_that_is_off_raises_nothing(world: World) -> None:
    with world.store.write() as session:
        set_rules(session, world.organisation, CARD, {"inactivity": "off", "billing_failure": "off"})
    happens(world, "acme", "login", NOW)
    happens(world, "acme", "billing_failure", NOW)
    assert look(world, NOW + 50 * HOUR).raised == 0
    assert look(world, NOW + 72 * HOUR).raised == 1, "zero activity is a rule of its own"


def test_a_quiet_pass_reads_little_however_many_are_silent(world: World) -> None:
    for number in range(5):
        happens(world, world.customer(f"c{number}"), "login", NOW)
    look(world, NOW + 80 * HOUR)
    with statements(world.store) as sent:
        look(world, NOW + 81 * HOUR)
    quiet = len(sent)
    for number in range(5, 60):
        happens(world, world.customer(f"c{number}"), "login", NOW)
    with world.store.write() as session:
        for row in session.exec(select(Watch)).all():
            row.check_at = None
            session.add(row)
    with statements(world.store) as sent:
        look(world, NOW + 82 * HOUR)
    assert len(sent) <= quiet + 1
    assert not [text for text in sent if "FROM customer" in text and "alert" not in text]


def test_who_takes_an_alert_in_hand(world: World) -> None:
    happens(world, "acme", "login", NOW)
    look(world, NOW + 50 * HOUR)
    (row,) = alerts(world)
    taken = acknowledge_alert(world.store, row.id, "Dana", NOW + 51 * HOUR)
    assert (taken.state, taken.acknowledged_by) == ("acknowledged", "Dana")
    again = acknowledge_alert(world.store, row.id, "Omar", NOW + 52 * HOUR)
    assert (again.acknowledged_by, again.acknowledged_at) == ("Dana", NOW + 51 * HOUR)
    look(world, NOW + 72 * HOUR)
    assert states(world) == [("zero_activity", "critical", "acknowledged")]
    happens(world, "acme", "login", NOW + 73 * HOUR)
    with pytest.raises(RefusedError, match="was closed at 2026-11-21 10:00 UTC: login at"):
        acknowledge_alert(world.store, row.id, "Omar", NOW + 74 * HOUR)


def test_alerts_of_a_customer_who_is_not_active_any_more_are_closed(world: World) -> None:
    happens(world, "acme", "login", NOW)
    look(world, NOW + 50 * HOUR)
    world.change(Customer, "acme", active=False)
    assert look(world, NOW + 51 * HOUR).closed == 1
    assert alerts(world)[0].closed_why == "the customer is not active any more"


def test_the_days_momentum_figures(world: World) -> None:
    card = builtin("momentum")
    with world.store.write() as session:
        use_scorecard(session, world.organisation, "momentum")
    for day in range(16, 0, -1):
        happens(world, "acme", "login", NOW - day * DAY)
    happens(world, "acme", "content_generated", NOW - 2 * DAY)
    happens(world, "acme", "feedback_given", NOW - 2 * DAY, score=80)
    happens(world, "acme", "feedback_given", NOW - 3 * DAY, score=60)
    happens(world, "acme", "task_completed", NOW - 9 * DAY, task="one", onboarding=True)
    happens(world, "acme", "task_started", NOW - 9 * DAY, task="two", onboarding=True)
    happens(world, "acme", "meeting_missed", NOW - 2 * DAY)
    assert look(world, NOW).figures_due
    repository = MonitorRepository(world.store)
    call = MonitorCall(organisation=world.organisation, as_of=NOW)
    assert repository.write_figures(call) == MonitorFigures(written=1), "Bolt never had an event"
    assert not look(world, NOW + HOUR).figures_due
    assert look(world, NOW + DAY).figures_due
    names = list(MOMENTUM_METRICS)
    with world.store.read() as session:
        ids = select(Customer.id).where(Customer.id == "acme")
        latest = latest_values(session, ids, names, NOW)
    found = dict(zip(names, latest.values[0].tolist(), strict=True))
    assert found == {
        "active_days_7": 7.0,
        "events_7": 10.0,
        "high_value_actions_7": 3.0,
        "onboarding_completion_rate": 50.0,
        "launch_kit_viewed": 0.0,
        "content_generated_30": 1.0,
        "visuals_created_30": 0.0,
        "feedback_score": 70.0,
        "activity_change_week": pytest.approx((10 / 9 - 1) * 100, abs=1e-5),
    }
    assert set(names) == set(card.metric_names)
    assert ScoreRepository(world.store).score_customer(world.organisation, "acme", NOW).score is not None


def test_other_scorecards_take_no_figures_from_events(world: World) -> None:
    happens(world, "acme", "login", NOW)
    assert not look(world, NOW).figures_due
    call = MonitorCall(organisation=world.organisation, as_of=NOW)
    assert MonitorRepository(world.store).write_figures(call) == MonitorFigures()
