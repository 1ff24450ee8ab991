"""Renders in a process of its own, which is stopped when it takes too long or needs too much memory."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from keepwell.contracts.rendering import Context, Rendered
from keepwell.errors import ConfigurationError, TemplateStoppedError
from keepwell.rendering.bundle import Bundle
from keepwell.rendering.limits import (
    CHECK_CPU_SECONDS,
    CPU_SECONDS,
    MEMORY_MB,
    REPLY_BYTES,
    START_SECONDS,
    WALL_SECONDS,
)

REMEMBERED_SECONDS = 60.0
"""How long a template that was stopped is refused at once: others wait for the same process."""

_ROOT = Path(__file__).resolve().parents[2]
_CHUNK = 65_536


def render(bundle: Bundle, context: Context, *, to_customers: bool | None) -> Rendered:
    """`rendering.render.render`, apart. Raises TemplateStoppedError besides, where a limit stopped it."""
    facts = context.model_dump(mode="json")
    return Rendered.model_validate(_CHILD.ask(bundle, "render", to_customers, facts))


def check(bundle: Bundle, *, to_customers: bool | None) -> None:
    """`rendering.check.check_bundle`, apart. Raises TemplateStoppedError besides, at a limit."""
    _CHILD.ask(bundle, "check", to_customers, None)


class _StoppedError(Exception):
    """The process ended before it answered; its words say at which limit."""


class _Child:
    """One process, started when it is first needed and again after it was stopped; one request at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped: dict[str, tuple[float, str]] = {}

    def ask(self, bundle: Bundle, do: str, to_customers: bool | None, context: object) -> Any:
        """What the process answers. Raises ConfigurationError naming the template and the limit."""
        request = {"do": do, "name": bundle.name, "files": bundle.files, "to_customers": to_customers}
        line = json.dumps({**request, "context": context}).encode() + b"\n"
        cpu = CHECK_CPU_SECONDS if do == "check" else CPU_SECONDS
        with self._lock:
            self._refuse_again(bundle)
            try:
                reply = self._exchange(line, cpu)
            except _StoppedError as stopped:
                self._stopped[bundle.hash] = (time.monotonic() + REMEMBERED_SECONDS, str(stopped))
                raise _stopped(bundle, str(stopped)) from stopped
        if "error" in reply:
            raise ConfigurationError(reply["error"], hint=reply["hint"])
        return reply["done"]

    def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            # What was not written any more goes with the process.
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()

    def _refuse_again(self, bundle: Bundle) -> None:
        now = time.monotonic()
        self._stopped = {key: one for key, one in self._stopped.items() if one[0] > now}
        if bundle.hash in self._stopped:
            raise _stopped(bundle, self._stopped[bundle.hash][1])

    def _exchange(self, line: bytes, cpu: int) -> dict[str, Any]:
        process = self._running()
        try:
            if process.stdin is not None:
                process.stdin.write(line)
                process.stdin.flush()
            return _read(process, WALL_SECONDS + cpu)
        except (EOFError, BrokenPipeError):
            code = process.wait()
            self.close()
            raise _StoppedError(_ended(code, cpu)) from None
        except _StoppedError:
            self.close()
            raise

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        self._process = process = subprocess.Popen(
            [sys.executable, "-B", "-m", "keepwell.rendering.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            # No credentials are in there, and none get out.
            env={"PYTHONPATH": os.pathsep.join((str(_ROOT), *filter(None, sys.path)))},
            # Ctrl-C in a terminal is for us: what renders then is let finish.
            start_new_session=True,
        )
        try:
            _read(process, START_SECONDS)
        except (EOFError, _StoppedError) as error:
            self.close()
            raise ConfigurationError(
                "The process in which templates of your own render does not start.",
                hint=f"Try: {sys.executable} -m keepwell.rendering.child; it says what is missing.",
                retryable=True,
            ) from error
        return process


def _read(process: subprocess.Popen[bytes], seconds: float) -> dict[str, Any]:
    """One line of its answers. Raises EOFError where it has ended, _StoppedError after so many seconds."""
    if process.stdout is None:
        raise EOFError
    until, data = time.monotonic() + seconds, bytearray()
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while not data.endswith(b"\n"):
            if not ready.select(max(0.0, until - time.monotonic())):
                raise _StoppedError(f"it took longer than {seconds:.0f} seconds")
            chunk = os.read(process.stdout.fileno(), _CHUNK)
            if not chunk:
                raise EOFError
            data += chunk
            if len(data) > REPLY_BYTES:
                raise _StoppedError(f"it gives more than {REPLY_BYTES:,} bytes")
    reply: dict[str, Any] = json.loads(data)
    return reply


def _ended(code: int, cpu: int) -> str:
    if code == -signal.SIGXCPU:
        return f"it took more than {cpu} seconds of computing time"
    return f"it needed more than {MEMORY_MB} MiB of memory, or is nested too deep"


def _stopped(bundle: Bundle, why: str) -> TemplateStoppedError:
    return TemplateStoppedError(
        f"Template {bundle.name} was stopped: {why}.",
        hint="Look in its own files and in what they include for loops in loops and texts that double.",
    )


_CHILD = _Child()
atexit.register(_CHILD.close)
