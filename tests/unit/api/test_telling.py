"""What goes on beside the answers: with Temporal away, or hanging, a click is answered in time and kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from keepwell.api.door import Door
from keepwell.api.telling import again_and_again
from keepwell.web import create_app
from tests.fakes.slack import FakeSlack
from tests.unit.adapters.messages import closed_port, full_queue
from tests.unit.api.slack_world import Desk, make_desk

SILENT = 60.0
"""Seconds for which the background waits for who says nothing; a click that waited as well would show it."""


@pytest.fixture
def desk(door: Door) -> Iterator[Desk]:
    with FakeSlack() as fake:
        yield make_desk(door, fake)


def clicked(desk: Desk) -> float:
    """Seconds until a click was answered, while the background works too."""
    taken = desk.post()
    with TestClient(create_app(desk.door, background=True)) as desk.client:
        time.sleep(0.3)
        began = time.monotonic()
        assert desk.click(taken).status_code == 200
        took = time.monotonic() - began
        end = time.monotonic() + 60
        while [row.state for row in desk.kept()] != ["waiting"] and time.monotonic() < end:
            time.sleep(0.05)
        # Told to nobody, and so still there when somebody is.
        assert [(row.by, row.state) for row in desk.kept()] == [("Dana Reyes", "waiting")]
        second = time.monotonic()
        assert desk.click(taken, "keepwell.respond").status_code == 200
        return max(took, time.monotonic() - second)


def test_a_temporal_that_refuses_costs_no_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with closed_port() as port:
        monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{port}")
        assert clicked(desk) < SILENT / 3


def test_a_temporal_that_hangs_costs_no_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keepwell.temporal.connect.CONNECT_SECONDS", SILENT)
    with full_queue() as port:
        monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{port}")
        assert clicked(desk) < SILENT / 3


def test_a_slack_that_hangs_costs_no_time_either(desk: Desk) -> None:
    taken = desk.post()
    desk.fake.script(path="auth.test", wait_before=SILENT)
    with TestClient(create_app(desk.door, background=True)) as desk.client:
        began = time.monotonic()
        for number in range(3):
            assert desk.click(taken, at=f"179534000{number}.000100").status_code == 200
        assert time.monotonic() - began < SILENT / 3
        desk.fake.stopping.set()
    assert len(desk.kept()) == 3


@pytest.mark.parametrize("turns", range(5))
async def test_a_ring_at_the_moment_of_the_end_does_not_go_on_for_ever(turns: int) -> None:
    async def look() -> None:
        looked.set()

    looked, bell = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(again_and_again(look, bell))
    await looked.wait()
    await asyncio.sleep(0.01)
    bell.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=30)
    assert task.cancelled()


def test_the_process_ends_while_something_waits(desk: Desk) -> None:
    taken = desk.post()
    with TestClient(create_app(desk.door, background=True)) as desk.client:
        desk.click(taken)
    assert len(desk.kept()) == 1
