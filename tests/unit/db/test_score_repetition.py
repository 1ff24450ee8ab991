"""Runs that are repeated, interrupted, shifted or doubled: everybody is scored once, nothing twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select

from keepwell.contracts.scoring import PartitionResult, ScoreRequest
from keepwell.db.engine import Store
from keepwell.db.repositories.scores import ScoreRepository
from keepwell.db.tables import Customer, ScorePartition
from tests.unit.db.world import DAY, NOW, World, calls_of, run_all


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def test_a_partition_tried_again_writes_nothing_twice(world: World) -> None:
    for number in range(4):
        world.customer(f"c{number}")
        world.score(f"c{number}", 70, NOW - DAY)
        world.at_points(f"c{number}", 10, NOW)
    plan, results = run_all(world, size=2)
    repository = ScoreRepository(world.store, 2)
    assert [repository.score_partition(call) for call in calls_of(plan)] == results
    again, repeated = run_all(world, NOW + timedelta(hours=1), size=2)
    assert (again, repeated) == (plan, results)
    assert [len(world.scores(f"c{number}")) for number in range(4)] == [2, 2, 2, 2]
    assert [len(world.transitions(f"c{number}")) for number in range(4)] == [1, 1, 1, 1]


def test_a_crash_in_the_transaction_leaves_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.customer("c0")
    world.at_points("c0", 70)
    repository = ScoreRepository(world.store)
    (call,) = calls_of(repository.begin_run(ScoreRequest(organisation=world.organisation), NOW))
    with monkeypatch.context() as patch:

        def crash(*_: object) -> PartitionResult:
            raise RuntimeError("power cut")

        patch.setattr("keepwell.db.repositories.scores._add_up", crash)
        with pytest.raises(RuntimeError, match="power cut"):
            repository.score_partition(call)
    assert world.scores("c0") == []
    assert repository.score_partition(call).scored == 1


def test_shifted_ranges_still_cover_everybody_once(world: World) -> None:
    names = [f"c{number}" for number in range(6)]
    for name in names:
        world.customer(name)
        world.at_points(name, 70)
    repository = ScoreRepository(world.store, 2)
    plan = repository.begin_run(ScoreRequest(organisation=world.organisation), NOW)
    first, _, third = calls_of(plan)
    repository.score_partition(first)
    repository.score_partition(third)
    # One leaves and one comes in the middle, so the ranges of the repetition are others.
    world.change(Customer, "c1", active=False)
    world.customer("c2b")
    world.at_points("c2b", 70)
    again, results = run_all(world, size=2)
    assert again.run == plan.run
    assert again.partitions != plan.partitions
    assert [len(world.scores(name)) for name in [*names, "c2b"]] == [1] * 7
    assert sum(result.scored for result in results) == 7
    assert repository.finish_run(again, NOW).customers == 7


def test_rows_beyond_the_new_ranges_are_still_counted(world: World) -> None:
    for number in range(4):
        world.customer(f"c{number}")
        world.at_points(f"c{number}", 70)
    run_all(world, size=2)
    world.change(Customer, "c0", active=False)
    world.change(Customer, "c1", active=False)
    plan, results = run_all(world, size=2)
    assert [(part.number, part.first, part.last) for part in plan.partitions] == [
        (0, "c2", "c3"),
        (1, "", ""),
    ]
    assert sum(result.scored for result in results) == 4


def test_two_scorings_at_once_make_one_transition(world: World) -> None:
    names = [f"c{number}" for number in range(20)]
    for name in names:
        world.customer(name)
        world.score(name, 70, NOW - DAY)
        world.at_points(name, 10)
    world.customer("new")
    world.at_points("new", 10)

    def go(again: str) -> int:
        return sum(result.transitions for result in run_all(world, size=50, again=again)[1])

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(go, ("", "two", "three", "four")))
    assert sum(made) == 20
    assert [len(world.transitions(name)) for name in names] == [1] * 20
    assert [row.baseline for row in world.scores("new")].count(True) == 1


def test_the_same_partition_twice_at_once_is_scored_once(world: World) -> None:
    for number in range(30):
        world.customer(f"c{number}")
        world.at_points(f"c{number}", 70)
    repository = ScoreRepository(world.store, 50)
    (call,) = calls_of(repository.begin_run(ScoreRequest(organisation=world.organisation), NOW))
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(repository.score_partition, [call] * 4))
    assert [result.scored for result in results] == [30] * 4
    with world.store.read() as session:
        assert [row.scored for row in session.exec(select(ScorePartition)).all()] == [30]
