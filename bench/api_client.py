"""A client with a fixed number of connections, each of which asks again as soon as it has its answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from types import TracebackType

OK = 200


class Connections:
    """So many connections that are kept open, each asked by a thread of its own."""

    def __init__(self, port: int, number: int) -> None:
        self._all = [HTTPConnection("127.0.0.1", port) for _ in range(number)]
        self._threads = ThreadPoolExecutor(number)

    def __enter__(self) -> Connections:
        return self

    def __exit__(
        self, _k: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        self._threads.shutdown()
        for one in self._all:
            one.close()

    def body(self, path: str, headers: Mapping[str, str]) -> bytes:
        """What the server answers, by the first connection."""
        return _asked(self._all[0], path, headers)[1]

    def one(self, path: str, headers: Mapping[str, str]) -> float:
        """Ask by the first connection; seconds until the whole answer is there."""
        return _asked(self._all[0], path, headers)[0]

    def burst(self, path: str, headers: Mapping[str, str], each: int) -> tuple[list[float], float]:
        """Ask by all at once, each so many times; the seconds of each answer, and those of the whole."""

        def lane(connection: HTTPConnection) -> list[float]:
            return [_asked(connection, path, headers)[0] for _ in range(each)]

        began = time.perf_counter()
        found = [took for lanes in self._threads.map(lane, self._all) for took in lanes]
        return found, time.perf_counter() - began


def _asked(connection: HTTPConnection, path: str, headers: Mapping[str, str]) -> tuple[float, bytes]:
    began = time.perf_counter()
    connection.request("GET", path, headers=dict(headers))
    response = connection.getresponse()
    body = response.read()
    took = time.perf_counter() - began
    if response.status != OK:
        # A fast error would be the best figure of the table.
        raise SystemExit(f"{path} answered {response.status}: {body[:300]!r}")
    return took, body
