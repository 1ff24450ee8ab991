"""A user of the demo: an environment with folders of its own, and what is left there afterwards."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.environment import other_variables

KEEPWELL = str(Path(sys.executable).with_name("keepwell"))
WAIT_SECONDS = 240.0


class Demo:
    """A demo in a process of its own, its output in a file."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self.process, self._output = process, output

    @property
    def shown(self) -> str:
        return self._output.read_text()

    def until(self, text: str) -> str:
        """Wait until the demo has shown this; all that it has shown."""
        end = time.monotonic() + WAIT_SECONDS
        while text not in self.shown:
            assert self.process.poll() is None, self.shown
            assert time.monotonic() < end, self.shown
            time.sleep(0.1)
        return self.shown

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(120)


@contextmanager
def running_demo(environ: dict[str, str], folder: Path, *options: str) -> Iterator[Demo]:
    output = folder / "output.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [KEEPWELL, "demo", *options], env=environ, cwd=folder, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        yield Demo(process, output)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(120)


def console_in(shown: str) -> str:
    """The address that a demo shows for its console."""
    found = re.search(r"Open the console\n.*\n +(http://127\.0\.0\.1:\d+)\n", shown)
    assert found is not None, shown
    return found[1]


def an_environment(folder: Path) -> dict[str, str]:
    """An environment with folders of its own, and settings that the demo must get past."""
    for name in ("home", "tmp"):
        (folder / name).mkdir()
    return other_variables() | {
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "KEEPWELL_SENDING": "live",
        "KEEPWELL_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "TEMPORAL_ADDRESS": "127.0.0.1:1",
        # Who runs the tests may have said how wide their terminal is.
        "COLUMNS": "100",
    }


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def processes_of(folder: Path) -> list[str]:
    """Command lines that name the folder."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(folder) in line]
