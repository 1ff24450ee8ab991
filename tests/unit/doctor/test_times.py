"""What the doctor says of Schedules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

import pytest
from temporalio.client import Client

from keepwell.doctor import times
from keepwell.doctor.findings import Note
from keepwell.temporal.schedules import ScheduleState
from tests.unit.db.world import World
from tests.unit.doctor.conftest import MakeScene

AT = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


async def test_moments_are_in_the_zone_that_is_named(
    make_scene: MakeScene, small: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = make_scene(world=small)
    scene.client = cast("Client", object())  # nothing is asked of it

    async def found(_client: object, identifier: str) -> ScheduleState:
        return ScheduleState(
            id=identifier,
            paused=False,
            note="",
            time_zone="Europe/Berlin",
            task_queue=scene.settings.task_queue,
            created_at=AT,
            last_at=None,
            last="",
            next_at=AT,
        )

    monkeypatch.setattr(times, "schedule_state", found)
    notes: list[Note] = list(await times.schedules(scene))
    assert any("(Europe/Berlin): not yet run, next 22 Nov 02:00 CET" in note.found for note in notes)


@pytest.mark.parametrize("retrain", ["weekly", "off"])
async def test_every_schedule_is_looked_at_and_says_what_to_do(
    make_scene: MakeScene, small: World, monkeypatch: pytest.MonkeyPatch, retrain: str
) -> None:
    scene = make_scene(world=small, churn_retrain=retrain)
    scene.client = cast("Client", object())  # nothing is asked of it

    async def none(_client: object, _identifier: str) -> None:
        return None

    monkeypatch.setattr(times, "schedule_state", none)
    notes = list(await times.schedules(scene))
    expected = [
        "daily",
        "sweep",
        "monitor",
        "webhooks",
        "churn-nightly",
        *(["churn"] if retrain != "off" else []),
    ]
    assert [note.found for note in notes] == [
        f"there is no Schedule {name}/{small.organisation}" for name in expected
    ]
    assert {(note.kind, note.todo) for note in notes} == {("problem", "Make it: keepwell schedules apply")}
