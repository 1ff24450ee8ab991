"""Keeps the histories of a test's runs, for the replay tests."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.workflows.stage import Stage

_TRACE = re.compile(r'("stackTrace": )"(?:[^"\\]|\\.)*"')
HISTORIES = Path(__file__).parents[1] / "replay" / "histories"


async def record(stage: Stage, name: str) -> None:
    """Keep every run of the stage's organisation under `name`; only if KEEPWELL_RECORD_HISTORIES is set.

    It is the name of a set of histories. The file of a run says its workflow and its place among them.
    """
    chosen = os.environ.get("KEEPWELL_RECORD_HISTORIES")
    if not chosen:
        return
    client = stage.skipper.client
    found = [run async for run in client.list_workflows() if stage.world.organisation in run.id]
    folder = HISTORIES / chosen / name
    folder.mkdir(parents=True, exist_ok=True)
    for number, run in enumerate(sorted(found, key=lambda one: (one.start_time, one.run_id))):
        history = await client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
        # A stack trace holds paths of the machine that recorded it.
        text = _TRACE.sub(r'\1""', history.to_json())
        (folder / f"{number}-{run.workflow_type}.json").write_text(text)
