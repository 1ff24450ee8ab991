"""A fake in a process of its own, which outlives the death of every worker."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.fakes.server import Act, Fake, Rule, Weather

ROOT = Path(__file__).parents[2]


class Remote:
    """Reads and scripts a fake by its address."""

    def __init__(self, address: str, url: str) -> None:
        self.address = address
        self.url = url
        """The base address for an adapter."""

    def counts(self) -> Counter[str]:
        """How often a message was accepted, by the ledger's key."""
        return Counter(self._ask("/_accepted")["counts"])

    def accepted(self) -> list[dict[str, Any]]:
        """The messages that were accepted: key, at (Unix time), content, identifier."""
        messages: list[dict[str, Any]] = self._ask("/_accepted")["messages"]
        return messages

    def requests(self) -> list[tuple[str, str, float]]:
        """The requests that came, accepted or not: path, key, at (Unix time)."""
        return [(path, key, at) for path, key, at in self._ask("/_requests")]

    def script(self, *, path: str = "", key: str = "", times: int | None = None, **act: Any) -> None:
        """Add a rule."""
        self._ask("/_script", Rule(act=Act(**act), path=path, key=key, times=times).model_dump_json())

    def turn(self, weather: Weather) -> None:
        """Let requests go wrong at random."""
        self._ask("/_weather", weather.model_dump_json())

    def reset(self) -> None:
        """Forget the rules and the weather."""
        self._ask("/_reset", "{}")

    def let_go(self) -> None:
        """Let what is held go on, and hold nothing any more."""
        self._ask("/_let_go", "{}")

    def _ask(self, path: str, body: str | None = None) -> Any:
        with urlopen(Request(self.address + path, data=body.encode() if body else None)) as answer:
            return json.load(answer)


@contextmanager
def spawned(name: str, log: Path) -> Iterator[Remote]:
    """A fake ("sendgrid" or "slack") in a process of its own; what it accepts is in the log too."""
    command = [sys.executable, "-m", f"tests.fakes.{name}", "--log", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            address, url = process.stdout.readline().split()
            yield Remote(address, url)
        finally:
            process.terminate()


def serve(make: Callable[[int, Path | None], Fake]) -> None:
    """The program: print the address and the base address for an adapter, serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--log", type=Path, help="a file that gets a line of JSON for each accepted message")
    given = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with make(given.port, given.log) as fake:
        print(fake.address, fake.url, flush=True)  # noqa: T201  (who started it reads this)
        stop.wait()
