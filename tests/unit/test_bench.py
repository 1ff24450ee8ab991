"""The parts of the benchmarks that could make their figures wrong without a word."""

from __future__ import annotations

import asyncio
import os
import selectors
import time
from collections.abc import Coroutine
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
from temporalio.client import WorkflowHandle

from bench import bench_latency, closed_loop
from bench.bench_latency import paced
from bench.bench_playbook import scaled
from bench.closed_loop import ClosedLoop, Pace
from bench.processes import cpu_seconds, program
from workflows.critical import CRITICAL


def test_a_scaled_playbook_keeps_its_steps_and_their_order() -> None:
    short = scaled(CRITICAL, 2.0)
    assert [step.name for step in short.steps] == [step.name for step in CRITICAL.steps]
    moments = sorted({step.at.total_seconds() for step in short.steps} | {short.closes_at.total_seconds()})
    assert moments == [2.0 * number for number in range(len(moments))]
    assert len(moments) == len({step.at for step in CRITICAL.steps}) + 1


def test_processor_time_is_that_of_the_process() -> None:
    began, clock = cpu_seconds(os.getpid()), time.process_time()
    while time.process_time() < clock + 0.2:
        pass
    assert cpu_seconds(os.getpid()) - began == pytest.approx(0.2, abs=0.1)


def test_a_program_that_does_not_get_ready_is_an_error() -> None:
    with pytest.raises(SystemExit, match="ended before it was ready"), program("bench.table"):
        pass


class Leaping(selectors.DefaultSelector):
    """What a loop waits with: never, and its clock goes on by as much. No machine is too busy for that."""

    now = 1_000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0 if timeout is not None else None)
        self.now += 0 if found else timeout or 0
        return found


def leaping(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, run: Coroutine[Any, Any, None], clock: Leaping
) -> None:
    """Run it on a clock of its own, which the module reads too."""
    loop = asyncio.SelectorEventLoop(clock)
    monkeypatch.setattr(loop, "time", lambda: clock.now)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now, time=lambda: clock.now))
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(run)


def test_a_steady_rate_does_not_wait_for_the_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    due: list[float] = []
    called: list[float] = []
    clock = Leaping()

    async def slow(moment: float) -> None:
        due.append(moment)
        called.append(clock.now)
        await asyncio.sleep(0.2)

    leaping(monkeypatch, bench_latency, paced(50, 0.2, slow), clock)
    assert [round(moment - due[0], 2) for moment in due] == [round(number / 50, 2) for number in range(10)]
    # Ten waits one after the other would take 1.8 s.
    assert called == pytest.approx(due, abs=0.01)


class Machine:
    """Takes longer for each run the more there are, and takes no more than 1,000."""

    def __init__(self) -> None:
        self.started = self.under_way = 0

    async def start(self) -> WorkflowHandle[Any, Any]:
        self.started += 1
        if self.started > 1000:
            raise RuntimeError("no more")
        self.under_way += 1
        return cast(WorkflowHandle[Any, Any], self)

    async def result(self) -> None:
        await asyncio.sleep(0.005 * self.under_way)
        self.under_way -= 1


@pytest.mark.parametrize("lanes", [4, 60])
def test_the_closed_loop_finds_how_much_fits_and_tells_of_errors(
    lanes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        loop = ClosedLoop(Machine().start, Pace(timers=0.0, late=0.1), lanes)
        await loop.warm_up()
        assert 15 <= loop.lanes <= 25, "with 20 under way a run takes 0.1 s"
        with pytest.raises(RuntimeError, match="no more"):
            await asyncio.gather(*(loop.next() for _ in range(1100)))
        loop.cancel()

    leaping(monkeypatch, closed_loop, run(), Leaping())
