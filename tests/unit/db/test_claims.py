"""The claim of a transition: decided once, with the reason, on both engines."""

from __future__ import annotations

from datetime import datetime

import pytest

from keepwell.contracts.intervention import (
    Ending,
    NotOpened,
    Opened,
    OpenRequest,
    Outcome,
    Refusal,
    ScoreChange,
)
from keepwell.db.engine import Store
from keepwell.db.repositories.interventions import InterventionRepository
from keepwell.db.tables import Customer, Intervention, Transition
from scoring.levels import Level
from tests.unit.db.world import DAY, NOW, World
from workflows.at_risk import AT_RISK
from workflows.critical import CRITICAL


@pytest.fixture
def world(store: Store) -> World:
    opened = World(store)
    opened.staff("dana")
    opened.customer("acme", owner_id="dana")
    opened.score("acme", 72, NOW - 3 * DAY)
    return opened


def fall(world: World, points: float, at: datetime) -> OpenRequest:
    """The customer's newest transition as a request to open the critical playbook."""
    world.score("acme", points, at)
    row = world.transitions("acme")[-1]
    change = ScoreChange(
        transition=row.id,
        sequence=row.sequence,
        level=Level(row.level),
        previous=None,
        score=row.score,
        at=at,
    )
    return OpenRequest(
        organisation=world.organisation,
        customer="acme",
        start=f"start-{row.sequence}",
        change=change,
        playbook=CRITICAL,
        workflow_id="w",
        now=at,
    )


def row_of(world: World, request: OpenRequest) -> Transition:
    return next(row for row in world.transitions("acme") if row.id == change_of(request).transition)


def change_of(request: OpenRequest) -> ScoreChange:
    assert request.change is not None
    return request.change


def test_the_same_start_gets_its_intervention_again_and_another_start_does_not(world: World) -> None:
    interventions, request = InterventionRepository(world.store), fall(world, 12, NOW)
    first = interventions.open(request)
    assert isinstance(first, Opened)
    assert interventions.open(request) == first
    other = interventions.open(request.model_copy(update={"start": "another"}))
    assert isinstance(other, NotOpened)
    assert first.intervention in other.reason


def test_a_refusal_stands_and_a_start_cannot_be_refused(world: World) -> None:
    interventions, request = InterventionRepository(world.store), fall(world, 12, NOW)
    refusal = Refusal(
        organisation=world.organisation,
        transition=change_of(request).transition,
        code="no_playbook",
        reason="There is none",
        now=NOW,
    )
    interventions.refuse(refusal)
    assert interventions.open(request) == NotOpened(reason="There is none")
    interventions.refuse(refusal.model_copy(update={"reason": "Something else"}))
    assert row_of(world, request).reason == "There is none"


@pytest.mark.parametrize(("days", "opens"), [(29, False), (31, True)])
def test_the_cooldown_counts_from_the_end(world: World, days: int, opens: bool) -> None:
    interventions, first = InterventionRepository(world.store), fall(world, 12, NOW)
    opened = interventions.open(first)
    assert isinstance(opened, Opened)
    ending = Ending(
        organisation=world.organisation,
        customer="acme",
        intervention=opened.intervention,
        outcome=Outcome.COMPLETED,
        why="over",
        by="engine",
        now=NOW,
    )
    interventions.end(ending, None)
    for day in (1, 2):
        world.score("acme", 72, NOW + day * DAY)
    again = interventions.open(fall(world, 12, NOW + days * DAY))
    assert isinstance(again, Opened) is opens


def test_an_intervention_that_a_dead_run_left_open_ends_as_failed(world: World) -> None:
    interventions = InterventionRepository(world.store)
    first = interventions.open(fall(world, 50, NOW).model_copy(update={"playbook": AT_RISK}))
    second = interventions.open(fall(world, 12, NOW + DAY))
    assert isinstance(first, Opened)
    assert isinstance(second, Opened)
    with world.store.read() as session:
        left = session.get_one(Intervention, first.intervention)
    assert left.outcome == Outcome.FAILED
    assert "terminated" in left.outcome_why


def test_a_customer_who_is_not_active_gets_no_playbook(world: World) -> None:
    interventions, request = InterventionRepository(world.store), fall(world, 12, NOW)
    world.change(Customer, "acme", active=False)
    assert isinstance(interventions.open(request), NotOpened)
    assert row_of(world, request).code == "not_active"
