"""The names that are contracts.

They stand in histories, in the database and in what ops have written down. Renaming one breaks
interventions that run now: a workflow or an activity that nobody answers to blocks its run, a signal
that nobody handles is dropped, another id starts a second chain for the same customer. So a name here is
added, never changed. A new name goes into its list together with the code.
"""

from __future__ import annotations

import inspect
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import Client

import keepwell.db.tables as all_tables
from keepwell import keys
from keepwell.contracts.commands import KINDS
from keepwell.contracts.intervention import Outcome, StepState
from keepwell.db.engine import Store
from keepwell.settings import Settings
from keepwell.temporal.hand_over import SIGNAL
from keepwell.temporal.search_attribute_keys import ALL
from worker import Parts, compose

PLAYBOOK_WORKFLOWS = {
    "AtRiskPlaybook",
    "CriticalPlaybook",
    "EventPlaybook",
    "ExpansionPlaybook",
    "HighRiskPlaybook",
}
OTHER_WORKFLOWS = {
    "DailyScoring",
    "DeliverWebhook",
    "HandOverWebhooks",
    "MonitorRun",
    "PredictChurn",
    "RetrainChurn",
    "SweepTransitions",
}
ACTIVITIES = {
    "assign_owner",
    "begin_scoring",
    "call_webhook",
    "create_task",
    "end_intervention",
    "escalate",
    "finish_scoring",
    "give_up_webhook",
    "hand_over_alerts",
    "hand_over_opportunities",
    "hand_over_transitions",
    "hand_over_webhooks",
    "look_for_silence",
    "make_offer",
    "miss_step",
    "open_intervention",
    "predict_churn",
    "record_notes",
    "refuse_transition",
    "score_partition",
    "send_message",
    "settle_deliveries",
    "take_over",
    "tell_alerts",
    "tell_commands",
    "train_churn_model",
    "write_document",
    "write_momentum_figures",
}
SIGNALS = {
    "accept",
    "acknowledge",
    "cause_gone",
    "complete",
    "decline",
    "give_way",
    "hold",
    "look_again",
    "pause",
    "reassign",
    "release",
    "respond",
    "resume",
    "score_changed",
    "seen",
    "skip",
    "stop",
    "upgraded",
}
UPDATES = {"command"}
SEARCH_ATTRIBUTES = {
    "CustomerId": "Keyword",
    "HealthScore": "Double",
    "NextStepAt": "Datetime",
    "Organisation": "Keyword",
    "Outcome": "Keyword",
    "Owner": "Keyword",
    "Paused": "Bool",
    "Playbook": "Keyword",
    "RiskLevel": "Keyword",
    "Step": "Keyword",
}
TABLES = {
    "absence",
    "account",
    "alert",
    "alert_channel",
    "alert_rule",
    "api_key",
    "churn_model",
    "churn_prediction",
    "closed_day",
    "contact",
    "contact_preference",
    "customer",
    "delivery",
    "document",
    "draft",
    "engagement_event",
    "event",
    "health",
    "idempotent_answer",
    "in_app_notification",
    "inbound_message",
    "insight",
    "intervention",
    "intervention_step",
    "kill_switch",
    "known_browser",
    "live_change",
    "metric",
    "metric_latest",
    "monitor_state",
    "notice",
    "offer",
    "opportunity",
    "organisation",
    "outbox_message",
    "pending_command",
    "playbook_mode",
    "portfolio",
    "portfolio_day",
    "portfolio_metric_day",
    "provider_event",
    "saved_view",
    "score",
    "score_beside",
    "score_partition",
    "score_run",
    "scorecard",
    "scorecard_beside",
    "staff",
    "suppression",
    "task",
    "task_comment",
    "template",
    "transition",
    "watch",
    "web_session",
    "webhook_attempt",
    "webhook_delivery",
    "webhook_endpoint",
}
COMMANDS = {
    "accept",
    "acknowledge",
    "complete",
    "decline",
    "pause",
    "reassign",
    "respond",
    "resume",
    "seen",
    "skip",
    "stop",
    "upgraded",
}
OUTCOMES = {"accepted", "completed", "converted", "failed", "recovered", "responded", "stopped", "superseded"}
STEP_STATES = {"cancelled", "deferred", "done", "held", "missed", "planned", "skipped"}

