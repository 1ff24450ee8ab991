"""A million customers: the same bits as each of them alone, and the same bytes whenever they are scored."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from hashlib import blake2b
from itertools import accumulate, cycle

import numpy as np
import pytest
from numpy.typing import NDArray

from scoring.arrays import CHUNK_ROWS, FloatArray
from scoring.load import builtin
from scoring.summary import Summary, summarise
from scoring.trend import Trend, trend_of

CARD = builtin("intervention")
METRICS = len(CARD.metrics)
CUSTOMERS = 1_000_000
DAYS = range(-7, 1)
Result = dict[str, NDArray[np.generic]]


class Portfolio:
    """Values, ages and a week's scores of a million customers, as float32 and bytes: half the memory."""

    def __init__(self) -> None:
        dice = np.random.default_rng(20261122)
        self._values = dice.random((METRICS, CUSTOMERS), dtype=np.float32)
        self._values *= np.float32(110)
        self._values -= np.float32(2)
        self._values[dice.integers(0, 8, self._values.shape, dtype=np.uint8) == 0] = np.nan
        self._ages = dice.integers(0, 30, (METRICS, CUSTOMERS), dtype=np.uint8)
        self._week = dice.random((CUSTOMERS, len(DAYS)), dtype=np.float32)
        self._week[dice.integers(0, 8, self._week.shape, dtype=np.uint8) == 0] = np.nan
        self._week[::1000] = np.nan

    def scored(self, rows: slice) -> Result:
        """Everything that the daily run computes of some of them, by name."""
        found = summarise(CARD, self._values[:, rows].T.astype(np.float64), self._ages[:, rows].T)
        days: FloatArray = self._week[rows].astype(np.float64) * 100
        days[:, -1] = np.where(found.insufficient, days[:, -1], found.score)
        trend = trend_of(days, DAYS, CARD.trend_threshold)
        own = {field.name: getattr(found, field.name) for field in fields(Summary)}
        return own | {f"trend {field.name}": getattr(trend, field.name) for field in fields(Trend)}


@pytest.fixture(scope="module")
def portfolio() -> Portfolio:
    return Portfolio()


def parts(sizes: Iterable[int]) -> Iterator[slice]:
    """Partitions of these sizes, again and again, that cover everybody."""
    start = 0
    for stop in accumulate(cycle(sizes)):
        yield slice(start, min(stop, CUSTOMERS))
        if stop >= CUSTOMERS:
            return
        start = stop


def digests(portfolio: Portfolio, sizes: Iterable[int], threads: int) -> dict[str, str]:
    """A digest of each array in the order of the customers, whatever the partitions; and who is in them."""
    found: dict[str, blake2b] = {}
    seen = 0
    with ThreadPoolExecutor(threads) as pool:
        for result in _in_order(pool, portfolio, list(parts(sizes)), threads):
            seen += len(result["score"])
            for name, array in result.items():
                found.setdefault(name, blake2b()).update(np.ascontiguousarray(array).tobytes())
    assert seen == CUSTOMERS
    return {name: digest.hexdigest() for name, digest in found.items()}


def _in_order(
    pool: ThreadPoolExecutor, portfolio: Portfolio, slices: list[slice], threads: int
) -> Iterator[Result]:
    """The results one after the other, while no more than so many are under way."""
    for start in range(0, len(slices), threads):
        yield from pool.map(portfolio.scored, slices[start : start + threads])


def test_a_million_customers_scored_twice_give_identical_bytes(portfolio: Portfolio) -> None:
    first = digests(portfolio, [10_000], threads=1)
    again = digests(portfolio, [1, CHUNK_ROWS, 10_000, 3, CHUNK_ROWS + 1, 77_777], threads=2)
    assert first == again
    assert len(first) == len(fields(Summary)) + len(fields(Trend))


def test_one_customer_alone_and_in_a_million_give_the_same_bits(portfolio: Portfolio) -> None:
    borders = [place + beside for place in range(CHUNK_ROWS, CUSTOMERS, CHUNK_ROWS) for beside in (-1, 0)]
    wanted = {0, CUSTOMERS - 1, *borders, *np.random.default_rng(4).integers(0, CUSTOMERS, 300).tolist()}
    looked_at, directions = 0, set[int]()
    for part in parts([CUSTOMERS // 3 + 1]):
        whole = portfolio.scored(part)
        directions.update(np.unique(whole["trend direction"]).tolist())
        for row in wanted & set(range(part.start, part.stop)):
            looked_at += 1
            for name, array in portfolio.scored(slice(row, row + 1)).items():
                assert array.tobytes() == whole[name][row - part.start].tobytes(), (row, name)
    assert looked_at == len(wanted)
    assert directions == {-1, 0, 1, 2}
