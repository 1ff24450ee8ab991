"""The processes of the chaos test: the server, workers, the web's, providers, and the way to the database.

Who kills them, and who sweeps.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path

from temporalio.service import RPCError

from keepwell.keys import new_id
from keepwell.links import make_links
from keepwell.settings import Settings
from tests.e2e.chaos_leavers import Leavers
from tests.e2e.chaos_post import Post
from tests.e2e.chaos_rest import under_way
from tests.e2e.chaos_web import Web
from tests.e2e.chaos_wire import Wire
from tests.e2e.killable_server import KillableServer
from tests.e2e.test_kills import start_worker
from tests.fakes.providers import Providers
from tests.fakes.server import Act, Weather
from tests.unit.api.test_sendgrid_events import PRIVATE, public
from tests.workflows.stage import Stage

WORKERS = 2
AWAY = (0.2, 2.0)
"""Seconds that what was killed stays away."""

CALM = (4.0, 8.0)
"""Seconds between the first kills, where all stories are played; less where it is only some."""

MANY = 24
"""Lives that are worth the longer wait. Killed too often, a run's workflow task is put off by the server for
ever longer.
"""

KINDS = ("worker 1", "worker 2", "server", "web", "database", "all")
"""What is killed or cut. All of it at once is a machine that loses its power."""

SWEEP_EVERY = 6.0
AHEAD = timedelta(days=200)
"""The sweep's clock: later than any customer's, so that no transition is too young for it."""

REST = 180.0
"""Seconds that what is under way has to come to its end, when the weather is good: a killed worker's attempt
is missed after 15 s, its workflow task after 10 s more.
"""

WAYS = (
    Act(status=429, headers={"Retry-After": "2"}),
    Act(status=500),
    Act(status=503),
    Act(close="before"),
    Act(close="after"),
    # Past the worker's deadline of 1.5 s: taken after nobody waits any more, and even after the lease.
    Act(wait_before=2.0),
    Act(wait_before=4.0),
    Act(wait_after=2.0),
)
SHARE = 0.2


@dataclass
class Cast:
    """The processes. `killed` counts what was killed, by name; `restless` is what did not come to its end."""

    stage: Stage
    server: KillableServer
    providers: Providers
    wire: Wire
    home: Path
    seed: int
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    killed: Counter[str] = field(default_factory=Counter)
    away: set[int] = field(default_factory=set)
    clear: asyncio.Event = field(default_factory=asyncio.Event)
    swept: list[str] = field(default_factory=list)
    restless: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        store = self.stage.store
        settings = {
            "KEEPWELL_HOME": str(self.home),
            "KEEPWELL_DATABASE_URL": self.wire.url,
            "KEEPWELL_ORGANISATION": "brightdesk",
            "KEEPWELL_SENDGRID_WEBHOOK_KEY": public(PRIVATE),
            # Everybody comes from one address here, and asks again where there is no answer.
            "KEEPWELL_RATE_ADDRESS": "0",
            "TEMPORAL_ADDRESS": self.server.address,
        }
        self.web = Web(settings, self.home / "web.log")
        self.post = Post(self.web, self.providers.log, self.seed)
        links = make_links(Settings(home=self.home, public_url=self.web.url))
        self.leavers = Leavers(self.web, store, links, self.post, self.seed)

    @property
    def log(self) -> Path:
        """What the workers said."""
        return self.home / "workers.log"

    def spawn(self) -> subprocess.Popen[bytes]:
        """A worker."""
        variables = {**self.providers.variables(activity=True), "KEEPWELL_PUBLIC_URL": self.web.url}
        home, marker = self.home, self.home / "died"
        return start_worker(self.stage, self.server.address, home, "never", marker, variables, self.log)

    def begin(self) -> None:
        """Workers and the web at work, providers in bad weather."""
        self.workers = [self.spawn() for _ in range(WORKERS)]
        self.web.start()
        for remote in (self.providers.email, self.providers.slack):
            remote.turn(Weather(seed=self.seed, share=SHARE, ways=WAYS))

    def clear_up(self) -> None:
        """The weather is good again."""
        self.clear.set()
        for remote in (self.providers.email, self.providers.slack):
            remote.reset()

    async def kill(self, what: str, away: float) -> None:
        """Kill one thing, or all of them at once, and bring back what was killed."""
        numbers = {"worker 1": (0,), "worker 2": (1,), "all": (0, 1)}.get(what, ())
        self.away.update(numbers)
        for number in numbers:
            self.workers[number].kill()
            self.workers[number].wait(60)
        if what in ("web", "all"):
            self.web.kill()
        if what in ("server", "all"):
            await self.server.kill()
        self.killed[what] += 1
        if what in ("database", "all"):
            await self.wire.cut(away)
        else:
            await asyncio.sleep(away)
        if what in ("server", "all"):
            await self.server.start()
        if what in ("web", "all"):
            self.web.start()
        for number in numbers:
            self.workers[number] = self.spawn()
        self.away.difference_update(numbers)

    async def supervise(self) -> None:
        """Start again what has ended by itself: it finds no server or no database when it starts, say."""
        while True:
            await asyncio.sleep(1)
            if self.web.ended():
                self.killed["ended by itself"] += 1
                self.web.start()
            for number, process in enumerate(self.workers):
                if number not in self.away and process.poll() is not None:
                    self.killed["ended by itself"] += 1
                    self.workers[number] = self.spawn()

    async def mayhem(self, chance: random.Random, lives: int, over: Callable[[], bool]) -> None:
        """Kill each thing in turn, until all is over: ever rarer, so that any machine gets there.

        The first turns happen in any case.
        """
        # The database twice: it costs little, and breaks everything at once.
        kinds, share = [*KINDS, "database"], 1.0 if lives > MANY else 0.4
        for number in count():
            if number % len(kinds) == 0:
                chance.shuffle(kinds)
            pause = chance.uniform(*CALM) * share * (1 + number / 3)
            while pause > 0 and (number < len(kinds) or not over()):
                await asyncio.sleep(min(pause, 1))
                pause -= 1
            if number >= len(kinds) and over():
                return
            await self.kill(kinds[number % len(kinds)], chance.uniform(*AWAY))

    async def sweep(self) -> None:
        """One sweep, on a clock that is far ahead; whatever dies, the next one comes."""
        stage, skipper = self.stage, self.stage.skipper
        self.swept.append(f"sweep/{stage.world.organisation}/{new_id()}")
        with suppress(RPCError, TimeoutError):
            handle = await asyncio.wait_for(
                skipper.client.start_workflow(
                    "SweepTransitions",
                    stage.world.organisation,
                    id=self.swept[-1],
                    task_queue=stage.parts.hand_over.task_queue,
                    start_delay=AHEAD,
                ),
                20,
            )
            await asyncio.wait_for(skipper.fast_forward(handle, None), 40)

    async def sweeps(self) -> None:
        """Sweep until the weather is good. Whoever waits for that lets the last one come to its end."""
        while not self.clear.is_set():
            await self.sweep()
            with suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_EVERY):
                    await self.clear.wait()

    async def settled(self) -> None:
        """All has come in, and nothing is under way any more; the audit says what is left."""
        await self.leavers.finish()
        await self.post.finish(late=False)
        end = asyncio.get_running_loop().time() + REST
        while True:
            await self.sweep()
            await self._end_sweeps()
            self.restless = await under_way(self.stage)
            if not self.restless or asyncio.get_running_loop().time() > end:
                break
            await asyncio.sleep(2)
        await self.post.finish(late=True)

    async def _end_sweeps(self) -> None:
        """A sweep whose clock nobody moved, because the server died just then, has not begun yet."""
        skipper = self.stage.skipper
        for identifier in self.swept:
            # Those that have ended have no clock any more.
            with suppress(RPCError, TimeoutError):
                handle = skipper.client.get_workflow_handle(identifier)
                await asyncio.wait_for(skipper.fast_forward(handle, None), 40)

    async def end(self) -> None:
        """No process of ours is left."""
        self.leavers.cancel()
        for process in self.workers:
            process.kill()
            process.wait(60)
        await self.web.close()
