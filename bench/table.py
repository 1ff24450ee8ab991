"""Timing and printing for benchmarks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
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


def grid(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> None:
    """Print a table of words and figures, the first column to the left; `note` says how it was measured."""
    table = Table(title=title, caption=note or None, caption_justify="left")
    for place, head in enumerate(heads):
        table.add_column(head, justify="left" if place == 0 else "right")
    for row in rows:
        table.add_row(*row)
    Console(width=120).print(table)
