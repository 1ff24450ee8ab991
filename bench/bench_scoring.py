"""Scoring beside its baselines: NumPy's bare weighted sum, and a validated pydantic model a row.

The baselines do far less. The bare sum multiplies and adds numbers that are points already, knows of no
missing value and writes one number a customer, in a library that reads each number once: a score with its
reasons takes more than three times that. The straight one makes points of raw values first, by one line each.

Measured beside them is what the daily run calls, `summarise` and `trend_of`, on partitions as it has them,
step by step. All read the same million customers of the `intervention` scorecard's 17 metrics from memory,
one after the other in each of several rounds, so that what else the machine does strikes them alike.
"""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, Field, create_model

from bench.processes import ROOT
from bench.scoring_data import CARD, PARTITION, Part, part_of
from bench.table import grid
from scoring.arrays import FloatArray
from scoring.kernel import Totals, empty_totals, in_chunks
from scoring.normalise import span
from scoring.plan import plan_of

ROWS = 1_000_000
ROUNDS = 5
BARE_ROWS = 16_384
ROW_BY_ROW = 10_000
WEIGHTS = np.array([metric.weight for metric in CARD.metrics])
BARE = "bare: values @ weights, chunks of 16,384"
STRAIGHT = "straight: the same after one line a metric"
PYDANTIC = "row by row: pydantic model, score in Python"
FULL = "+ trend of 30 days: IN FULL"
SEEN = 7.5e6
"""Customers a second of a weighted sum in NumPy chunks, on the machine where the aim was set."""
Work = Callable[[], object]


def bare(values: FloatArray) -> FloatArray:
    """The weighted sum of what is there, and nothing else."""
    found = np.empty(len(values))
    for start in range(0, len(values), BARE_ROWS):
        rows = slice(start, start + BARE_ROWS)
        np.matmul(values[rows], WEIGHTS, out=found[rows])
    return found


def normalised(values: FloatArray) -> FloatArray:
    """The same after one straight line for each metric, from its least to its greatest value."""
    spans = np.array([span(metric.normalise) for metric in CARD.metrics])
    low, width = spans[:, 0], spans[:, 1] - spans[:, 0]
    found = np.empty(len(values))
    for start in range(0, len(values), BARE_ROWS):
        rows = slice(start, start + BARE_ROWS)
        np.matmul(np.clip((values[rows] - low) / width, 0.0, 1.0), WEIGHTS, out=found[rows])
    return found


def row_by_row(values: FloatArray) -> list[tuple[float | None, str | None]]:
    """Score and level of each row by itself: validated, normalised, weighted by what is there."""
    names = CARD.metric_names
    bounds = {m.name: (float | None, Field(ge=m.minimum, le=m.maximum)) for m in CARD.metrics}
    model: type[BaseModel] = create_model("Row", **bounds)  # type: ignore[call-overload]  # names are data
    lines = [(metric.name, metric.weight, *span(metric.normalise)) for metric in CARD.metrics]
    found: list[tuple[float | None, str | None]] = []
    for row in values:
        given = {
            name: None if math.isnan(value) else value
            for name, value in zip(names, row.tolist(), strict=True)
        }
        checked = model.model_validate(given)
        earned = weights = 0.0
        for name, weight, low, high in lines:
            value = getattr(checked, name)
            if value is not None:
                earned += weight * min(max((value - low) / (high - low), 0.0), 1.0)
                weights += weight
        score = 100.0 * earned / weights if weights >= 50 else None
        level = None if score is None else next(b.level.value for b in CARD.bands if score >= b.lower)
        found.append((score, level))
    return found


def totals(part: Part) -> None:
    """The first step of the summary alone: no ranking."""
    plan = plan_of(CARD)
    out = Totals(**empty_totals(plan, len(part.values)))
    in_chunks(plan, part.values, part.ages, out, lambda _, __: None)


def steps(parts: list[Part], pool: ThreadPoolExecutor, threads: int) -> dict[str, Work]:
    """What is measured of the product, each with a little more than the one before.

    Threads work at partitions side by side, as a worker does.
    """

    def each(work: Callable[[Part], object]) -> Work:
        def quietly(part: Part) -> None:
            work(part)

        return lambda: deque(map(quietly, parts) if threads == 1 else pool.map(quietly, parts), maxlen=0)

    works: dict[str, Work] = {
        "score, categories, level, coverage": each(totals),
        "+ top 3 risk factors": each(Part.summarise),
        FULL: each(Part.in_full),
    }
    return {f"{name}, {threads}×": work for name, work in works.items()}


