"""Scores partitions that are made as they are needed; prints peak memory and a digest of all results.

`python -m bench.scoring_memory ROWS [THREADS]`; bench_scoring runs it in a process of its own.
"""

from __future__ import annotations

import resource
import sys
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import fields
from hashlib import sha256

import numpy as np

from bench.scoring_data import PARTITION, part_of
from scoring.summary import Summary
from scoring.trend import Trend

Result = tuple[Summary, Trend]


def main(rows: int, threads: int) -> None:
    """Score and print "<peak bytes> <rows with a score> <digest>"."""
    digest, scored = sha256(), 0
    under_way: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for number, start in enumerate(range(0, rows, PARTITION)):
            under_way.append(pool.submit(_scored, min(PARTITION, rows - start), number))
            while len(under_way) > (threads if start + PARTITION < rows else 0):
                summary, trend = under_way.popleft().result()
                scored += int(np.count_nonzero(~summary.insufficient))
                for result in (summary, trend):
                    for field in fields(result):
                        digest.update(np.ascontiguousarray(getattr(result, field.name).T).tobytes())
    unit = 1 if sys.platform == "darwin" else 1024
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit, scored, digest.hexdigest())


def _scored(rows: int, number: int) -> Result:
    return part_of(rows, number).in_full()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
