"""The claim of an alert by an event playbook's run: decided once, with the reason, on both engines."""

from __future__ import annotations

import pytest

from keepwell.contracts.alerts import AlertSeverity, Trigger
from keepwell.contracts.intervention import AlertCause, Ending, NotOpened, Opened, OpenRequest, Outcome
from keepwell.db.engine import Store
from keepwell.db.repositories.alerts import raise_alert
from keepwell.db.repositories.event_alerts import EventAlertRepository
from keepwell.db.repositories.interventions import InterventionRepository
from keepwell.db.tables import Alert, Customer, Intervention
from scoring import triggers
from scoring.levels import Level
from tests.unit.db.world import NOW, World
from workflows.event_letters import ZERO_ACTIVITY


@pytest.fixture
def world(store: Store) -> World:
    made = World(store)
    made.staff("dana")
    made.customer("acme", owner_id="dana")
    return made


def silent(world: World, occurrence: str = "1") -> OpenRequest:
    """An alert of three silent days as a request to open its playbook."""
    found = triggers.silence(80)
    assert found is not None
    with world.store.write() as session:
        alert = raise_alert(session, session.get_one(Customer, "acme"), found, occurrence, NOW)
    return OpenRequest(
        organisation=world.organisation,
        customer="acme",
        start=f"start-{occurrence}",
        alert=AlertCause(
            id=alert,
            trigger=Trigger(found.trigger),
            severity=AlertSeverity(found.severity),
            words=found.words,
            level=Level.HEALTHY,
            score=72.0,
            at=NOW,
            due_at=NOW,
        ),
        playbook=ZERO_ACTIVITY,
        workflow_id="w",
        now=NOW,
    )


def row_of(world: World, request: OpenRequest) -> Alert:
    assert request.alert is not None
    with world.store.read() as session:
        return session.get_one(Alert, request.alert.id)


def end(world: World, intervention: str) -> None:
    ending = Ending(
        organisation=world.organisation,
        customer="acme",
        intervention=intervention,
        outcome=Outcome.COMPLETED,
        why="all steps are done",
        by="engine",
        now=NOW,
    )
    InterventionRepository(world.store).end(ending, None)


def test_the_same_start_gets_its_intervention_again_and_another_start_does_not(world: World) -> None:
    interventions, request = InterventionRepository(world.store), silent(world)
    first = interventions.open(request)
    assert isinstance(first, Opened)
    assert interventions.open(request) == first
    other = interventions.open(request.model_copy(update={"start": "another"}))
    assert isinstance(other, NotOpened)
    assert first.intervention in other.reason
    assert row_of(world, request).intervention_id == first.intervention
    with world.store.read() as session:
        assert session.get_one(Intervention, first.intervention).start == "start-1"


def test_a_start_whose_intervention_has_ended_does_not_begin_it_again(world: World) -> None:
    interventions, request = InterventionRepository(world.store), silent(world)
    first = interventions.open(request)
    assert isinstance(first, Opened)
    end(world, first.intervention)
    wanted = f"Intervention {first.intervention} has ended: all steps are done"
    assert interventions.open(request) == NotOpened(reason=wanted)


def test_a_refusal_stands(world: World) -> None:
    interventions, request = InterventionRepository(world.store), silent(world)
    world.change(Customer, "acme", active=False)
    refused = interventions.open(request)
    assert refused == NotOpened(reason="The customer is not active any more")
    world.change(Customer, "acme", active=True)
    assert interventions.open(request) == refused
    assert (row_of(world, request).decision, row_of(world, request).intervention_id) == ("refused", None)


def test_what_is_decided_is_not_handed_over_again(world: World) -> None:
    alerts, request = EventAlertRepository(world.store), silent(world)
    alert = row_of(world, request).id
    assert alerts.trigger_of(alert) is Trigger.ZERO_ACTIVITY
    admitted = alerts.admit(alert, ZERO_ACTIVITY, NOW)
    assert admitted is not None
    assert (admitted.customer, admitted.cause.id, admitted.cause.score) == ("acme", alert, None)
    assert isinstance(InterventionRepository(world.store).open(request), Opened)
    assert alerts.trigger_of(alert) is None
    assert alerts.admit(alert, ZERO_ACTIVITY, NOW) is None
    assert alerts.trigger_of("nothing") is None
