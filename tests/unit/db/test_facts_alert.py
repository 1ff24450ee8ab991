"""The figures of an alert as messages put them: from its evidence, and left out where that says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from keepwell.contracts.intervention import StepCall
from keepwell.contracts.rendering import AlertFigures
from keepwell.db.engine import Store
from keepwell.db.repositories.facts import Facts
from keepwell.db.tables import Alert, AlertRule, Intervention
from scoring.signal import Trigger
from tests.unit.db.world import DAY, NOW, World
from workflows.event_letters import RE_ENGAGEMENT


def figures(world: World, trigger: Trigger, evidence: Mapping[str, Any]) -> AlertFigures | None:
    """The figures of an alert that opened an intervention."""
    world.customer("acme")
    world.score("acme", 72, NOW - DAY)
    world.intervention("one", "acme", family="event", playbook="re_engagement")
    world.add(
        Alert(
            id="alert-1",
            organisation_id=world.organisation,
            customer_id="acme",
            key="k",
            trigger=trigger.value,
            severity="critical",
            words="something happened",
            evidence=dict(evidence),
            raised_at=NOW,
            due_at=NOW,
        )
    )
    world.change(Intervention, "one", alert_id="alert-1")
    call = StepCall(
        organisation=world.organisation,
        customer="acme",
        intervention="one",
        playbook="re_engagement@1",
        step=RE_ENGAGEMENT.steps[0],
        templates={},
        now=NOW,
    )
    return Facts(world.store).context(call, uses=frozenset({"alert"})).alert


@pytest.mark.parametrize(
    ("trigger", "evidence", "expected"),
    [
        (
            Trigger.USAGE_FALL,
            {"before": 25.0, "now": 12.0, "fall": 52.0},
            {"before": "25 %", "now": "12 %", "fell": "52 %"},
        ),
        (Trigger.CRITICAL_HEALTH, {"before": 31.44, "now": 17.2}, {"before": "31.4", "now": "17.2"}),
        (
            Trigger.BILLING_FAILURE,
            {"amount": 1240, "currency": "EUR", "invoice": 1107, "reason": "card_expired"},
            {"amount": "€1,240", "invoice": "1107", "reason": "card expired"},
        ),
        (
            Trigger.BILLING_FAILURE,
            {"amount": "12.5", "at": "2026-11-20T23:30:00+00:00"},
            {"amount": "$12.50"},
        ),
        (
            Trigger.FEATURE_UNUSED,
            {"feature": "shared_inbox", "days": 8.4, "since": "2026-11-13T08:00:00+00:00"},
            {"feature": "shared inbox", "days": 8, "since": date(2026, 11, 13)},
        ),
        (Trigger.ZERO_ACTIVITY, {"hours": 73.5}, {"days": 3, "since": None}),
        (Trigger.TASK_STALLED, {"task": "Connect", "hours": 72.0}, {"task": "Connect", "days": 3}),
        (
            Trigger.BILLING_FAILURE,
            {"amount": "a lot", "at": "yesterday", "reason": None, "invoice": True},
            {"amount": "", "since": None, "reason": "", "invoice": ""},
        ),
        (Trigger.USAGE_FALL, {"before": "nan", "now": 12.0}, {"before": "", "now": "", "fell": ""}),
    ],
)
def test_figures_are_written_out(
    sqlite_store: Store, trigger: Trigger, evidence: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = figures(World(sqlite_store), trigger, evidence)
    assert found is not None
    assert {name: getattr(found, name) for name in expected} == expected
    assert found.words == "something happened"
    assert found.risk == ""


def test_usage_is_the_metric_that_the_organisation_chose(sqlite_store: Store) -> None:
    world = World(sqlite_store)
    row = AlertRule(organisation_id=world.organisation, trigger="usage_fall", subject="metric")
    row.words = "feature_adoption_depth"
    world.add(row)
    found = figures(world, Trigger.USAGE_FALL, {"before": 60.0, "now": 20.0, "fall": 66.7})
    assert found is not None
    assert found.figure
    assert found.figure != "share of users active on a working day"


def test_an_intervention_that_no_alert_opened_has_none(sqlite_store: Store) -> None:
    world = World(sqlite_store)
    assert figures(world, Trigger.USAGE_FALL, {}) is not None
    world.change(Intervention, "one", alert_id=None)
    call = StepCall(
        organisation=world.organisation,
        customer="acme",
        intervention="one",
        playbook="re_engagement@1",
        step=RE_ENGAGEMENT.steps[0],
        templates={},
        now=NOW,
    )
    assert Facts(world.store).context(call, uses=frozenset({"alert"})).alert is None
