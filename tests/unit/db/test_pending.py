"""Commands from outside: kept once, told in their order, tried again later."""

from __future__ import annotations

from datetime import timedelta

from keepwell.contracts.commands import Acknowledge
from keepwell.db.engine import Store
from keepwell.db.repositories import pending
from keepwell.db.tables import Intervention, PendingCommand
from tests.unit.db.world import NOW, World


def keep(store: Store, key: str) -> bool:
    with store.write() as session:
        row = session.get_one(Intervention, "one")
        command = Acknowledge(id=key, intervention="one", by="dana")
        return pending.put(session, row, key=key, source="slack", by="dana", command=command, now=NOW)


def keys_due(store: Store, after: timedelta = timedelta()) -> list[str]:
    with store.read() as session:
        return [row.id for row in pending.due(session, NOW + after)]


def test_a_command_is_kept_once_and_told_once(store: Store) -> None:
    world = World(store)
    world.customer("acme")
    world.score("acme", 12, NOW)
    world.intervention("one", "acme")
    assert (keep(store, "click-1"), keep(store, "click-1"), keep(store, "click-2")) == (True, False, True)
    assert keys_due(store) == ["click-1", "click-2"]
    with store.write() as session:
        pending.settle(session, "click-1", "told", "Acknowledged", NOW)
    assert keep(store, "click-1") is False
    assert keys_due(store) == ["click-2"]


def test_one_that_could_not_be_told_rests_longer_each_time_and_is_never_given_up(store: Store) -> None:
    world = World(store)
    world.customer("acme")
    world.score("acme", 12, NOW)
    world.intervention("one", "acme")
    keep(store, "click-1")
    for rest in (*pending.RESTS, pending.RESTS[-1], pending.RESTS[-1]):
        with store.write() as session:
            pending.rest(session, "click-1", "no server answers", NOW)
        assert keys_due(store, rest - timedelta(seconds=1)) == []
        assert keys_due(store, rest) == ["click-1"]
    with store.read() as session:
        row = session.get_one(PendingCommand, "click-1")
        assert (row.tries, row.state, row.why) == (6, "waiting", "no server answers")
