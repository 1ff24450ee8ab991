"""Workers killed (-9) at the worst instants: nothing is lost, nothing is sent or started twice."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from keepwell.contracts.scoring import ScoreRequest, ScoreSummary
from keepwell.db.engine import Store
from keepwell.db.tables import Intervention, OutboxMessage, Score, Transition
from keepwell.keys import new_id
from tests.workflows.stage import Stage, stage

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def start_worker(
    opened: Stage,
    address: str,
    home: Path,
    instant: str,
    marker: Path,
    variables: Mapping[str, str],
    log: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a worker process on the stage's store and task queue; what it says goes to `log`."""
    environment = {
        **os.environ,
        "KEEPWELL_HOME": str(home),
        "KEEPWELL_DATABASE_URL": opened.store.url.render_as_string(hide_password=False),
        "KEEPWELL_TASK_QUEUE": opened.parts.hand_over.task_queue,
        "KEEPWELL_PARTITION_SIZE": "50",
        "TEMPORAL_ADDRESS": address,
        **variables,
    }
    command = [sys.executable, "-m", "tests.e2e.killable_worker", instant, str(marker)]
    with log.open("ab") if log else nullcontext() as stream:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=stream, stderr=stream)


@contextmanager
def worker(
    opened: Stage, address: str, home: Path, instant: str, marker: Path, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process on the stage's store and task queue; it is ended with the block."""
    process = start_worker(opened, address, home, instant, marker, variables)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        # What it is at may take as long as it is let (`worker.GRACE`).
        process.wait(90)


async def died(process: subprocess.Popen[bytes], seconds: float = 120) -> None:
    """Wait until the process has killed itself."""
    code = await asyncio.to_thread(process.wait, seconds)
    assert code == -signal.SIGKILL


@pytest.mark.parametrize("instant", ["before_acceptance", "after_acceptance"])
async def test_between_sending_and_accepted(
    instant: str, sqlite_store: Store, temporal_address: str, tmp_path: Path
) -> None:
    marker = tmp_path / "died"
    async with stage(sqlite_store, temporal_address, works=False) as opened:
        key = opened.customer("acme")
        with worker(opened, temporal_address, tmp_path, instant, marker) as process:
            await opened.score(key, 12)
            await died(process)
        assert [row.state for row in opened.deliveries(key)] == ["sending"]
        assert len(opened.outbox(key)) == (0 if instant == "before_acceptance" else 1)
        with worker(opened, temporal_address, tmp_path, "never", marker):
            await opened.eventually(
                lambda: [row.state for row in opened.deliveries(key)],
                lambda states: states.count("accepted") == 2,
                90,
            )
        assert set(Counter(row.key for row in opened.outbox(key)).values()) == {1}
        await opened.handle(key).terminate("the test is over")


@pytest.mark.parametrize("instant", ["before_partition", "after_partition", "after_start"])
async def test_in_the_daily_run(
    instant: str, sqlite_store: Store, temporal_address: str, tmp_path: Path
) -> None:
    marker = tmp_path / "died"
    async with stage(sqlite_store, temporal_address, works=False) as opened:
        keys = [opened.customer(f"c{number:03}", contacts=0) for number in range(200)]
        fallen = keys[::20]
        for key in keys:
            opened.world.at_points(key, 12 if key in fallen else 72, datetime.now(UTC))
        with worker(opened, temporal_address, tmp_path, instant, marker) as process:
            run = await _start(opened)
            await died(process)
        with worker(opened, temporal_address, tmp_path, "never", marker):
            summary: ScoreSummary = await run.result()
            await opened.eventually(
                lambda: [row.decision for row in opened.rows(Transition)], lambda found: None not in found, 60
            )
        assert (summary.customers, summary.scored, summary.transitions) == (200, 200, 10)
        assert summary.started + summary.signalled + summary.refused == 10
        scored = Counter(row.customer_id for row in opened.rows(Score) if not row.baseline)
        assert set(scored.values()) == {1}
        assert sorted(row.customer_id for row in opened.rows(Intervention)) == fallen
        assert set(Counter(row.key for row in opened.rows(OutboxMessage)).values()) <= {1}
        for key in fallen:
            await opened.handle(key).terminate("the test is over")


async def _start(opened: Stage) -> WorkflowHandle[Any, ScoreSummary]:
    request = ScoreRequest(organisation=opened.world.organisation, as_of=datetime.now(UTC))
    return await opened.skipper.client.start_workflow(
        "DailyScoring",
        request,
        id=f"kill-{new_id()}",
        task_queue=opened.parts.hand_over.task_queue,
        result_type=ScoreSummary,
    )
