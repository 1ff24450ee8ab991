"""A worker in a process of its own, so that its processor time can be told from everybody else's.

    python -m bench.work ours|same|bare [PROFILE]

The settings come from the environment, as for `keepwell worker`; "ours" is what that command runs, less
its Schedules and its server. With PROFILE it notes where the time goes and writes that file at the end.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from temporalio.client import Client
from temporalio.worker import Worker

from bench.bare import Bare, do_nothing, post_once, write_row
from bench.processes import READY
from bench.profile import Profile
from bench.same import Same
from keepwell.settings import load_settings
from keepwell.temporal.connect import connect
from keepwell.temporal.converter import DATA_CONVERTER
from worker import (
    ACTIVITIES,
    CACHED_RUNS,
    RUNS,
    THREADS,
    compose,
    make_worker,
    open_store,
    run_until_stopped,
)


async def ours(profile: Profile | None, workflows: Sequence[type] = ()) -> None:
    """The production parts; with other workflows than theirs where some are given."""
    settings = load_settings()
    store, client = open_store(settings), await connect(settings)
    if profile is not None:
        profile.watch(store.engine)
        profile.watch_parts()
        client = Client(client.service_client, data_converter=DATA_CONVERTER, interceptors=[profile])
    parts = compose(settings, store, client)
    parts = replace(parts, workflows=workflows or parts.workflows)
    with ThreadPoolExecutor(THREADS) as executor:
        await _work(make_worker(settings, client, parts, executor), profile)


async def bare(profile: Profile | None) -> None:
    """The SDK's own data converter and sandbox, and as many tasks at once as Keepwell's worker takes."""
    settings = load_settings()
    address = (await connect(settings)).service_client.config.target_host
    client = await Client.connect(address, interceptors=[profile] if profile else [])
    with ThreadPoolExecutor(THREADS) as executor:
        worker = Worker(
            client,
            task_queue=settings.task_queue,
            build_id="bare",
            workflows=[Bare],
            activities=[do_nothing, write_row, post_once],
            activity_executor=executor,
            max_concurrent_activities=ACTIVITIES,
            max_concurrent_workflow_tasks=RUNS,
            max_cached_workflows=CACHED_RUNS,
        )
        await _work(worker, profile)


async def _work(worker: Worker, profile: Profile | None) -> None:
    if profile is not None:
        profile.begin()
    print(READY, flush=True)
    await run_until_stopped(worker)


def main(which: str, report: str | None = None) -> None:
    """Work until SIGTERM."""
    profile = Profile() if report else None
    work = {
        "ours": partial(ours, profile),
        "same": partial(ours, profile, [Same]),
        "bare": partial(bare, profile),
    }
    asyncio.run(work[which]())
    if profile is not None and report is not None:
        Path(report).write_text(profile.json())


if __name__ == "__main__":
    main(*sys.argv[1:])
