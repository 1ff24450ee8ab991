"""Playbooks: finished critical interventions a second, against bare workflows on the same server.

The clock is a real one, the same for all: a skipped second costs the driver of a virtual clock more than a
run costs the server. So the playbook is the production one with its moments drawn together: `--gap` seconds
lie between two of them, and the bare workflow sleeps as long. Everything else is as in production: the
embedded server on a database file, SQLite as the store, the outbox as the channel, one worker process.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from temporalio.client import WorkflowHandle

from bench.bare import BareInput
from bench.breakdown import kinds, show_kinds, show_profile
from bench.closed_loop import ClosedLoop, Pace, Start
from bench.processes import end_on_signals
from bench.scene import CORES, Scene, scene
from bench.table import grid
from keepwell.contracts.playbook import Playbook
from workflows.critical import CRITICAL

OURS = f"{CRITICAL.label}, silent to the end"
RESERVE = 400
"""Customers that wait to fall when a block begins; making more of them within a block would be measured."""
RATIOS = ("/6+5", "/9+6", "/rows", "/same")
LATE = 0.35
"""Of the time that a bare run's timers take: so late is a run on a machine that is just full."""
LATE_STEP = 0.35
"""Of one timer: so late is a playbook there. Its moments count from its start, so each timer makes up for
what was late before it; a run later than a timer is one whose timers were over before they were set. A
machine that is a tenth slower for a while makes a run later by 0.7 of a timer, so this is not near to 1."""
BARE_RATE, RATE = 1.6, 0.8
"""Runs that end in a second for each core: a first guess, to begin with about as many as will fit."""


@dataclass(frozen=True)
class Load:
    """Of each block, `counted` ends are measured. Timers take `gap` seconds."""

    counted: int
    gap: float
    blocks: int


@dataclass(frozen=True)
class Shape:
    """One kind of run: who works on it, how it is started, its timers, how many events it should have."""

    name: str
    worker: str
    start: Start
    timers: int
    events: int

    def pace(self, gap: float) -> Pace:
        """How long a run takes, and how late it is where the machine is just full."""
        timers = self.timers * gap
        return Pace(timers, LATE_STEP * gap if self.worker == "ours" else LATE * timers)


@dataclass(frozen=True)
class Block:
    """What one block measured: ends a second, runs under way, events a run, CPU seconds a run."""

    rate: float
    lanes: int
    events: float
    server: float
    worker: float
    driver: float

    @property
    def busy(self) -> float:
        """Cores that the three processes kept busy."""
        return (self.server + self.worker + self.driver) * self.rate


