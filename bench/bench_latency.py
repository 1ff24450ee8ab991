"""Latency: from a score change until the email provider accepts, against the shortest way there is.

Customers fall to CRITICAL at a steady rate, whether the earlier ones are served or not, so that a queue
shows. What happens with each is production: the score is computed and written, its transition handed over,
the playbook begins, and its first email goes through gate, ledger and the live client to a SendGrid of our
own in another process. The baseline, on the same server and the same provider: a bare workflow with one
activity that does one HTTP POST.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

from sqlmodel import col, select
from temporalio.client import WorkflowHistory

from bench.bare import BareInput
from bench.breakdown import show_profile
from bench.portfolio import CRITICAL, figures
from bench.processes import end_on_signals
from bench.scene import CORES, Scene, scene
from bench.table import grid
from keepwell.db.tables import Delivery
from tests.fakes.providers import Providers, spawned_providers

OURS, BARE = "keepwell: score change to email", "bare: start to POST"
STEP = "executive_email"
PATIENCE = 180.0
"""Seconds that the last ones get after the last change."""
SAMPLE = 60
"""Histories read for the way of one change."""
WARM_UP = 20
"""Changes before those that count: the first of a worker load templates and fill caches."""


@dataclass
class Way:
    """When one change happened, was scored, was handed over (Unix time)."""

    due: float
    scored: float = 0.0
    handed: float = 0.0


@dataclass
class Series:
    """One rate's changes by the key that the provider sees, and when it accepted them."""

    rate: float
    ways: dict[str, Way] = field(default_factory=dict)
    accepted: dict[str, float] = field(default_factory=dict)
    busy: float = 0.0
    parts: dict[str, list[float]] = field(default_factory=dict)

    @property
    def latencies(self) -> list[float]:
        """Seconds; those never accepted are missing."""
        return [self.accepted[key] - way.due for key, way in self.ways.items() if key in self.accepted]


def first_accepted(log: Path) -> dict[str, float]:
    """When each email was first accepted, by its key."""
    found: dict[str, float] = {}
    for line in log.read_text().splitlines() if log.exists() else ():
        one = json.loads(line)
        found.setdefault(one["key"], one["at"])
    return found


async def paced(rate: float, seconds: float, one: Callable[[float], Awaitable[None]]) -> None:
    """Call `one` at a steady rate with the moment it was due (Unix time); the late ones are not let off."""
    began, due = time.monotonic(), time.time()
    under_way: list[asyncio.Future[None]] = []
    for number in range(round(rate * seconds)):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        under_way.append(asyncio.ensure_future(one(due + number / rate)))
    await asyncio.gather(*under_way)


