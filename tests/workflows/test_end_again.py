"""A run whose worker dies when the end is in the store, and not in the run's history."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from keepwell.db.engine import Store
from tests.e2e.test_kills import died, worker
from tests.workflows.consistency import codes, consistent, decided
from tests.workflows.stage import stage as open_stage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


async def test_an_end_that_is_written_stands_whatever_arrives_before_its_task_is_tried_again(
    sqlite_store: Store, temporal_address: str, tmp_path: Path
) -> None:
    """Well again, and the worker dies in the end; then as bad as before. The recovery is not taken back.

    Whoever reads both at once would say that nothing has changed, and go on with what is over.
    """
    marker = tmp_path / "died"
    async with open_stage(sqlite_store, temporal_address, works=False) as stage:
        key = stage.customer("acme")
        with worker(stage, temporal_address, tmp_path, "after_end", marker) as process:
            await stage.score(key, 30)
            await stage.opened(key)
            await stage.score(key, 75)
            await died(process)
        assert stage.interventions(key)[0].outcome == "recovered"
        await stage.score(key, 30)
        run = stage.handle(key)
        with worker(stage, temporal_address, tmp_path, "never", marker):
            await decided(stage, key, 3)
            result = await asyncio.wait_for(run.result(), 120)
        assert result["outcome"] == "recovered"
        assert [row.outcome for row in stage.interventions(key)] == ["recovered"]
        assert codes(stage, key) == ["started", "recovered", "cooldown"]
        consistent(stage, key)