_TYPES = {2: "Keyword", 4: "Double", 5: "Bool", 6: "Datetime"}


@pytest.fixture
async def parts(tmp_path: Path, sqlite_store: Store) -> Parts:
    """The production parts, as a worker gets them; the client reaches no server."""
    client = await Client.connect("127.0.0.1:1", lazy=True)
    return compose(Settings(home=tmp_path), sqlite_store, client)


def _workflow(cls: type) -> Any:
    return workflow._Definition.must_from_class(cls)


def _activity_names(parts: Parts) -> list[str]:
    return [getattr(one, "__temporal_activity_definition").name for one in parts.activities]


async def test_workflow_types(parts: Parts) -> None:
    assert {*parts.playbooks.workflows} == PLAYBOOK_WORKFLOWS
    assert {_workflow(cls).name for cls in parts.workflows} == PLAYBOOK_WORKFLOWS | OTHER_WORKFLOWS


async def test_activities(parts: Parts) -> None:
    names = _activity_names(parts)
    assert {*names} == ACTIVITIES
    assert len(names) == len(ACTIVITIES)


async def test_signals_and_updates_of_every_playbook(parts: Parts) -> None:
    for cls in parts.playbooks.workflows.values():
        definition = _workflow(cls)
        assert {*definition.signals} == SIGNALS
        assert {*definition.updates} == UPDATES
    assert SIGNAL in SIGNALS


def test_search_attributes() -> None:
    assert {key.name: _TYPES[int(key.indexed_value_type)] for key in ALL} == SEARCH_ATTRIBUTES


def test_tables() -> None:
    assert {getattr(all_tables, name).__tablename__ for name in all_tables.__all__} == TABLES


def test_commands_outcomes_and_states_as_the_database_holds_them() -> None:
    assert {*KINDS} == COMMANDS
    assert COMMANDS <= SIGNALS
    assert {*Outcome} == OUTCOMES
    assert {*StepState} == STEP_STATES


def test_ids_and_keys() -> None:
    assert keys.risk_workflow_id("ORG", "CUS") == "risk/ORG/CUS"
    assert keys.expansion_workflow_id("ORG", "CUS") == "expansion/ORG/CUS"
    assert keys.event_workflow_id("ORG", "CUS", "re_engagement") == "event/ORG/CUS/re_engagement"
    assert keys.daily_workflow_id("ORG", "RUN") == "daily/ORG/RUN"
    assert keys.daily_schedule_id("ORG") == "daily/ORG"
    assert keys.sweep_schedule_id("ORG") == "sweep/ORG"
    assert keys.monitor_schedule_id("ORG") == "monitor/ORG"
    assert keys.webhooks_schedule_id("ORG") == "webhooks/ORG"
    assert keys.webhook_workflow_id("ORG", "DEL") == "webhook/ORG/DEL"
    assert keys.churn_schedule_id("ORG") == "churn/ORG"
    assert keys.churn_nightly_schedule_id("ORG") == "churn-nightly/ORG"
    assert keys.delivery_key("ORG", "INT", "critical@1", "hello", "CON", "email") == (
        "ORG/INT/critical@1/hello/CON/email"
    )
    assert keys.step_key("INT", "hello") == "INT/hello"
    assert keys.takeover_start("START", 2) == "START.2"
    assert keys.score_run_id(date(2026, 11, 2), "abc") == "2026-11-02/abc"


async def test_every_workflow_and_activity_says_what_it_does(parts: Parts) -> None:
    named: list[tuple[str, object]] = [(one.__name__, one) for one in parts.activities]
    for cls in parts.workflows:
        named += [(cls.__name__, cls), (f"{cls.__name__}.run", _workflow(cls).run_fn)]
    silent = [name for name, one in named if not inspect.getdoc(one)]
    assert not silent, f"these have no docstring: {', '.join(silent)}"
