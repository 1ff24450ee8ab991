"""Hundreds of interventions while workers and the Temporal server are killed and providers fail at random.

What it proves, and how honestly: server, workers and providers are real processes, killed with -9; the
server comes back from its own database file, the workers are those of production with the live SendGrid and
Slack clients, and the store is the one of production. Only the clocks are virtual: the server itself skips
the time of each run (the feature that rehearsals use). Where a run's clock stands is part of its state in
the server's file, so it survives a kill like everything else, and playbooks of up to 93 days run with their
real delays. Deadlines, leases (3 s), heartbeats and kills stay in real time, and a run whose activity was
killed waits for it in real time. What people do may come later than drawn, when a kill interrupts a skip.

KEEPWELL_CHAOS_SEED sets the seed (it is printed), KEEPWELL_CHAOS_SIZE the number of customers. The seed
fixes the stories, what is killed when, and which attempts at which message fail and how; not the order in
which processes get on, so the same seed is the same weather, not the same run.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from keepwell.db.engine import Store
from tests.e2e.chaos_audit import Books, audit
from tests.e2e.chaos_board import Board
from tests.e2e.chaos_cast import Cast
from tests.e2e.chaos_lives import Life, Scene, Story
from tests.e2e.chaos_stories import stories
from tests.e2e.killable_server import killable_server
from tests.fakes.providers import Providers
from tests.workflows.stage import stage

SIZE, SEED = "KEEPWELL_CHAOS_SIZE", "KEEPWELL_CHAOS_SEED"
USUAL = "41"
"""Every kind of story once. Two hundred take minutes, and are worth them before a release."""

LONGEST = 120.0
EACH = 6.0
"""Seconds that the lives may take, and more for each; a life that takes longer is stuck, and is named."""


MEMORY = Path("/dev/shm")


@pytest.fixture
def swift() -> Iterator[Path]:
    """A folder in memory, where there is one: the server's file is synced at every step of every run.

    A killed process loses nothing that it has written, on a disk or in memory; a power cut is another test.
    """
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None, prefix="keepwell-") as folder:
        yield Path(folder)


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_interventions_in_chaos(
    providers: Providers, sqlite_store: Store, swift: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = int(os.environ.get(SIZE, USUAL))
    seed = int(os.environ.get(SEED, random.SystemRandom().randrange(10**6)))
    with capsys.disabled():
        print(f"\n{SEED}={seed} {SIZE}={size}")  # noqa: T201  (to play it again)
    chance, began = random.Random(seed), time.monotonic()
    async with (
        killable_server(swift) as server,
        stage(sqlite_store, server.address, works=False) as opened,
    ):
        cast = Cast(opened, server, providers, swift)
        scene = Scene(opened, Board(opened.store))
        cast.begin(seed)
        try:
            await play(scene, cast, stories(size, chance), chance)
            played = time.monotonic() - began
            found, wrong = await audit(cast)
        finally:
            cast.end()
    with capsys.disabled():
        print(told(scene, cast, found), f"{played:.0f} s", f"{time.monotonic() - began:.0f} s", sep="\n")  # noqa: T201
    assert wrong == [], f"{SEED}={seed}"
    assert len(found.interventions) >= size
    assert cast.killed.keys() >= {"server", "worker 1", "worker 2", "all"}


async def play(scene: Scene, cast: Cast, parts: Sequence[tuple[str, Story]], chance: random.Random) -> None:
    """All stories at once, in chaos; then the weather clears up, and the sweep has its last words."""
    begin = asyncio.ensure_future
    lives = [
        Life(scene, f"c{n:03}", random.Random(chance.random()), name) for n, (name, _) in enumerate(parts)
    ]
    tasks = {begin(story(life)): life for life, (_, story) in zip(lives, parts, strict=True)}
    sweeps, mayhem = begin(cast.sweeps()), begin(cast.mayhem(chance, lambda: all(map(ended, tasks))))
    around = [begin(scene.board.run()), begin(cast.supervise()), sweeps, mayhem]
    try:
        longest = LONGEST + EACH * len(tasks)
        done, stuck = await asyncio.wait(tasks, timeout=longest, return_when=asyncio.FIRST_EXCEPTION)
        for task in around:
            # If one of these has failed, it is the reason for the rest.
            assert not task.done() or task.exception() is None, repr(task.exception())
        failed = [f"{tasks[task]}: {task.exception()!r}" for task in done if task.exception()]
        assert not failed, "\n".join(failed)
        assert not stuck, "\n".join(f"{tasks[task]}: {tasks[task].doing}" for task in stuck)
        await mayhem
        cast.clear_up()
        sweeps.cancel()
        await cast.settled()
    finally:
        for task in (*around, *tasks):
            task.cancel()
        await asyncio.gather(*around, *tasks, return_exceptions=True)


def ended(task: asyncio.Future[None]) -> bool:
    """Whether a life is over."""
    return task.done()


def told(scene: Scene, cast: Cast, found: Books) -> str:
    """What happened, in numbers."""
    outcomes = Counter(f"{row.family} {row.outcome or 'open'}" for row in found.interventions.values())
    states = Counter(row.state for row in found.deliveries)
    lines = {
        "killed": dict(cast.killed),
        "said": dict(scene.done),
        "refused": dict(scene.refused),
        "interventions": dict(outcomes),
        "deliveries": dict(states),
        "attempts": dict(Counter(row.attempts for row in found.deliveries)),
        "transitions": dict(Counter(row.code for row in found.transitions)),
        "runs": dict(Counter(one.workflow_type for one in found.runs)),
    }
    return "\n".join(f"{name}: {value}" for name, value in lines.items())
