"""`keepwell serve` as a process, to be killed (-9) and started again, and who asks it over HTTP."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2

from tests.environment import other_variables
from tests.ports import KeptPort

KEEPWELL = Path(sys.executable).parent / "keepwell"
ANSWER = 10.0
"""Seconds that a mail program or SendGrid waits for an answer, at most."""


class Web:
    """The process, on one port for its whole life. `settings` are its variables.

    `answers` counts what it said, by status.
    """

    def __init__(self, settings: Mapping[str, str], log: Path) -> None:
        self._port = KeptPort()
        self.port = self._port.number
        self.settings = {**settings, "KEEPWELL_PUBLIC_URL": self.url}
        self.answers = Counter[str]()
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._client = httpx2.AsyncClient(base_url=self.url, timeout=ANSWER, trust_env=False)

    @property
    def url(self) -> str:
        """Where it is, also while it is down."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; it answers a little later."""
        environment = {**other_variables(), **self.settings}
        command = [str(KEEPWELL), "serve", "--port", str(self.port)]
        with self._log.open("ab") as stream:
            self._process = subprocess.Popen(
                command, cwd=self._log.parent, env=environment, stdout=stream, stderr=stream
            )

    def ended(self) -> bool:
        """Whether it has ended by itself: it finds no database when it starts, say."""
        return self._process is not None and self._process.poll() is not None

    def kill(self) -> None:
        """End it like a power cut."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)
            self._process = None

    async def ask(self, method: str, path: str, **given: Any) -> httpx2.Response | None:
        """One request; None where there is no answer, or one that says: come again."""
        try:
            answer = await self._client.request(method, path.removeprefix(self.url), **given)
        except httpx2.HTTPError:
            self.answers["none"] += 1
            return None
        self.answers[str(answer.status_code)] += 1
        return None if answer.status_code == 503 else answer

    async def insist(self, method: str, path: str, **given: Any) -> httpx2.Response:
        """The same, again until there is an answer."""
        while True:
            answer = await self.ask(method, path, **given)
            if answer is not None:
                return answer
            await asyncio.sleep(0.4)

    def broken(self) -> list[str]:
        """What it said of errors that nobody had thought of."""
        lines = self._log.read_text(errors="replace").splitlines()
        return [f"{self._log.name}: {lines[n - 1]}" for n, line in enumerate(lines) if "Traceback (" in line]

    async def close(self) -> None:
        """End the process, and let go of its connections."""
        self.kill()
        self._port.give_back()
        await self._client.aclose()


async def run(settings: Mapping[str, str], *words: str) -> int:
    """A command of ours with these settings; its exit code."""
    environment = {**other_variables(), **settings, "PATH": os.environ["PATH"]}
    process = await asyncio.create_subprocess_exec(
        str(KEEPWELL),
        *words,
        env=environment,
        cwd=settings["KEEPWELL_HOME"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return await process.wait()
