"""Timing and printing for benchmarks."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from rich.console import Console
from rich.table import Table


def seconds(work: Callable[[], object], runs: int = 5) -> float:
    """The median wall time of some runs, in seconds, after one that does not count."""
    work()
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return median(times)


def show(title: str, rows: int, measured: dict[str, float], baseline: str) -> None:
    """Print rows a second and the ratio to the baseline (its time is 1.0)."""
    table = Table(title=f"{title} ({rows:,} rows, median)")
    for name in ("what", "seconds", "rows a second", f"time, {baseline} = 1.0"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for what, took in measured.items():
        table.add_row(what, f"{took:.3f}", f"{rows / took:,.0f}", f"{took / measured[baseline]:.2f}")
    Console(width=110).print(table)
