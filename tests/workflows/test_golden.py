"""Each playbook's timeline, line by line. A changed delay replays without complaint; this notices it.

After an intended change: KEEPWELL_UPDATE_GOLDEN=1 pytest tests/workflows/test_golden.py, then read the diff.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.workflows.scenarios import SCENARIOS, WITHOUT_CONTACTS
from tests.workflows.stage import Stage

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", SCENARIOS)
async def test_timeline_is_as_recorded(name: str, stage: Stage) -> None:
    key = stage.customer("acme", contacts=0 if name in WITHOUT_CONTACTS else 2)
    await SCENARIOS[name](stage, key)
    lines = [
        line
        for row in stage.interventions(key)
        for line in (f"{row.playbook}@{row.version} → {row.outcome}", *stage.timeline(row.id), "")
    ]
    lines += [f"task {task.kind} {task.state}: {task.title}" for task in stage.tasks(key)]
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("KEEPWELL_UPDATE_GOLDEN"):
        path.write_text("\n".join(lines) + "\n")
    assert lines == path.read_text().splitlines()
