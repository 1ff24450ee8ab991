"""Processes that a benchmark starts and measures: each ends with its block, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
READY = "ready"


def cpu_seconds(pid: int) -> float:
    """The processor time a process has used since it began, in seconds, all threads and both modes."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        # The name in brackets may have spaces; utime and stime are the 12th and 13th after it.
        fields = stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    told = subprocess.run(["ps", "-o", "time=", "-p", str(pid)], capture_output=True, text=True, check=True)
    seconds = 0.0
    for part in told.stdout.strip().replace("-", ":").split(":"):
        seconds = seconds * 60 + float(part)
    return seconds


def end_on_signals() -> None:
    """Let SIGTERM end this process like Ctrl-C does, so that every block that started something ends it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


@contextmanager
def program(module: str, *arguments: str, variables: Mapping[str, str] | None = None) -> Iterator[int]:
    """Run `python -m module` until the block ends; yields its pid once it has said that it is ready.

    Of this process's variables, those that would lead it to another home or server are left out, and the one
    that forbids Python to keep compiled modules: the sandbox would compile the workflows for each run.
    """
    foreign = ("KEEPWELL_", "TEMPORAL_", "PYTHONDONTWRITEBYTECODE")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(
        command, cwd=ROOT, env=clean | dict(variables or {}), stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != READY:
            raise SystemExit(f"{module} ended before it was ready, with code {process.wait()}")
        yield process.pid
    finally:
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(90)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