class Took(NamedTuple):
    """Seconds by the clock, and of processor time over all threads."""

    wall: float
    cpu: float


def measure(works: dict[str, Work], rounds: int = ROUNDS) -> dict[str, Took]:
    """The medians of each, in rounds of all, after one round that does not count."""
    times: dict[str, list[Took]] = {name: [] for name in works}
    for turn in range(rounds + 1):
        for name, work in works.items():
            began, used = time.perf_counter(), time.process_time()
            work()
            if turn:
                times[name].append(Took(time.perf_counter() - began, time.process_time() - used))
    return {
        name: Took(median(one.wall for one in taken), median(one.cpu for one in taken))
        for name, taken in times.items()
    }


def memory(rows: int, threads: int) -> tuple[float, int, str]:
    """Peak MB, customers with a score and a digest of a process that scores so many in full."""
    command = [sys.executable, "-m", "bench.scoring_memory", str(rows), str(threads)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return int(told[0]) / 1e6, int(told[1]), told[2]


def show_speed() -> None:
    """Measure and print the speeds."""
    whole = part_of(ROWS)
    parts, filled = whole.parts(), np.ascontiguousarray(np.nan_to_num(whole.values))
    few = whole.values[:ROW_BY_ROW]
    del whole
    baselines: dict[str, Work] = {
        BARE: lambda: bare(filled),
        STRAIGHT: lambda: normalised(filled),
        PYDANTIC: lambda: row_by_row(few),
    }
    with ThreadPoolExecutor(2) as pool:
        took = measure(baselines | steps(parts, pool, 1) | steps(parts, pool, 2))
    took[PYDANTIC] = Took(*(seconds * ROWS / ROW_BY_ROW for seconds in took[PYDANTIC]))
    rows = [
        (
            name,
            f"{ROWS / one.wall:,.0f}",
            f"{one.cpu / ROWS * 1e9:,.0f}",
            f"{took[BARE].wall / one.wall:.3f}",
            f"{took[STRAIGHT].wall / one.wall:.2f}",
            f"{took[PYDANTIC].wall / one.wall:,.0f}",
        )
        for name, one in took.items()
    ]
    heads = ("what", "customers/s", "CPU ns each", "speed, bare = 1", "straight = 1", "row by row = 1")
    note = (
        f"Median of {ROUNDS} rounds; partitions of {PARTITION:,}, a tenth of the values missing; "
        f"row by row on {ROW_BY_ROW:,}."
    )
    grid(f"Scoring {ROWS:,} customers by 17 metrics", heads, rows, note)
    grid("What is aimed at", ("aim", "reached", "aimed at", ""), aims(took))


def aims(took: dict[str, Took]) -> list[tuple[str, str, str, str]]:
    """In full on two threads beside each baseline, and whether that is enough."""
    full = took[f"{FULL}, 2×"].wall
    wanted = (
        ("a third of the bare weighted sum", took[BARE].wall / full, 1 / 3),
        ("a third of the straight weighted sum", took[STRAIGHT].wall / full, 1 / 3),
        (f"a third of {SEEN / 1e6:g} million customers/s", ROWS / full / SEEN, 1 / 3),
        ("25 × row by row", took[PYDANTIC].wall / full, 25.0),
    )
    rows = []
    for aim, reached, least in wanted:
        judged = "reached" if reached >= least else f"{least / reached:.1f} × short"
        rows.append((aim, f"{reached:.3g}", f"{least:.3g}", judged))
    return rows


def show_memory() -> None:
    """Measure and print peak memory; two runs must give the same bytes."""
    first, second, ten = memory(ROWS, 1), memory(ROWS, 2), memory(10 * ROWS, 2)
    if first[2] != second[2]:
        raise SystemExit("two runs over the same customers gave different bytes")
    rows = [
        (name, f"{peak:,.0f}", f"{scored:,}", digest[:12])
        for name, (peak, scored, digest) in {
            f"{ROWS:,}, 1 thread": first,
            f"{ROWS:,}, 2 threads": second,
            f"{10 * ROWS:,}, 2 threads": ten,
        }.items()
    ]
    heads = ("customers, in full, each partition made when needed", "peak MB", "with a score", "digest")
    grid("Memory of the whole process, and the results' digest", heads, rows)


def main() -> None:
    """Measure and print."""
    # Memory first: a process begins with the peak of the one that starts it.
    show_memory()
    show_speed()


if __name__ == "__main__":
    main()
