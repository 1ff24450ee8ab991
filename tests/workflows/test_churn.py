"""Churn models on their Schedules: described on a real server, and run with a moment of their own."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.client import Client, ScheduleActionStartWorkflow, WorkflowFailureError
from temporalio.exceptions import ActivityError, ApplicationError

from keepwell.churn.service import ChurnService
from keepwell.cli.app import run as run_command
from keepwell.contracts.churn import ChurnCall, ChurnPredicted, ChurnRequest, ChurnSummary, ChurnTrained
from keepwell.db.tables import ChurnModel, ChurnPrediction, Customer, Event
from keepwell.keys import churn_nightly_schedule_id, churn_schedule_id, new_id
from keepwell.temporal.connect import connect_to
from keepwell.temporal.schedules import ensure_schedules, schedule_state
from tests.unit.churn_app.portfolio import QUICK, fill, worse
from tests.workflows.recording import record
from tests.workflows.stage import Stage


async def run(stage: Stage, workflow: str, as_of: datetime) -> ChurnSummary:
    request = ChurnRequest(organisation=stage.world.organisation, as_of=as_of)
    summary: ChurnSummary = await stage.skipper.client.execute_workflow(
        workflow,
        request,
        id=f"test-churn/{stage.world.organisation}/{new_id()}",
        task_queue=stage.parts.hand_over.task_queue,
        result_type=ChurnSummary,
    )
    return summary


@pytest.mark.timeout(600)
async def test_a_model_is_trained_and_everybody_predicted(
    sqlite_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = sqlite_stage
    monkeypatch.setattr("keepwell.churn.service.STANDARD", QUICK)
    now = datetime.now(UTC)
    fill(stage.world, now)
    summary = await run(stage, "RetrainChurn", now)
    assert summary.trained is not None
    assert (summary.trained.state, summary.trained.model) == ("in_use", "customers@1")
    active = [row.id for row in stage.rows(Customer) if row.active]
    assert (summary.predicted.model, summary.predicted.predicted) == ("customers@1", len(active))
    assert {row.customer_id for row in stage.rows(ChurnPrediction)} == set(active)
    assert {row.at for row in stage.rows(ChurnPrediction)} == {now}

    again = await run(stage, "RetrainChurn", now)
    assert again == summary, "the same moment again trains nothing and stores nothing twice"
    assert len(stage.rows(ChurnModel)) == 1
    assert len(stage.rows(ChurnPrediction)) == len(active)

    night = await run(stage, "PredictChurn", now + timedelta(days=1))
    assert night.trained is None
    assert night.predicted.predicted == len(active)
    assert len(stage.rows(ChurnPrediction)) == 2 * len(active)
    await record(stage, "churn")


def keepwell(stage: Stage, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """A command on the stage's store; its exit code."""
    monkeypatch.setenv("KEEPWELL_DATABASE_URL", stage.store.url.render_as_string(hide_password=False))
    monkeypatch.setenv("KEEPWELL_ORGANISATION", "brightdesk")
    return run_command(words)


