"""Several level changes within one second, one after the other and at once: the last level decides."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta

from keepwell.contracts.intervention import RECOVERED
from keepwell.contracts.scoring import CustomerScored
from keepwell.db.engine import Store
from keepwell.settings import Settings
from scoring.levels import Level
from tests.workflows.consistency import consistent, decided
from tests.workflows.stage import Stage
from tests.workflows.stage import stage as open_stage
from tests.workflows.test_once import add_up
from worker import THREADS, make_worker

Burst = Callable[[Stage, str, tuple[float, ...]], Awaitable[None]]
CHANGES = (50, 30, 12, 30, 80, 12)
CUSTOMERS = 2
"""Of each kind."""
MOMENT = timedelta(milliseconds=100)
RANDOM = random.Random(11)


async def arrive(stage: Stage, key: str, points: float, number: int) -> CustomerScored:
    """What `Stage.score` does, at a moment of its own: the figures of a second have different moments."""
    now = stage.clocks[key] + number * MOMENT
    await asyncio.to_thread(stage.world.at_points, key, points, now)
    scored = await asyncio.to_thread(stage.parts.scores.score_customer, stage.world.organisation, key, now)
    if scored.transition is not None:
        await stage.parts.hand_over.hand_over(scored.transition, now)
    return scored


async def one_by_one(stage: Stage, key: str, changes: tuple[float, ...]) -> None:
    """Each is handed over before the next arrives, and none is waited for."""
    for number, points in enumerate(changes):
        await arrive(stage, key, points, number)


async def together(stage: Stage, key: str, changes: tuple[float, ...]) -> None:
    """All at once, in any order."""
    work = [arrive(stage, key, points, number) for number, points in enumerate(changes)]
    RANDOM.shuffle(work)
    await asyncio.gather(*work)


def shuffled(changes: tuple[float, ...]) -> tuple[float, ...]:
    """The same in another order."""
    return tuple(RANDOM.sample(changes, len(changes)))


async def settle(stage: Stage, keys: list[str]) -> None:
    """Every transition is decided, without the sweep; what holds whatever arrived, holds for each."""
    for key in keys:
        await decided(stage, key, 0)
        consistent(stage, key)
    add_up(stage)


async def test_a_burst_leaves_one_voice_and_the_last_level(stage: Stage) -> None:
    """Some customers have a playbook already; after the burst and a recovery all are well, nothing runs."""
    bursts: dict[str, Burst] = {
        f"{kind}{burst.__name__}{number}": burst
        for kind in ("fresh", "known")
        for burst in (one_by_one, together)
        for number in range(CUSTOMERS)
    }
    for key in bursts:
        stage.customer(key, contacts=1)
    known = [key for key in bursts if key.startswith("known")]
    await asyncio.gather(*(stage.score(key, 50) for key in known))
    await asyncio.gather(*(stage.opened(key) for key in known))
    plans = {key: shuffled(CHANGES) if key.endswith("1") else CHANGES for key in bursts}
    await asyncio.gather(*(burst(stage, key, plans[key]) for key, burst in bursts.items()))
    await settle(stage, list(bursts))
    for key in bursts:
        stage.clocks[key] += timedelta(seconds=1)
    await asyncio.gather(*(stage.score(key, 90) for key in bursts))
    await settle(stage, list(bursts))
    for key in bursts:
        assert Level(stage.transitions(key)[-1].level) in RECOVERED, plans[key]
        assert all(row.outcome for row in stage.interventions(key)), plans[key]
        assert "open" not in {task.state for task in stage.tasks(key) if task.intervention_id}


async def test_what_is_outdated_when_it_is_read_changes_nothing(
    sqlite_store: Store, temporal_address: str
) -> None:
    """A recovery and a fall wait while no worker runs: the playbook goes on, it is not ended and refused."""
    async with open_stage(sqlite_store, temporal_address, works=False) as stage:
        key = stage.customer("acme")
        async with worker_of(stage):
            await stage.score(key, 30)
            first = await stage.opened(key)
        for number, points in enumerate((80, 30, 12)):
            await arrive(stage, key, points, number)
        async with worker_of(stage):
            await decided(stage, key, 4)
            codes = [row.code for row in stage.transitions(key)]
            assert codes == ["started", "older", "older", "started"]
            old, new = stage.interventions(key)
            assert (old.id, old.outcome, new.supersedes) == (first.id, "superseded", first.id)
            consistent(stage, key)


@asynccontextmanager
async def worker_of(stage: Stage) -> AsyncIterator[None]:
    """A worker for a while."""
    settings = Settings(task_queue=stage.parts.hand_over.task_queue)
    with ThreadPoolExecutor(THREADS) as executor:
        async with make_worker(settings, stage.skipper.client, stage.parts, executor):
            yield