class Race:
    """Both sides, on one scene."""

    def __init__(self, made: Scene, providers: Providers, seconds: float) -> None:
        self.made, self.providers, self.seconds = made, providers, seconds

    @contextmanager
    def worker(self, which: str, report: Path | None = None) -> Iterator[int]:
        """A worker that sends for real, to the fakes."""
        with self.made.worker(which, report, self.providers.variables()) as pid:
            yield pid

    async def bare(self, rate: float, worker: int) -> Series:
        """Bare workflows at a rate."""
        entry = BareInput("post_once", 1, 0, 0, f"{self.providers.email.url}/v3/mail/send")
        series = Series(rate)

        async def one(due: float) -> None:
            handle = await self.made.start_bare(entry)
            series.ways[handle.id] = Way(due)

        return await self._run(series, worker, one, lambda: None)

    async def ours(self, rate: float, worker: int) -> Series:
        """Customers who become critical at a rate. Their figures are there already: importing is no part."""
        series, made = Series(rate), self.made
        keys = await asyncio.to_thread(self._customers, round(rate * self.seconds))
        ways: dict[str, Way] = {}
        organisation, parts = made.portfolio.world.organisation, made.parts

        async def one(due: float) -> None:
            key, now = keys.pop(), datetime.now(UTC)
            way = ways[key] = Way(due)
            scored = await asyncio.to_thread(parts.scores.score_customer, organisation, key, now)
            way.scored = time.time()
            if scored.transition is None:
                raise SystemExit("A change of level was expected: the benchmark is wrong.")
            await parts.hand_over.hand_over(scored.transition, now)
            way.handed = time.time()

        def name() -> None:
            with made.store.read() as session:
                query = select(Delivery).where(col(Delivery.step) == STEP)
                rows = {row.customer_id: row.key for row in session.exec(query)}
            series.ways = {rows.get(key, f"?{key}"): way for key, way in ways.items()}

        await self._run(series, worker, one, name)
        customers = {key: way for key, way in list(ways.items())[:: max(1, len(ways) // SAMPLE)]}
        for key, way in customers.items():
            history = await made.run_of(key).fetch_history()
            for what, took in _parts(way, history, series).items():
                series.parts.setdefault(what, []).append(took)
        return series

    def _customers(self, count: int) -> list[str]:
        """Customers whose figures have fallen, and whom nobody has scored since."""
        keys, now = self.made.portfolio.well(count), datetime.now(UTC)
        for start in range(0, count, 500):
            with self.made.store.write() as session:
                session.add_all(
                    row for key in keys[start : start + 500] for row in figures(key, CRITICAL, now)
                )
        return keys

    async def _run(
        self,
        series: Series,
        worker: int,
        one: Callable[[float], Awaitable[None]],
        name: Callable[[], None],
    ) -> Series:
        """Let it run, wait for the last, and join what happened with what the provider saw."""
        began, before = time.perf_counter(), self.made.cpu(worker)
        await paced(series.rate, self.seconds, one)
        wall, after = time.perf_counter() - began, self.made.cpu(worker)
        series.busy = (sum(after) - sum(before)) / wall
        end = time.monotonic() + PATIENCE
        while True:
            await asyncio.to_thread(name)
            series.accepted = await asyncio.to_thread(first_accepted, self.providers.log)
            if series.ways.keys() <= series.accepted.keys() or time.monotonic() > end:
                return series
            await asyncio.sleep(0.5)


def _parts(way: Way, history: WorkflowHistory, series: Series) -> dict[str, float]:
    """Seconds of each part of one change's way; the moments after the hand-over are the server's."""
    at: dict[str, float] = {}
    for event in history.events:
        kind = str(event.WhichOneof("attributes")).removesuffix("_event_attributes")
        at.setdefault(kind, event.event_time.ToNanoseconds() / 1e9)
    key = next((key for key, one in series.ways.items() if one is way), "")
    accepted = series.accepted.get(key)
    if accepted is None or "activity_task_started" not in at:
        return {}
    return {
        "the score is computed and written": way.scored - way.due,
        "dispatch: look the transition up, start the run": at["workflow_execution_started"] - way.scored,
        "waiting for the worker": at["workflow_task_started"] - at["workflow_execution_started"],
        "opening: new sandbox, claim, rows": at["activity_task_scheduled"] - at["workflow_task_started"],
        "waiting for a free activity slot": at["activity_task_started"] - at["activity_task_scheduled"],
        "the send: gate, figures, render, ledger, POST": accepted - at["activity_task_started"],
    }


async def measure(rates: Iterable[float], seconds: float) -> None:
    """Each rate for both sides, the order reversed each time; then the tables."""
    found: dict[tuple[str, float], Series] = {}
    async with scene() as made:
        with spawned_providers(made.home) as providers:
            race = Race(made, providers, seconds)
            for number, rate in enumerate(rates):
                report = made.home / f"profile-{number}.json"
                for which in ("bare", "ours") if number % 2 == 0 else ("ours", "bare"):
                    with race.worker(which, report if which == "ours" else None) as pid:
                        await _warm_up(race, which, pid)
                        run = race.bare if which == "bare" else race.ours
                        found[which, rate] = series = await run(rate, pid)
                    print(f"  {which} at {rate:g} a second: {len(series.latencies)} accepted", flush=True)
                _show_parts(found["ours", rate])
                show_profile(f"At {rate:g} a second", report)
    _show(found)


async def _warm_up(race: Race, which: str, pid: int) -> None:
    """The first runs of a worker, not counted."""
    short = Race(race.made, race.providers, WARM_UP / 5)
    await (short.bare(5, pid) if which == "bare" else short.ours(5, pid))


def _show(found: dict[tuple[str, float], Series]) -> None:
    rows = []
    for (which, rate), series in found.items():
        base = _percentiles(found["bare", rate].latencies)
        mine = _percentiles(series.latencies)
        rows.append(
            [
                f"{BARE if which == 'bare' else OURS}, {rate:g}/s",
                f"{len(series.latencies)} of {len(series.ways)}",
                *(f"{1000 * value:,.0f}" for value in mine),
                *(f"{value / against:.1f}" for value, against in zip(mine[:2], base[:2], strict=True)),
                f"{series.busy:.1f}",
            ]
        )
    grid(
        "From the change to the provider's acceptance, in milliseconds",
        ("what", "accepted", "p50", "p99", "most", "p50 ratio", "p99 ratio", "busy"),
        rows,
        f"Measured from the moment a change was due. busy: cores of {CORES} that server, worker and the "
        "process that scores kept busy; the fake provider comes on top.",
    )


def _percentiles(values: list[float]) -> tuple[float, float, float]:
    """The 50th, the 99th, the greatest."""
    if len(values) < 2:
        raise SystemExit("Nothing was accepted: the benchmark is wrong.")
    cuts = quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[98], max(values)


def _show_parts(series: Series) -> None:
    rows = [
        [what, f"{1000 * median(took):,.1f}", f"{1000 * _percentiles(took)[1]:,.1f}"]
        for what, took in series.parts.items()
    ]
    grid(
        f"Where the time goes at {series.rate:g} a second, in milliseconds",
        ("part", "median", "p99"),
        rows,
        f"Of {len(next(iter(series.parts.values()), []))} changes.",
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rates", default="5,20", help="changes a second, with commas between")
    parser.add_argument("--seconds", type=float, default=60, help="how long each rate is kept up")
    given = parser.parse_args()
    end_on_signals()
    asyncio.run(measure([float(rate) for rate in given.rates.split(",")], given.seconds))


if __name__ == "__main__":
    main()
