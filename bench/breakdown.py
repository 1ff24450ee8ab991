"""Tables that say where events and processor time go."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHandle

from bench.profile import PART, SANDBOX
from bench.table import grid


async def kinds(handle: WorkflowHandle[Any, Any]) -> Counter[str]:
    """The events of a run by their kind."""
    history = await handle.fetch_history()
    names = (str(event.WhichOneof("attributes")) for event in history.events)
    return Counter(name.removesuffix("_event_attributes") for name in names)


def show_kinds(histories: Mapping[str, Counter[str]]) -> None:
    """The events of a run of each kind, side by side."""
    every = sorted({kind for one in histories.values() for kind in one})
    rows = [[kind, *(str(one[kind]) for one in histories.values())] for kind in every]
    rows.append(["all", *(str(one.total()) for one in histories.values())])
    grid("Events of one run", ("event", *histories), rows)


def show_profile(name: str, report: Path) -> None:
    """What a worker noted, per run; it made a sandbox for each. One that had to be killed noted nothing."""
    if not report.exists():
        print(f"  ! {name}: the worker was too busy to end in time, so where its time went is not known")
        return
    noted = json.loads(report.read_text())
    count, cpu, wall = noted["count"], noted["cpu"], noted["wall"]
    runs = count[SANDBOX]
    rows = [
        [
            what,
            f"{count.get(what, 0) / runs:.1f}",
            f"{1000 * used / runs:.1f}",
            f"{1000 * wall.get(what, 0) / max(1, count.get(what, 1)):.1f}",
            f"{noted['statements'].get(what, 0) / max(1, count.get(what, 1)):.1f}",
        ]
        for what, used in sorted(cpu.items(), key=lambda one: (one[0].startswith(PART), -one[1]))
    ]
    rest = noted["process"] - sum(used for what, used in cpu.items() if not what.startswith(PART))
    rows.append(["the SDK's core and the rest", "", f"{1000 * rest / runs:.1f}", "", ""])
    grid(
        f"{name}: the worker's processor time",
        ("what", "times a run", "CPU ms a run", "wall ms each", "statements each"),
        rows,
        f"{PART}: within the activities above, not in addition.",
    )
