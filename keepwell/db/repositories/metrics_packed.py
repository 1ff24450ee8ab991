"""The newest values of a customer's metrics in one piece of bytes, read and merged as arrays.

24 bytes a metric, little-endian, in the order of the keys: key, moment, value. The key is the beginning of
the SHA-256 of the metric's name, so that no table of names has to be kept; of a thousand names, two share
one with a chance of 1 in 10^13. The moment is in microseconds since 1970 in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from scoring.arrays import FloatArray

RECORD = np.dtype([("key", "<u8"), ("at", "<i8"), ("value", "<f8")])
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECONDS_A_DAY = 86_400.0
Measurement = tuple[str, str, datetime, float]
"""Customer, metric, moment, value."""


@lru_cache(maxsize=10_000)
def key_of(name: str) -> int:
    """The key of a metric's name."""
    return int.from_bytes(sha256(name.encode()).digest()[:8], "little")


def is_sound(packed: bytes | None) -> bool:
    """Whether these are whole records; anything else is read from the history."""
    return packed is not None and len(packed) % RECORD.itemsize == 0


def spread(
    packed: Sequence[bytes], names: Sequence[str], as_of: datetime
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Values and ages (n, m) of n customers by m names, as `scores_read.Latest` has them.

    The last array (n,) says for whom a value is newer than `as_of`, so that an older one has to be looked up.
    """
    size, width = len(packed), len(names)
    # Metric by metric in memory, as they are read that way.
    values, ages = np.full((width, size), np.nan).T, np.full((width, size), np.nan).T
    newer = np.zeros(size, dtype=np.bool_)
    records = np.frombuffer(b"".join(packed), RECORD)
    if not len(records) or not width:
        return values, ages, newer
    keys = np.array([key_of(name) for name in names], dtype="<u8")
    order = np.argsort(keys)
    place = np.minimum(np.searchsorted(keys[order], records["key"]), width - 1)
    column = order[place]
    wanted = keys[column] == records["key"]
    row = np.repeat(np.arange(size), [len(one) // RECORD.itemsize for one in packed])[wanted]
    column, records = column[wanted], records[wanted]
    old = _micros(as_of) - records["at"]
    newer[row[old < 0]] = True
    values[row, column] = records["value"]
    # As timedelta.total_seconds() counts, to the last bit.
    ages[row, column] = np.where(np.isnan(records["value"]), np.nan, old / 1e6 / SECONDS_A_DAY)
    return values, ages, newer


def merged(packed: Mapping[str, bytes], measured: Iterable[Measurement]) -> dict[str, bytes]:
    """The customers' packed values with these measurements; a later one of the same moment counts."""
    rows = list(measured)
    customers = sorted({*packed, *(row[0] for row in rows)})
    place = {customer: number for number, customer in enumerate(customers)}
    old = np.frombuffer(b"".join(packed.get(customer, b"") for customer in customers), RECORD)
    sizes = [len(packed.get(customer, b"")) // RECORD.itemsize for customer in customers]
    new = np.array([(key_of(name), _micros(at), value) for _, name, at, value in rows], dtype=RECORD)
    who = np.concatenate(
        [
            np.repeat(np.arange(len(customers)), sizes),
            np.array([place[row[0]] for row in rows], dtype=np.intp),
        ]
    )
    records = np.concatenate([old, new])
    # The sort is stable: of the same moment, what came last stays last.
    order = np.lexsort((records["at"], records["key"], who))
    who, records = who[order], records[order]
    last = np.ones(len(records), dtype=np.bool_)
    last[:-1] = (who[1:] != who[:-1]) | (records["key"][1:] != records["key"][:-1])
    content = records[last].tobytes()
    ends = np.cumsum(np.bincount(who[last], minlength=len(customers))) * RECORD.itemsize
    starts = [0, *ends.tolist()][: len(customers)]
    return {
        customer: content[start:end]
        for customer, start, end in zip(customers, starts, ends.tolist(), strict=True)
    }


def _micros(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)
