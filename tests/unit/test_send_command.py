"""A command that meets a take-over waits for it; any other refusal is passed on at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from keepwell.contracts.commands import TAKING_OVER, Answer, CommandBase, Stop
from keepwell.temporal.commands import send_command

STOP = Stop(id="one", intervention="int", by="dana", reason="wrong alarm")


class Run:
    """Answers as a run does: the given refusals first, then yes."""

    def __init__(self, *types: str) -> None:
        self.types = list(types)
        self.ids: list[str] = []

    async def execute_update(self, _name: str, _command: CommandBase, *, id: str, result_type: object) -> Any:
        self.ids.append(id)
        if self.types:
            raise WorkflowUpdateFailedError(ApplicationError("no", type=self.types.pop(0)))
        assert result_type is Answer
        return Answer(command=id, text="done", noted_at=datetime(2026, 11, 21, tzinfo=UTC))


def handle(run: Run) -> WorkflowHandle[Any, Any]:
    return cast("WorkflowHandle[Any, Any]", run)


async def test_a_take_over_is_waited_for_under_the_same_id() -> None:
    run = Run(TAKING_OVER, TAKING_OVER)
    assert (await send_command(handle(run), STOP)).text == "done"
    assert run.ids == ["one"] * 3


async def test_another_refusal_is_passed_on_at_once() -> None:
    run = Run("Refused")
    with pytest.raises(WorkflowUpdateFailedError):
        await send_command(handle(run), STOP)
    assert run.ids == ["one"]


async def test_patience_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keepwell.temporal.commands.PATIENCE", -timedelta(seconds=1))
    run = Run(TAKING_OVER, TAKING_OVER)
    with pytest.raises(WorkflowUpdateFailedError):
        await send_command(handle(run), STOP)
    assert run.ids == ["one"]
