"""`keepwell worker` and `keepwell migrate`."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import typer

from keepwell.cli.desk import Desk, Json, bare_store, open_desk
from keepwell.cli.log import set_up_logging
from keepwell.cli.output import print_json, say
from keepwell.cli.playbook_check import refuse_faulty
from keepwell.db.migrate import head, revision_of, upgrade

if TYPE_CHECKING:
    from temporalio.client import Client

log = logging.getLogger("keepwell.worker")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("worker")(run_worker)
    app.command("migrate")(migrate)


def migrate(as_json: Json = False) -> None:
    """Bring the database up to date. Stop the worker and make a copy first."""
    with bare_store() as (settings, store):
        before = revision_of(store)
        after = upgrade(store) if before != head() else before
    if as_json:
        print_json({"database": settings.safe_database_url, "before": before, "after": after})
    elif before == after:
        say(f"{settings.safe_database_url} is up to date (revision {after}).")
    else:
        say(f"{settings.safe_database_url}: {before or 'empty'} → {after}.")


def run_worker() -> None:
    """Run playbooks until Ctrl-C, with a Temporal server of its own where none is configured."""
    with open_desk() as desk:
        set_up_logging(desk.settings.log_level)
        refuse_faulty(desk.settings)
        try:
            asyncio.run(_work(desk))
        finally:
            # A client that lives on while the interpreter ends may turn the exit code into a crash's.
            gc.collect()


async def _work(desk: Desk) -> None:
    from worker import THREADS, compose, make_worker, run_until_stopped  # noqa: PLC0415  (loads Temporal)

    async with AsyncExitStack() as stack:
        client, ui = await _connect(desk, stack)
        parts = compose(desk.settings, desk.store, client)
        await _schedule(desk, client)
        _welcome(desk, client, ui)
        executor = stack.enter_context(ThreadPoolExecutor(THREADS, thread_name_prefix="activity"))
        await run_until_stopped(make_worker(desk.settings, client, parts, executor))
        log.info("Stopped")


async def _connect(desk: Desk, stack: AsyncExitStack) -> tuple[Client, str | None]:
    """A client, and where the UI is: of the server that is configured, or of the embedded one."""
    from keepwell.temporal.connect import connect, connect_to, external_profile  # noqa: PLC0415
    from keepwell.temporal.embedded import embedded_server  # noqa: PLC0415
    from keepwell.temporal.search_attributes import register as register_attributes  # noqa: PLC0415
    from keepwell.temporal.ui import ui_base  # noqa: PLC0415

    if external_profile() is not None:
        client = await connect(desk.settings)
        await register_attributes(client)
        return client, ui_base(desk.settings)
    server = await stack.enter_async_context(embedded_server(desk.settings))
    whose = "started" if server.owned else "joined; another process owns it"
    log.info("Embedded Temporal server %s at %s (%s)", server.version, server.address, whose)
    return await connect_to(server.address), server.ui_url


async def _schedule(desk: Desk, client: Client) -> None:
    from keepwell.temporal.schedules import ensure_schedules  # noqa: PLC0415

    row = desk.organisation
    settings, every = desk.settings, timedelta(seconds=desk.settings.monitor_seconds)
    await ensure_schedules(client, row.id, desk.zone.key, settings.task_queue, settings.churn_retrain, every)


def _welcome(desk: Desk, client: Client, ui: str | None) -> None:
    where = client.service_client.config.target_host
    log.info("Working for %s on %s, task queue %s", desk.organisation.key, where, desk.settings.task_queue)
    log.info("Database: %s", desk.settings.safe_database_url)
    log.info("Every customer is scored daily at 02:00 %s; now: keepwell score", desk.zone.key)
    if ui:
        log.info("Runs: %s", ui)
    if desk.settings.sending == "outbox":
        log.info("Messages are kept, not sent: keepwell outbox")
    log.info("Ctrl-C stops it")
    sys.stderr.flush()
