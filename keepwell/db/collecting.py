"""Python's search for cycles while many rows are put together."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

SELDOM = 100_000
"""New objects between two searches, within `seldom_collected`. Python's own figure is 700."""


class _Within:
    """How many threads are within, and the thresholds to go back to when the last has left."""

    def __init__(self) -> None:
        self._lock, self._count, self._usual = Lock(), 0, gc.get_threshold()

    def enter(self) -> None:
        with self._lock:
            if self._count == 0:
                self._usual = gc.get_threshold()
                gc.set_threshold(max(SELDOM, self._usual[0]) if self._usual[0] else 0, *self._usual[1:])
            self._count += 1

    def leave(self) -> None:
        with self._lock:
            self._count -= 1
            if self._count == 0:
                gc.set_threshold(*self._usual)


_within = _Within()


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Search for cycles seldom within: a batch makes hundreds of thousands of rows, and no cycle.

    Each search walks through those rows again; that was a fifth of a daily run. It holds for the whole
    process, until the last thread has left.
    """
    _within.enter()
    try:
        yield
    finally:
        _within.leave()
