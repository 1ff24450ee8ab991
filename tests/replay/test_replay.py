"""Recorded histories replay with today's workflow code, whatever version of it recorded them.

Histories are added, never replaced: KEEPWELL_RECORD_HISTORIES=2027-01 pytest tests/workflows/test_golden.py,
and the other tests that call `record` (tests/workflows/recording.py).
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from keepwell.contracts.intervention import ENGINE_NOW
from keepwell.playbooks import BUILT_IN, PlaybookRegistry
from keepwell.temporal.converter import DATA_CONVERTER
from keepwell.temporal.sandbox import sandbox
from tests.workflows.scenarios import SCENARIOS
from worker import OTHER_WORKFLOWS
from workflows import chain, policies

HISTORIES = Path(__file__).parent / "histories"
FILES = sorted(HISTORIES.rglob("*.json"))
WORKFLOWS = [*PlaybookRegistry(BUILT_IN).workflows.values(), *OTHER_WORKFLOWS]


def history(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(path.parent.name, path.read_text())


def replayer(*, sandboxed: bool = True) -> Replayer:
    runner = sandbox() if sandboxed else UnsandboxedWorkflowRunner()
    return Replayer(workflows=WORKFLOWS, data_converter=DATA_CONVERTER, workflow_runner=runner)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HISTORIES)))
async def test_history_replays(path: Path) -> None:
    await replayer().replay_workflow(history(path))


def test_every_scenario_was_recorded() -> None:
    recorded = {path.parent.name for path in FILES}
    assert recorded >= {*SCENARIOS, "daily_scoring"}


def test_every_workflow_was_recorded() -> None:
    """A new workflow, or a new version of a playbook, is recorded before anybody runs it."""
    started = "workflowExecutionStartedEventAttributes"
    first = (json.loads(path.read_text())["events"][0][started] for path in FILES)
    assert {event["workflowType"]["name"] for event in first} >= {_name(one) for one in WORKFLOWS}


@pytest.mark.parametrize("scenario", ["critical_silent", "put_off", "draft_approved", "usage_limit_held"])
def test_every_scenario_was_recorded_with_the_engine_of_today(scenario: str) -> None:
    """What new runs begin with; a change of it is recorded before anybody runs it."""
    assert ENGINE_NOW in {_engine(path) for path in FILES if path.parent.name == scenario}


def _engine(path: Path) -> int:
    started = json.loads(path.read_text())["events"][0]["workflowExecutionStartedEventAttributes"]
    given = json.loads(base64.b64decode(started["input"]["payloads"][0]["data"]))
    return int(given.get("engine", 1))


def _name(workflow: type) -> str:
    name = workflow.__temporal_workflow_definition.name  # type: ignore[attr-defined]
    return str(name)


def test_a_take_over_was_recorded_as_two_runs_of_one_chain() -> None:
    for folder in {path.parent for path in FILES if path.parent.name == "at_risk_taken_over"}:
        assert len(list(folder.glob("*.json"))) == 2


async def test_a_harmless_change_replays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer time-outs, other summaries and other details change no command's identity."""
    monkeypatch.setattr(policies, "STORE_TIMEOUT", policies.STORE_TIMEOUT * 2)
    monkeypatch.setattr(policies, "STEP_TIMEOUT", policies.STEP_TIMEOUT * 2)
    monkeypatch.setattr("workflows.show.details", lambda *_: "something else")
    monkeypatch.setattr("workflows.run.cut", lambda text: f"other {text}"[:190])
    for path in FILES:
        await replayer(sandboxed=False).replay_workflow(history(path))


async def test_a_harmful_change_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more activity at the start: the check must be able to fail."""
    honest = chain.Chain.open

    async def twice(self: chain.Chain) -> object:
        await honest(self)
        return await honest(self)

    monkeypatch.setattr(chain.Chain, "open", twice)
    path = next(path for path in FILES if path.parent.name == "critical_silent")
    with pytest.raises(NondeterminismError):
        await replayer(sandboxed=False).replay_workflow(history(path))