class Contest:
    """What is compared, on one scene."""

    def __init__(self, made: Scene, load: Load) -> None:
        self.made, self.load = made, load
        self.lanes: dict[str, int] = {}
        self._waiting: list[tuple[str, str]] = []
        self._refilling = asyncio.Lock()
        self.shapes = (
            Shape("bare: 6 activities, 5 timers", "bare", self._bare("do_nothing", 6, 5), 5, 66),
            Shape("bare: 9 activities, 6 timers", "bare", self._bare("do_nothing", 9, 6), 6, 89),
            Shape("bare: 9 and 6, a row each", "bare", self._bare("write_row", 9, 6), 6, 89),
            Shape("bare: the production activities", "same", self._same, 6, 119),
            Shape(OURS, "ours", self._ours, 6, 102),
        )

    def _bare(self, activity: str, activities: int, timers: int) -> Start:
        entry = BareInput(activity, activities, timers, self.load.gap, str(self.made.home / "bare.sqlite3"))

        async def start() -> WorkflowHandle[Any, Any]:
            return await self.made.start_bare(entry)

        return start

    async def _ours(self) -> WorkflowHandle[Any, Any]:
        """What the daily run does with a transition."""
        await self.stock(1)
        customer, transition = self._waiting.pop()
        handed = await self.made.parts.hand_over.hand_over(transition, datetime.now(UTC))
        if handed != "started":
            raise SystemExit(f"the transition was {handed}: the benchmark is wrong")
        return self.made.run_of(customer)

    async def _same(self) -> WorkflowHandle[Any, Any]:
        await self.stock(1)
        _customer, transition = self._waiting.pop()
        return await self.made.start_same(transition, self.load.gap)

    async def stock(self, least: int) -> None:
        """Have so many customers ready."""
        async with self._refilling:
            if len(self._waiting) < least:
                self._waiting += await asyncio.to_thread(self.made.portfolio.fallen, RESERVE)

    async def block(self, shape: Shape, worker: int) -> tuple[Block, WorkflowHandle[Any, Any]]:
        """Keep the machine full, and measure between two moments; one of the runs, too."""
        if shape.worker != "bare":
            await self.stock(RESERVE)
        pace = shape.pace(self.load.gap)
        guess = round(CORES * (BARE_RATE if shape.worker == "bare" else RATE) * (pace.timers + pace.late))
        loop = ClosedLoop(shape.start, pace, self.lanes.get(shape.name, guess))
        try:
            await loop.warm_up()
            self.lanes[shape.name] = loop.lanes
            began, cpu = time.perf_counter(), self.made.cpu(worker)
            counted = [await loop.next() for _ in range(self.load.counted)]
            wall, used = time.perf_counter() - began, self.made.cpu(worker)
            await loop.finish()
        finally:
            loop.cancel()
        some = counted[:: max(1, self.load.counted // 20)]
        each = [(after - before) / self.load.counted for before, after in zip(cpu, used, strict=True)]
        measured = Block(
            self.load.counted / wall,
            self.lanes[shape.name],
            median([(await handle.describe()).history_length for handle in some]),
            *each,
        )
        return measured, counted[0]


def scaled(playbook: Playbook, gap: float) -> Playbook:
    """The same playbook with `gap` seconds between its moments, whatever lay between them."""
    moments = sorted({step.at for step in playbook.steps} | {playbook.closes_at})
    place = {at: timedelta(seconds=gap * number) for number, at in enumerate(moments)}
    steps = tuple(step.model_copy(update={"at": place[step.at]}) for step in playbook.steps)
    return playbook.model_copy(update={"steps": steps, "closes_at": place[playbook.closes_at]})


async def measure(load: Load, profile: bool) -> None:
    """All shapes in turn, the order reversed each time; then the tables."""
    found: dict[str, list[Block]] = {}
    histories: dict[str, Counter[str]] = {}
    async with scene((scaled(CRITICAL, load.gap),)) as made:
        contest = Contest(made, load)
        for number in range(load.blocks):
            for shape in contest.shapes if number % 2 == 0 else contest.shapes[::-1]:
                with made.worker(shape.worker) as pid:
                    measured, handle = await contest.block(shape, pid)
                found.setdefault(shape.name, []).append(measured)
                histories[shape.name] = await kinds(handle)
                _say(shape, measured)
        _show(contest.shapes, found, load)
        show_kinds(histories)
        for shape in (contest.shapes[0], contest.shapes[-1]) if profile else ():
            report = made.home / f"profile-{shape.worker}.json"
            with made.worker(shape.worker, report) as pid:
                await contest.block(shape, pid)
            show_profile(shape.name, report)


def _say(shape: Shape, measured: Block) -> None:
    """One block on the way, and what would make it unfair."""
    print(f"  {shape.name}: {measured.rate:.2f} a second, {measured.lanes} runs under way", flush=True)
    if measured.events != shape.events:
        print(
            f"  ! {measured.events:.0f} events, not {shape.events}: runs overtook their timers, so take "
            "a longer --gap",
            flush=True,
        )


def _show(shapes: tuple[Shape, ...], found: dict[str, list[Block]], load: Load) -> None:
    def mid(shape: Shape, field: str) -> float:
        return float(median(getattr(one, field) for one in found[shape.name]))

    def ratio(shape: Shape, other: Shape) -> float:
        """The median of the ratios within a block: what slows a machine for a minute slows both."""
        pairs = zip(found[shape.name], found[other.name], strict=True)
        return median(one.rate / against.rate for one, against in pairs)

    bare = [shape for shape in shapes if shape.worker != "ours"]
    rows = [
        [
            shape.name,
            f"{mid(shape, 'rate'):.2f}",
            *(f"{ratio(shape, other):.2f}" for other in bare),
            f"{mid(shape, 'events'):.0f}",
            f"{mid(shape, 'events') / mid(bare[0], 'events'):.2f}",
            *(f"{1000 * mid(shape, field):.0f}" for field in ("server", "worker", "driver")),
            f"{mid(shape, 'busy'):.1f}",
        ]
        for shape in shapes
    ]
    heads = (
        "what",
        "a second",
        *RATIOS,
        "events",
        "/6+5",
        "server",
        "worker",
        "start",
        "busy",
    )
    note = (
        f"/…: ratio to the bare ones. server, worker, start: ms of processor time a run. busy: cores, "
        f"of {CORES}. Bare activities do nothing, write one row, or are those of production. "
        f"Timers are real ones of {load.gap:g} s; as many runs under way as make a bare one "
        f"{100 * LATE:.0f} % later than its timers, and a playbook {LATE_STEP * load.gap:.1f} s."
    )
    grid(f"Finished runs ({load.blocks} blocks of {load.counted} each, medians)", heads, rows, note)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--counted", type=int, default=120, help="runs measured in a block")
    parser.add_argument("--gap", type=float, default=5.0, help="seconds that a timer takes")
    parser.add_argument("--blocks", type=int, default=3, help="blocks of each kind")
    parser.add_argument("--profile", action="store_true", help="also where the workers' time goes")
    given = parser.parse_args()
    end_on_signals()
    asyncio.run(measure(Load(given.counted, given.gap, given.blocks), given.profile))


if __name__ == "__main__":
    main()
