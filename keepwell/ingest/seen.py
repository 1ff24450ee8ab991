"""Which keys of a file have been stored already, and from which line."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

_Run = tuple[NDArray[np.uint64], NDArray[np.uint64]]


class Seen:
    """Remembers keys by a 64-bit digest and their line: 16 bytes a row, 16 MB for a million.

    Two keys of a million share a digest once in 37 million files. Whoever asks therefore looks into the
    store, too: a key that is not there was not seen.

    The digests lie in sorted runs, each at least twice as long as the next, so that adding stays cheap.
    """

    def __init__(self) -> None:
        self._runs: list[_Run] = []

    def find(self, keys: Sequence[str]) -> list[int]:
        """The line of each key, 0 for one that was not added."""
        wanted = _digests(keys)
        found = np.zeros(len(keys), dtype=np.uint64)
        for digests, lines in self._runs:
            at = np.minimum(np.searchsorted(digests, wanted), len(digests) - 1)
            found = np.where(digests[at] == wanted, lines[at], found)
        return [int(line) for line in found]

    def add(self, keys: Sequence[str], lines: Sequence[int]) -> None:
        """Remember keys that are not there yet."""
        if not keys:
            return
        run = _sorted(_digests(keys), np.array(lines, dtype=np.uint64))
        while self._runs and len(self._runs[-1][0]) < 2 * len(run[0]):
            last = self._runs.pop()
            run = _sorted(np.concatenate((last[0], run[0])), np.concatenate((last[1], run[1])))
        self._runs.append(run)


def _digests(keys: Sequence[str]) -> NDArray[np.uint64]:
    joined = b"".join(blake2b(key.encode(), digest_size=8).digest() for key in keys)
    return np.frombuffer(joined, dtype=np.uint64)


def _sorted(digests: NDArray[np.uint64], lines: NDArray[np.uint64]) -> _Run:
    order = np.argsort(digests)
    return digests[order], lines[order]
