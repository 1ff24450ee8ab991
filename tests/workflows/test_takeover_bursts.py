"""Several level changes within one second, one after the other and at once: the last level decides."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta

from keepwell.contracts.intervention import RECOVERED
from keepwell.contracts.scoring import CustomerScored
from scoring.levels import Level
from tests.workflows.consistency import consistent, decided
from tests.workflows.stage import Stage
from tests.workflows.test_once import add_up

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