@pytest.mark.timeout(900)
async def test_the_schedule_promotes_what_is_better_and_leaves_what_a_person_went_back_to(
    sqlite_stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stage, now = sqlite_stage, datetime.now(UTC)
    monkeypatch.setattr("keepwell.churn.service.STANDARD", QUICK)
    monkeypatch.setenv("KEEPWELL_HOME", str(tmp_path))
    fill(stage.world, now)
    first = await run(stage, "RetrainChurn", now)
    assert first.trained is not None
    assert first.trained.state == "in_use"
    worse(stage.store)
    better = await run(stage, "RetrainChurn", now + timedelta(minutes=1))
    assert better.trained is not None
    assert (better.trained.state, better.trained.model) == ("in_use", "customers@2")
    assert "Better than customers@1: log loss 0." in better.trained.why
    assert better.predicted.model == "customers@2"
    card = {row.version: row for row in stage.rows(ChurnModel)}[2].card
    assert card["comparison"]["new"]["rows"] == card["comparison"]["old"]["rows"] == card["held_out"]["rows"]

    back = ("churn", "models", "rollback", "--why", "wrong at work", "--by", "Vera")
    assert await asyncio.to_thread(keepwell, stage, monkeypatch, *back) == 0
    waits = await run(stage, "RetrainChurn", now + timedelta(minutes=2))
    assert waits.trained is not None
    assert (waits.trained.state, waits.trained.model) == ("candidate", "customers@3")
    assert "Vera went back to customers@1" in waits.trained.why
    assert waits.predicted.model == "customers@1", "the nightly predictions are those of the kept one"

    (used,) = [row for row in stage.rows(ChurnModel) if row.state == "in_use"]
    stage.world.change(ChurnModel, used.id, content=used.content + b"x")
    kept = len(stage.rows(ChurnPrediction))
    night = (await run(stage, "PredictChurn", now + timedelta(minutes=3))).predicted
    assert (night.model, night.predicted, len(stage.rows(ChurnPrediction))) == ("", 0, kept)
    assert "customers@1 is not the one that was saved" in night.why
    assert "keepwell churn models rollback customers --why" in night.why
    told = stage.rows(Event, kind="churn_model.not_predicted")
    assert [(one.by, one.why) for one in told] == [("schedule", night.why)]


async def test_a_training_that_breaks_does_not_stop_the_predictions(
    sqlite_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[ChurnCall] = []

    def broken(_: ChurnService, call: ChurnCall) -> ChurnTrained:
        raise ApplicationError("no memory left", non_retryable=True)

    def predicted(_: ChurnService, call: ChurnCall) -> ChurnPredicted:
        asked.append(call)
        return ChurnPredicted(model="", predicted=0, left_out=0, why="")

    monkeypatch.setattr(ChurnService, "train", broken)
    monkeypatch.setattr(ChurnService, "predict", predicted)
    now = datetime.now(UTC)
    with pytest.raises(WorkflowFailureError) as failed:
        await run(sqlite_stage, "RetrainChurn", now)
    assert isinstance(failed.value.cause, ActivityError)
    assert "no memory left" in str(failed.value.cause.cause)
    assert [call.as_of for call in asked] == [now]


async def test_too_little_data_is_an_answer_and_no_failure(stage: Stage) -> None:
    summary = await run(stage, "RetrainChurn", datetime.now(UTC))
    assert summary.trained is not None
    assert summary.trained.state == "not_trained"
    assert "nothing was measured yet" in summary.trained.why
    assert summary.predicted.why == "no churn model of our own customers is in use"


async def test_the_schedules_as_the_server_has_them(temporal_address: str) -> None:
    client = await connect_to(temporal_address)
    ours = f"org-{new_id()}"
    await ensure_schedules(client, ours, "Europe/Berlin", "queue")
    for identifier, workflow, when in (
        (churn_schedule_id(ours), "RetrainChurn", "on Sundays at 03:00 Europe/Berlin"),
        (churn_nightly_schedule_id(ours), "PredictChurn", "every day at 03:30 Europe/Berlin"),
    ):
        action, told = await _described(client, identifier)
        assert (action.workflow, action.task_queue, told) == (workflow, "queue", when)
    await client.get_schedule_handle(churn_schedule_id(ours)).pause()
    await ensure_schedules(client, ours, "Europe/Berlin", "queue", "daily")
    state = await schedule_state(client, churn_schedule_id(ours))
    assert state is not None
    assert state.paused, "what a person paused stays paused"
    assert (await _described(client, churn_schedule_id(ours)))[1] == "every day at 03:00 Europe/Berlin"
    await ensure_schedules(client, ours, "Europe/Berlin", "queue", "off")
    await ensure_schedules(client, ours, "Europe/Berlin", "queue", "off")
    assert await schedule_state(client, churn_schedule_id(ours)) is None
    assert await schedule_state(client, churn_nightly_schedule_id(ours)) is not None


async def _described(client: Client, identifier: str) -> tuple[ScheduleActionStartWorkflow, str]:
    """What it starts, and when: the server turns a cron expression into a calendar."""
    found = (await client.get_schedule_handle(identifier).describe()).schedule
    assert isinstance(found.action, ScheduleActionStartWorkflow)
    (when,) = found.spec.calendars
    days = "every day" if len(when.day_of_week) == 0 or when.day_of_week[0].end == 6 else "on Sundays"
    clock = f"{when.hour[0].start:02}:{when.minute[0].start:02}"
    return found.action, f"{days} at {clock} {found.spec.time_zone_name}"
