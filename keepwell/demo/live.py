"""`keepwell demo`: the demo's server, worker and daily run, until somebody ends it."""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import signal
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from keepwell.contracts.scoring import ScoreRequest, ScoreSummary
from keepwell.demo.happened import Happened, happened
from keepwell.demo.home import DemoHome
from keepwell.demo.load import TIME_ZONE
from keepwell.demo.prepare import Prepared, Say, prepare
from keepwell.keys import daily_workflow_id
from keepwell.temporal.connect import connect_to
from keepwell.temporal.embedded import EmbeddedServer, embedded_server
from keepwell.temporal.schedules import ensure_schedules

if TYPE_CHECKING:
    from worker import Parts

log = logging.getLogger("keepwell.demo")

FIRST_MESSAGES_SECONDS = 20.0
"""How long the opening words wait for first messages and offers, once all playbooks have begun."""
BEGIN_SECONDS = 60.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Running:
    """A demo at work."""

    home: DemoHome
    server: EmbeddedServer
    prepared: Prepared
    happened: Happened


Serve = Callable[[Prepared, EmbeddedServer], AbstractAsyncContextManager[None]]
"""Shows the demo's pages for a block."""


def run(
    home: DemoHome, serve: Serve, say: Say, show: Callable[[Running], None], ended: Callable[[], None]
) -> bool:
    """Run the demo until SIGINT or SIGTERM; whether the opening words were shown before that.

    serve: shows its pages. say: a short line of progress. show: the opening words, once playbooks have
    begun. ended: called when everything has been ended in order.
    """
    shown = False

    def show_once(running: Running) -> None:
        nonlocal shown
        show(running)
        shown = True

    try:
        asyncio.run(_until_asked(home, serve, say, show_once))
    finally:
        # A client that outlives the loop may end the process by a signal (see keepwell.temporal.run_client).
        gc.collect()
    if shown:
        ended()
    return shown


async def _until_asked(home: DemoHome, serve: Serve, say: Say, show: Callable[[Running], None]) -> None:
    asked = False
    main = asyncio.current_task()
    assert main is not None  # noqa: S101  (we run in one)

    def ask() -> None:
        nonlocal asked
        asked = True
        main.cancel()

    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, ask)
    try:
        async with _working(home, serve, say) as running:
            show(running)
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        # A worker that breaks down cancels us as well; that is no end in order.
        if not asked:
            raise


@asynccontextmanager
async def _working(home: DemoHome, serve: Serve, say: Say) -> AsyncIterator[Running]:
    """The demo's server and worker at work, and today's run done."""
    preparing = asyncio.create_task(asyncio.to_thread(_prepare, home, say))
    try:
        async with embedded_server(home.settings) as server:
            say(f"Temporal {server.version} with its UI at {server.ui_url}")
            prepared = await preparing
            client = await connect_to(server.address)
            async with serve(prepared, server), _worker(home, prepared, client):
                say(f"The console is at {home.settings.public_url}")
                say("The worker is at work" + (": today's scores are computed …" if prepared.new else ""))
                now = await _today(client, home, prepared, say)
                await ensure_schedules(client, prepared.organisation, TIME_ZONE, home.settings.task_queue)
                yield Running(home, server, prepared, now)
    finally:
        await asyncio.shield(_finished(preparing))


def _prepare(home: DemoHome, say: Say) -> Prepared:
    prepared = prepare(home, say)
    # Read here, beside the start of the server: it takes a second or two.
    importlib.import_module("worker")
    return prepared


async def _finished(preparing: asyncio.Task[Prepared]) -> None:
    """Let the thread that fills the store come to its end, and close the store."""
    try:
        prepared = await preparing
    except BaseException:
        # Told already where it was awaited.
        return
    prepared.store.dispose()


@asynccontextmanager
async def _worker(home: DemoHome, prepared: Prepared, client: Client) -> AsyncIterator[Parts]:
    from worker import THREADS, compose, make_worker  # noqa: PLC0415  (late, see _prepare)

    parts = compose(home.settings, prepared.store, client)
    with ThreadPoolExecutor(THREADS) as executor:
        async with make_worker(home.settings, client, parts, executor):
            yield parts


async def _today(client: Client, home: DemoHome, prepared: Prepared, say: Say) -> Happened:
    """Today's run, and what follows from it; the first playbook is told as soon as it has begun."""
    first = asyncio.create_task(_first(prepared, say)) if prepared.new else None
    try:
        summary = await _daily_run(client, home, prepared)
        if prepared.new:
            say(
                f"{summary.scored} customers scored, {summary.transitions} changes of level, "
                f"{summary.started} playbooks started"
            )
        return await _begun(prepared)
    finally:
        if first is not None:
            first.cancel()


async def _first(prepared: Prepared, say: Say) -> None:
    while True:
        now = await asyncio.to_thread(_read, prepared)
        if now.open:
            break
        await asyncio.sleep(_POLL_SECONDS)
    line = now.open[0]
    score = "never scored" if line.score is None else f"score {line.score:.1f}"
    say(f"The first playbook has begun: {line.playbook} for {line.customer}, {score}")


async def _daily_run(client: Client, home: DemoHome, prepared: Prepared) -> ScoreSummary:
    """Today's run, once: a demo that goes on finds the run that it began with."""
    name = f"demo-{prepared.anchor:%Y-%m-%d}"
    identity = daily_workflow_id(prepared.organisation, name)
    try:
        handle: WorkflowHandle[object, ScoreSummary] = await client.start_workflow(
            "DailyScoring",
            ScoreRequest(organisation=prepared.organisation),
            id=identity,
            task_queue=home.settings.task_queue,
            result_type=ScoreSummary,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary="Demo data: score every customer and start what follows from it",
        )
    except WorkflowAlreadyStartedError:
        handle = client.get_workflow_handle(identity, result_type=ScoreSummary)
    return await handle.result()


async def _begun(prepared: Prepared) -> Happened:
    """What has happened, as soon as every change of level is decided and the first messages are out."""
    loop = asyncio.get_running_loop()
    end = loop.time() + BEGIN_SECONDS
    patience: float | None = None
    while True:
        now = await asyncio.to_thread(_read, prepared)
        if now.waiting == 0 and patience is None:
            patience = loop.time() + FIRST_MESSAGES_SECONDS
        urgent = sum(line.playbook.startswith("critical@") for line in now.open)
        there = now.messages >= 2 * urgent and now.coming == 0
        enough = patience is not None and (there or loop.time() > patience)
        if enough or loop.time() > end:
            return now
        await asyncio.sleep(_POLL_SECONDS)


def _read(prepared: Prepared) -> Happened:
    with prepared.store.read() as session:
        return happened(session, prepared.organisation)
