"""Alerts that cannot be handed over rest, so that they block nobody, and say so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from keepwell.contracts.alerts import MonitorCall
from keepwell.db.engine import Store
from keepwell.db.repositories import monitor
from keepwell.db.repositories.alerts import escalate_alert, raise_alert
from keepwell.db.repositories.monitor import MonitorRepository
from keepwell.db.repositories.views_alerts import alerts as shown
from keepwell.db.tables import Alert, Customer, Event
from scoring import triggers
from tests.unit.db.test_monitor import HOUR, NOW, alerts
from tests.unit.db.world import World

MINUTE = timedelta(minutes=1)


@pytest.fixture
def world(store: Store) -> World:
    """One customer."""
    made = World(store)
    made.customer("acme")
    return made


def raised(world: World, number: int) -> str:
    found = triggers.silence(50)
    assert found is not None
    with world.store.write() as session:
        return raise_alert(session, session.get_one(Customer, "acme"), found, str(number), NOW)


def call(world: World, after: timedelta = timedelta()) -> MonitorCall:
    return MonitorCall(organisation=world.organisation, as_of=NOW + after)


def test_however_many_are_poisoned_those_behind_them_have_their_turn(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor, "HANDED_AT_ONCE", 2)
    poisoned = tuple(raised(world, number) for number in range(4))
    sound = raised(world, 4)
    repository = MonitorRepository(world.store)
    assert repository.undecided(call(world)) == poisoned[:2]
    for page in (poisoned[:2], poisoned[2:]):
        repository.put_off(call(world), dict.fromkeys(page, "ValueError: odd"))
    assert repository.undecided(call(world, MINUTE)) == (sound,), "the next pass does not meet them again"
    assert repository.undecided(call(world, 2 * MINUTE)) == poisoned[:2], "they are not given up"
    assert repository.undecided_of("acme") == (*poisoned, sound), "who asks for one does not wait"


def test_it_rests_longer_each_time_and_says_why(world: World) -> None:
    alert = raised(world, 0)
    repository, at = MonitorRepository(world.store), timedelta()
    for rest in (2, 4, 8, 15, 15):
        assert repository.undecided(call(world, at)) == (alert,)
        repository.put_off(call(world, at), {alert: "ValueError: odd"})
        assert repository.undecided(call(world, at + (rest - 0.1) * MINUTE)) == ()
        assert not repository.look(call(world, at)).pending, "nothing waits for the hand-over now"
        at += rest * MINUTE
    with world.store.read() as session:
        (line,) = shown(session, world.organisation, NOW).alerts
        told = session.exec(select(Event).where(Event.kind == "alert.not_handed_over")).all()
    assert (line.decision, line.reason) == ("", "The hand-over has failed 5 times, last with ValueError: odd")
    assert [(row.customer_id, row.why) for row in told] == [("acme", "ValueError: odd")]


def test_one_that_grows_graver_is_tried_at_once(world: World) -> None:
    alert = raised(world, 0)
    repository = MonitorRepository(world.store)
    repository.put_off(call(world), {alert: "ValueError: odd"})
    found = triggers.silence(80)
    assert found is not None
    with world.store.write() as session:
        escalate_alert(session, session.get_one(Alert, alert), found, NOW)
    assert repository.undecided(call(world)) == (alert,)
    assert alerts(world)[0].reason == ""


def test_one_that_was_decided_meanwhile_is_left_alone(world: World) -> None:
    alert = raised(world, 0)
    world.change(Alert, alert, decision="refused", reason="It runs already")
    MonitorRepository(world.store).put_off(call(world, HOUR), {alert: "ValueError: odd"})
    assert (alerts(world)[0].reason, alerts(world)[0].tries) == ("It runs already", 0)
