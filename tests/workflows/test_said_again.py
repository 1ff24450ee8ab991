"""What is said twice, and in which zone people read it: through the update that the command line uses."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from temporalio.client import WorkflowUpdateFailedError

from keepwell.contracts.commands import Acknowledge, Complete, Pause, Respond, Stop
from keepwell.contracts.intervention import Outcome
from keepwell.db.repositories.views_timeline import TimelineLine, intervention_detail
from keepwell.db.tables import Organisation
from tests.workflows.stage import DAY, HOUR, Stage


def lines(stage: Stage, intervention: str, kind: str = "command.") -> list[TimelineLine]:
    with stage.store.read() as session:
        detail = intervention_detail(session, intervention, datetime.now(UTC))
    return [line for line in detail.timeline if line.kind.startswith(kind)]


async def test_a_command_given_twice_leaves_one_line(sqlite_stage: Stage) -> None:
    opened = sqlite_stage
    opened.world.change(Organisation, opened.world.organisation, time_zone="Asia/Tokyo")
    key = opened.customer("acme")
    await opened.score(key, 12)
    row = await opened.opened(key)
    await opened.forward(key, 25 * HOUR)
    await opened.command(key, Complete, step="phone_call", id="same")
    again = await opened.command(key, Complete, step="phone_call", id="same")
    assert again.text == "Step phone_call was completed by hand."
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await opened.command(key, Complete, step="phone_call")
    assert str(refused.value.cause).endswith("Step phone_call is done already.")
    until = (datetime.now(UTC) + 90 * DAY).replace(hour=12, minute=0)
    ends, later = (f"{end:%d %b %Y} 21:00 JST" for end in (until, until + DAY))
    for _ in range(2):
        await opened.command(key, Acknowledge)
        answer = await opened.command(key, Pause, until=until, reason="away")
    assert answer.text == f"It is paused until {ends} already."
    await opened.command(key, Pause, until=until + DAY, reason="away")
    told = await opened.eventually(lambda: lines(opened, row.id), lambda found: len(found) == 4)
    assert [line.title for line in told] == [
        "Step phone_call was completed by hand",
        "Acknowledged",
        f"Paused until {ends}",
        f"Paused until {later}",
    ]
    await opened.command(key, Stop)


async def test_after_an_answer_it_ends_as_was_said(sqlite_stage: Stage) -> None:
    opened = sqlite_stage
    key = opened.customer("acme")
    await opened.score(key, 12)
    row = await opened.opened(key)
    await opened.forward(key, HOUR / 2)
    await opened.command(key, Respond, note="call me")
    await opened.eventually(lambda: opened.interventions(key)[0].responded_at, bool)
    (close,) = lines(opened, row.id, "close")
    assert close.title == "ends as responded, when what was promised is done"
    await opened.until_end(key)
    ended = opened.interventions(key)[0]
    assert ended.outcome == Outcome.RESPONDED
    assert ended.ended_at is not None
    assert abs(ended.ended_at - close.at) < HOUR / 6
