"""What is wrong with one customer, or one part, keeps the monitor from nothing else, and is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from keepwell.contracts.alerts import MonitorCall, MonitorFigures
from keepwell.db.engine import Store
from keepwell.db.repositories import apart, monitor, monitor_silence
from keepwell.db.repositories.alert_rules import Rules
from keepwell.db.repositories.alerts_churn import judge_predictions
from keepwell.db.repositories.momentum import write_day
from keepwell.db.repositories.monitor import MonitorRepository
from keepwell.db.repositories.organisations import use_scorecard
from keepwell.db.tables import Alert, Customer, Event, Metric, MonitorState, Organisation, Watch
from scoring.triggers import Finding
from tests.unit.db.test_monitor import DAY, HOUR, NOW, alerts, happens, look
from tests.unit.db.test_monitor_feed import predicting
from tests.unit.db.world import World

Told = list[tuple[str | None, str, str]]


@pytest.fixture
def world(store: Store) -> World:
    """Three customers."""
    made = World(store)
    for key in ("acme", "bolt", "cara"):
        made.customer(key)
    return made


def told(world: World) -> Told:
    """What the journal says of failures: the customer, the line, and why."""
    with world.store.read() as session:
        rows = session.exec(select(Event).where(Event.kind == "monitor.failed")).all()
    return sorted((row.customer_id, row.text, row.why) for row in rows)


def who(world: World, **where: object) -> list[str]:
    return sorted(row.customer_id for row in alerts(world, **where))


def test_one_customer_who_cannot_be_judged_keeps_nobody_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("acme", "bolt", "cara"):
        happens(world, key, "login", NOW)
    judge = monitor_silence.look_at

    def poisoned(call: MonitorCall, rules: Rules, row: Watch, *, active: bool) -> Finding | None:
        if row.customer_id == "bolt":
            raise ValueError("no such thing\n[SQL: secrets]")
        return judge(call, rules, row, active=active)

    with monkeypatch.context() as patched:
        patched.setattr(monitor_silence, "look_at", poisoned)
        found = look(world, NOW + 50 * HOUR)
        assert (found.raised, found.failed, found.pending) == (2, 1, True)
        assert who(world) == ["acme", "cara"]
        line = (
            "bolt",
            "The monitor's look at the silence of this customer failed",
            "ValueError: no such thing",
        )
        assert told(world) == [line]
        later = look(world, NOW + 50 * HOUR + 59 * timedelta(minutes=1))
        assert later.failed == 0, "it is looked at again after an hour"
        assert look(world, NOW + 51 * HOUR).failed == 1
        assert told(world) == [line], "once a day"
    assert look(world, NOW + 52 * HOUR).raised == 1
    assert who(world) == ["acme", "bolt", "cara"]


def test_where_all_fail_a_few_are_told_and_all_are_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "TOLD", 2)
    for key in ("acme", "bolt", "cara"):
        happens(world, key, "login", NOW)

    def poisoned(*_: object, active: bool) -> Finding | None:
        raise ValueError(f"a mistake of ours, {active}")

    monkeypatch.setattr(monitor_silence, "look_at", poisoned)
    assert look(world, NOW + 50 * HOUR).failed == 3
    assert [customer for customer, _, _ in told(world)] == ["acme", "bolt"]


def test_a_prediction_that_fails_and_all_of_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    predicted = predicting(world)
    for key in ("acme", "bolt", "cara"):
        predicted(key, 0.9, NOW)
    happens(world, "acme", "login", NOW - 2 * DAY)

    def broken(*_: object) -> None:
        raise RuntimeError("no models today")

    with monkeypatch.context() as patched:
        patched.setattr(monitor, "predictions_since", broken)
        found = look(world, NOW + HOUR)
    assert (found.raised, found.failed, found.pending) == (1, 1, True), "silence is judged in spite of it"
    text = "The monitor's look at the predictions of the organisation failed"
    assert told(world) == [(None, text, "RuntimeError: no models today")]

    def poisoned(session: Session, call: MonitorCall, rules: Any, page: Any) -> Counter[str]:
        if "bolt" in page:
            raise ValueError("odd")
        return judge_predictions(session, call, rules, page)

    monkeypatch.setattr(monitor, "judge_predictions", poisoned)
    assert look(world, NOW + 2 * HOUR).raised == 2, "nothing was lost by the failure"
    assert who(world, trigger="churn_risk") == ["acme", "cara"]


def test_an_alert_that_cannot_be_read_keeps_no_other_from_its_end(world: World) -> None:
    for key in ("acme", "bolt"):
        happens(world, key, "billing_failure", NOW)
    spoilt = alerts(world, customer_id="acme")[0]
    world.change(Alert, spoilt.id, evidence={"at": "a Tuesday"})
    happens(world, "cara", "login", NOW + 15 * DAY - 50 * HOUR)
    found = look(world, NOW + 15 * DAY)
    assert (found.closed, found.raised, found.failed) == (1, 1, 1)
    assert who(world, state="closed") == ["bolt"]
    assert [customer for customer, _, _ in told(world)] == ["acme"]


def test_an_organisation_without_a_calendar_still_gets_its_alerts_handed_over(world: World) -> None:
    happens(world, "acme", "billing_failure", NOW)
    world.change(Organisation, world.organisation, time_zone="Mars/Base")
    found = look(world, NOW + HOUR)
    assert (found.failed, found.pending, found.figures_due) == (1, True, False)
    assert "Mars/Base" in told(world)[0][2]


def test_rules_that_cannot_be_read_keep_no_alert_from_its_playbook(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    happens(world, "acme", "billing_failure", NOW)

    def broken(*_: object) -> None:
        raise RuntimeError("odd rules")

    monkeypatch.setattr(monitor, "load_rules", broken)
    found = look(world, NOW + HOUR)
    assert (found.failed, found.pending) == (1, True)
    assert told(world)[0][2] == "RuntimeError: odd rules"


def with_momentum(world: World) -> MonitorRepository:
    with world.store.write() as session:
        use_scorecard(session, world.organisation, "momentum")
    for key in ("acme", "bolt", "cara"):
        happens(world, key, "login", NOW - DAY)
    with world.store.write() as session:
        for row in session.exec(select(Metric)).all():
            session.delete(row)
    return MonitorRepository(world.store)


def measured(world: World) -> list[str]:
    with world.store.read() as session:
        return sorted(set(session.exec(select(Metric.customer_id)).all()))


def test_figures_are_written_for_a_while_and_the_next_call_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor, "FIGURES", 1)
    monkeypatch.setattr(monitor, "AT_A_TIME", 0)
    repository = with_momentum(world)
    call = MonitorCall(organisation=world.organisation, as_of=NOW)
    assert repository.look(call).figures_due
    assert repository.write_figures(call) == MonitorFigures(written=1, more=True)
    assert measured(world) == ["acme"]
    assert repository.look(call).figures_due, "it is not done yet"
    assert repository.write_figures(call) == MonitorFigures(written=1, more=True)
    assert measured(world) == ["acme", "bolt"], "none twice"
    tomorrow = call.model_copy(update={"as_of": NOW + DAY})
    assert repository.write_figures(tomorrow).written == 1
    with world.store.read() as session:
        assert session.get_one(MonitorState, world.organisation).figures_after == "acme", "a new day"
    assert repository.write_figures(tomorrow).more
    assert repository.write_figures(tomorrow).more
    assert repository.write_figures(tomorrow) == MonitorFigures()
    assert not repository.look(tomorrow).figures_due


def test_a_customer_whose_figures_fail_is_passed_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "AT_A_TIME", 0)
    repository = with_momentum(world)

    def poisoned(session: Session, card: Any, customers: Sequence[str], *others: Any) -> int:
        if "bolt" in customers:
            raise ValueError("odd")
        return write_day(session, card, customers, *others)

    monkeypatch.setattr(monitor, "write_day", poisoned)
    call = MonitorCall(organisation=world.organisation, as_of=NOW)
    assert repository.write_figures(call) == MonitorFigures(written=2, failed=1, more=True)
    assert repository.write_figures(call) == MonitorFigures()
    assert measured(world) == ["acme", "cara"]
    assert [customer for customer, _, _ in told(world)] == ["bolt"]
    assert not repository.look(call).figures_due, "the day is done; the others had to wait for nobody"


def test_a_look_at_very_much_leaves_room_for_what_is_urgent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor_silence, "PAGE", 2)
    monkeypatch.setattr(monitor, "AT_A_TIME", 0)
    for key in ("acme", "bolt", "cara"):
        happens(world, key, "login", NOW)
    repository = MonitorRepository(world.store)
    call = MonitorCall(organisation=world.organisation, as_of=NOW + 50 * HOUR)
    first = repository.look(call)
    assert (first.raised, first.more, first.pending) == (2, True, True)
    second = repository.look(call)
    assert (second.raised, second.more) == (1, False)


def test_who_is_not_active_is_no_failure(world: World) -> None:
    happens(world, "acme", "login", NOW)
    world.change(Customer, "acme", active=False)
    assert look(world, NOW + 50 * HOUR).failed == 0
