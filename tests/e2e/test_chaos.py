"""Hundreds of interventions while everything is killed, cut or late, and people leave at any moment.

What it proves, and how honestly: server, workers, `keepwell serve` and providers are real processes, killed
with -9; the server comes back from its own database file, the workers are those of production with the live
SendGrid and Slack clients, and the store is the one of production. Its PostgreSQL is reached through a proxy
that is killed, too: every connection breaks in the middle of whatever it did. (On SQLite another process
holds the lock for longer than anybody waits.) SendGrid's events come signed over HTTP: late, twice, at the
same time, in any order, the last of them when everything is over. Contacts opt out by one click, on their
page, by command and by hand; SendGrid reports opt-outs and complaints of its own.

Opt-outs: no attempt at a message begins once an opt-out that covers it is stored. This is exact, not a
matter of clocks: triggers log both in the transactions themselves, which exclude each other. An attempt that
had begun before cannot be called back from the provider's wire: such a message may be accepted afterwards,
but its request goes out within half a lease or never; how late the latest was is printed, and bounded. Nor
is anything asked of SendGrid without an attempt. What was confirmed to a contact was stored by then.

Only the clocks are virtual: the server itself skips the time of each run (the feature that rehearsals use).
Where a run's clock stands is part of its state in the server's file, so it survives a kill like everything
else, and playbooks of up to 93 days run with their real delays. Deadlines, leases (3 s), heartbeats and
kills stay in real time, and a run whose activity was killed waits for it in real time. What people do may
come later than drawn, when a kill interrupts a skip.

KEEPWELL_CHAOS_SEED sets the seed (it is printed), KEEPWELL_CHAOS_SIZE the number of customers. The seed
fixes the stories, what is killed when, which attempts at which message fail and how, what SendGrid reports,
and who leaves; not the order in which processes get on, so the same seed is the same weather, not the same
run.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from activities.delivery import SLEPT
from keepwell.db.engine import Store
from tests.e2e.chaos_audit import Books, audit
from tests.e2e.chaos_board import Board
from tests.e2e.chaos_cast import KINDS, MANY, Cast
from tests.e2e.chaos_lives import Life, Scene, Story
from tests.e2e.chaos_stories import stories
from tests.e2e.chaos_wire import Wire, wire
from tests.e2e.chaos_wishes import Wishes, watch
from tests.e2e.killable_server import killable_server
from tests.fakes.providers import Providers
from tests.workflows.stage import stage

SIZE, SEED = "KEEPWELL_CHAOS_SIZE", "KEEPWELL_CHAOS_SEED"
USUAL = {"postgresql": 41, "sqlite": 5}
"""Customers by engine: every kind of story once, and some. Two hundred take minutes, and are worth them
before a release."""

LONGEST = 600.0
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


@pytest.fixture
def way(engine: str, request: pytest.FixtureRequest) -> Iterator[Wire]:
    """The way to a fresh, migrated database, which can be cut."""
    with wire(request.getfixturevalue(f"{engine}_url")) as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("engine", USUAL)
async def test_interventions_in_chaos(
    engine: str, way: Wire, providers: Providers, swift: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = int(os.environ.get(SIZE, USUAL[engine]))
    seed = int(os.environ.get(SEED, random.SystemRandom().randrange(10**6)))
    with capsys.disabled():
        print(f"\n{engine} {SEED}={seed} {SIZE}={size}")  # noqa: T201  (to play it again)
    chance, began = random.Random(seed), time.monotonic()
    await way.there()
    store = Store(way.url)
    watch(store)
    async with killable_server(swift) as server, stage(store, server.address, works=False) as opened:
        cast = Cast(opened, server, providers, way, swift, seed)
        scene = Scene(opened, Board(opened.store))
        cast.begin()
        try:
            await play(scene, cast, stories(size, chance), chance)
            played = time.monotonic() - began
            found, wished, wrong = await audit(cast)
        finally:
            await cast.end()
            store.dispose()
    with capsys.disabled():
        lengths = f"{played:.0f} s", f"{time.monotonic() - began:.0f} s"
        print(told(scene, cast, found, wished), *lengths, sep="\n")  # noqa: T201
    assert wrong == [], f"{SEED}={seed}"
    assert len(found.interventions) >= size
    assert cast.killed.keys() >= {*KINDS}
    if size > MANY:
        assert cast.leavers.receipts
        assert found.said


async def play(scene: Scene, cast: Cast, parts: Sequence[tuple[str, Story]], chance: random.Random) -> None:
    """All stories at once, in chaos; then the weather clears up, and the sweep has its last words."""
    begin = asyncio.ensure_future
    lives = [
        Life(scene, f"c{n:03}", random.Random(chance.random()), name) for n, (name, _) in enumerate(parts)
    ]
    tasks = {begin(story(life)): life for life, (_, story) in zip(lives, parts, strict=True)}
    sweeps = begin(cast.sweeps())
    mayhem = begin(cast.mayhem(chance, len(tasks), lambda: all(map(ended, tasks))))
    post, leavers = begin(cast.post.run()), begin(cast.leavers.run())
    around = [begin(scene.board.run()), begin(cast.supervise()), sweeps, mayhem, post, leavers]
    try:
        longest = LONGEST + EACH * len(tasks)
        done, stuck = await asyncio.wait(tasks, timeout=longest, return_when=asyncio.FIRST_EXCEPTION)
        for task in around:
            # If one of these has failed, it is the reason for the rest.
            assert not task.done() or task.exception() is None, where(task.exception())
        failed = [f"{tasks[task]}: {where(error)}" for task in done if (error := task.exception())]
        assert not failed, "\n".join(failed)
        assert not stuck, "\n".join(f"{tasks[task]}: {tasks[task].doing}" for task in stuck)
        await mayhem
        cast.clear_up()
        leavers.cancel()
        await sweeps
        cast.post.stop()
        await post
        await cast.settled()
    finally:
        for task in (*around, *tasks):
            task.cancel()
        await asyncio.gather(*around, *tasks, return_exceptions=True)


def ended(task: asyncio.Future[None]) -> bool:
    """Whether a life is over."""
    return task.done()


def where(error: BaseException | None) -> str:
    """An error with its place in the code."""
    return "".join(traceback.format_exception(error))


def told(scene: Scene, cast: Cast, found: Books, wished: Wishes) -> str:
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
        "opt-outs": {**cast.leavers.done, "confirmed": len(cast.leavers.receipts)},
        "accepted after one, under way before": [f"{one.total_seconds():.1f} s" for one in wished.late],
        "held up before the request": sum(one.why == SLEPT for one in found.events),
        "SendGrid's events": len(found.said),
        "what the web answered": dict(cast.web.answers),
        "still under way": cast.restless,
        "runs": dict(Counter(one.workflow_type for one in found.runs)),
    }
    return "\n".join(f"{name}: {value}" for name, value in lines.items())
