"""Event playbooks as data: which triggers have one, what they may not be, and how they wait."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from keepwell.contracts.alerts import Trigger
from keepwell.contracts.playbook import CONTACTS, Playbook, Send
from keepwell.playbooks import BUILT_IN, PlaybookRegistry
from keepwell.temporal.events import when_due
from scoring.levels import Level
from tests.unit.db.world import NOW
from workflows.event import EXECUTIVE_NOTIFICATION, PRIORITY_SUPPORT
from workflows.event_letters import FEATURE_TUTORIAL, RE_ENGAGEMENT, ZERO_ACTIVITY

REGISTRY = PlaybookRegistry(BUILT_IN)
EVENTS = [one for one in REGISTRY.playbooks.values() if one.family == "event"]
HOUR = timedelta(hours=1)


def test_each_trigger_that_asks_for_it_has_its_playbook() -> None:
    found = {trigger: REGISTRY.for_trigger(trigger) for trigger in Trigger}
    assert {trigger.value: one.name if one else "" for trigger, one in found.items()} == {
        "critical_health": "executive_notification",
        "usage_fall": "re_engagement",
        "billing_failure": "priority_support",
        "feature_unused": "feature_tutorial",
        "inactivity": "momentum_nudge",
        "zero_activity": "zero_activity",
        "task_stalled": "momentum_nudge",
        "score_drop": "",
        "churn_risk": "",
        "category_threshold": "",
        "deadline_missed": "",
    }


def test_what_is_promised_stands_in_the_playbooks() -> None:
    """Within 1 hour, at once, within 2 hours: as deadlines of the steps that keep them."""
    told = EXECUTIVE_NOTIFICATION.steps
    assert [(step.at, step.within) for step in told] == [(timedelta(), HOUR)] * 2
    first = RE_ENGAGEMENT.step("usage_email")
    assert first is not None
    assert first.at == timedelta()
    task = PRIORITY_SUPPORT.step("fix_payment")
    assert task is not None
    assert task.kind == "task"
    assert (task.at, task.due) == (timedelta(), 2 * HOUR)
    assert FEATURE_TUTORIAL.when_due


@pytest.mark.parametrize("playbook", EVENTS, ids=lambda one: one.name)
def test_what_runs_beside_a_risk_playbook_is_for_the_staff_first(playbook: Playbook) -> None:
    first = next(step for step in playbook.steps if isinstance(step, Send))
    letters = [step for step in playbook.steps if isinstance(step, Send) and step.to in CONTACTS]
    assert playbook.speaks is not playbook.beside_risk
    if playbook.speaks:
        assert letters
    else:
        assert first.to not in CONTACTS


def test_a_delayed_playbook_is_the_same_with_everything_later() -> None:
    later = ZERO_ACTIVITY.delayed(15 * HOUR)
    assert later.label == ZERO_ACTIVITY.label
    assert [step.at - 15 * HOUR for step in later.steps] == [step.at for step in ZERO_ACTIVITY.steps]
    assert later.closes_at == ZERO_ACTIVITY.closes_at + 15 * HOUR
    assert Playbook.model_validate(later.model_dump(mode="json")) == later
    assert ZERO_ACTIVITY.steps[0].at == timedelta(), "the playbook itself stays as it is"


@pytest.mark.parametrize(
    ("left", "begins"),
    [
        (timedelta(), timedelta()),
        (-HOUR, timedelta()),
        (timedelta(seconds=1), timedelta(minutes=5)),
        (HOUR, HOUR),
        (HOUR + timedelta(minutes=2), HOUR + timedelta(minutes=5)),
    ],
)
def test_it_begins_when_it_is_due_and_never_earlier(left: timedelta, begins: timedelta) -> None:
    assert when_due(FEATURE_TUTORIAL, NOW + left, NOW).steps[0].at == begins
    assert when_due(PRIORITY_SUPPORT, NOW + left, NOW) == PRIORITY_SUPPORT, "a deadline, not a beginning"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"level": Level.AT_RISK}, "either the level it is for, or the signal, or the triggers"),
        ({"triggers": ()}, "either the level it is for, or the signal, or the triggers"),
        ({"triggers": (), "level": Level.AT_RISK, "when_due": True}, "when_due and beside_risk are for"),
        ({"triggers": ("no_such_trigger",)}, "Input should be"),
    ],
)
def test_one_that_does_not_hang_together_is_refused(values: dict[str, object], words: str) -> None:
    data = {**RE_ENGAGEMENT.model_dump(), **values}
    with pytest.raises(ValidationError, match=words):
        Playbook.model_validate(data)
