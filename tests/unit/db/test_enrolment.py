"""Enrolment: who may be enrolled, who not and why, and the transitions it writes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from keepwell.contracts.scoring import Candidate
from keepwell.db.engine import Store
from keepwell.db.repositories import enrolment
from keepwell.db.repositories.enrolment import candidates, enrol
from keepwell.db.repositories.transitions import TransitionRepository
from keepwell.db.tables import Customer, Transition
from keepwell.errors import InputError, NotFoundError, RefusedError
from scoring.levels import Level
from tests.unit.db.world import DAY, NOW, World


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def listed(world: World, limit: int = 10) -> tuple[Candidate, ...]:
    month = timedelta(days=30)
    return candidates(
        world.store, "brightdesk", Level.CRITICAL, limit, NOW, playbook="critical", cooldown=month
    )


def test_the_worst_score_comes_first_then_the_greatest_revenue(world: World) -> None:
    for name, points, revenue in (("a", 15, 10.0), ("b", 5, 1.0), ("c", 5, 900.0), ("d", 5, None)):
        world.customer(name, monthly_revenue=revenue)
        world.score(name, points, NOW - DAY)
    world.customer("fine")
    world.score("fine", 70, NOW - DAY)
    world.customer("gone")
    world.score("gone", 1, NOW - DAY)
    world.change(Customer, "gone", active=False)
    world.customer("unscored")
    found = listed(world)
    assert [candidate.customer for candidate in found] == ["c", "b", "d", "a"]
    assert found[0].model_dump() == {
        "customer": "c",
        "external_id": "c",
        "name": "C",
        "level": Level.CRITICAL,
        "score": pytest.approx(5),
        "since": NOW - DAY,
        "monthly_revenue": 900.0,
        "currency": "USD",
        "refusal": "",
    }
    assert [candidate.customer for candidate in listed(world, 2)] == ["c", "b"]


def test_refusals_say_why_and_do_not_count(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enrolment, "PAGE", 2)
    for points, name in enumerate(("open", "cool", "over", "taken", "other", "waits", "last"), start=1):
        world.customer(name)
        world.score(name, points, NOW - 90 * DAY)
    ended = {"outcome": "completed", "ended_at": NOW - 10 * DAY}
    world.intervention("i-open", "open", started_at=NOW - DAY)
    world.intervention("i-cool", "cool", **ended)
    world.intervention("i-over", "over", outcome="completed", ended_at=NOW - 30 * DAY)
    world.intervention("i-taken", "taken", outcome="superseded", ended_at=NOW - DAY)
    world.intervention("i-other", "other", **ended, playbook="at_risk")
    enrol(world.store, world.organisation, ["waits"], NOW, "Ada")
    found = listed(world)
    assert {candidate.customer: candidate.refusal for candidate in found} == {
        "open": "critical is running since 2026-11-20",
        "cool": "critical ended on 2026-11-11 and may begin again on 2026-12-11",
        "over": "",
        "taken": "",
        "other": "",
        "waits": "a level change is about to be handed over",
        "last": "",
    }
    assert [candidate.customer for candidate in listed(world, 3)] == [
        "open",
        "cool",
        "over",
        "taken",
        "other",
    ]


def test_candidates_refuse_a_limit_of_nothing_and_strangers(world: World) -> None:
    with pytest.raises(InputError, match="at least 1"):
        listed(world, 0)
    with pytest.raises(NotFoundError, match="nobody"):
        candidates(world.store, "nobody", Level.CRITICAL, 1, NOW, playbook="critical", cooldown=DAY)
    assert listed(world) == ()


def test_enrol_writes_transitions_at_the_held_level(world: World) -> None:
    for name in ("a", "b"):
        world.customer(name)
        world.score(name, 70, NOW - 2 * DAY)
        world.score(name, 12, NOW - DAY)
    ids = enrol(world.store, "brightdesk", ["b", "a", "b"], NOW, "Ada")
    assert len(ids) == 2
    row = world.transitions("b")[-1]
    assert row.id == ids[0]
    assert (row.kind, row.previous, row.level, row.sequence) == ("enrolment", "CRITICAL", "CRITICAL", 2)
    assert (row.by, row.at, row.score_id) == ("Ada", NOW, world.scores("b")[-1].id)
    assert row.score == pytest.approx(12)
    assert world.health("b").sequence == 2
    assert TransitionRepository(world.store).get(ids[1]).newest == 2


def test_enrolling_again_keeps_what_is_not_decided_yet(world: World) -> None:
    world.customer("a")
    world.score("a", 12, NOW - DAY)
    (first,) = enrol(world.store, world.organisation, ["a"], NOW, "Ada")
    assert enrol(world.store, world.organisation, ["a"], NOW, "Ada") == (first,)
    world.change(Transition, first, decision="refused")
    (second,) = enrol(world.store, world.organisation, ["a"], NOW, "Ada")
    assert second != first
    assert [row.sequence for row in world.transitions("a")] == [1, 2]


def test_the_next_change_comes_after_the_enrolment(world: World) -> None:
    world.customer("a")
    world.score("a", 30, NOW - DAY)
    enrol(world.store, world.organisation, ["a"], NOW - DAY, "Ada")
    world.score("a", 10, NOW)
    assert [(row.kind, row.sequence) for row in world.transitions("a")] == [("enrolment", 1), ("change", 2)]


def test_enrol_refuses_and_writes_nothing(world: World) -> None:
    world.customer("a")
    world.score("a", 12, NOW - DAY)
    world.customer("unscored")
    world.customer("gone", active=False)
    for stranger, error in (("nobody", NotFoundError), ("unscored", RefusedError), ("gone", RefusedError)):
        with pytest.raises(error, match="nobody was enrolled"):
            enrol(world.store, world.organisation, ["a", stranger], NOW, "Ada")
    assert world.transitions("a") == []
    assert enrol(world.store, world.organisation, [], NOW, "Ada") == ()
