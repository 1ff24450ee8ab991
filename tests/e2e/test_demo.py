"""`keepwell demo` as a user starts it: real processes, and the printed commands taken literally."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from workflows.critical import CRITICAL

pytestmark = pytest.mark.slow

KEEPWELL = str(Path(sys.executable).with_name("keepwell"))
WAIT_SECONDS = 90.0


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A user's environment with folders of the test's own, and settings that the demo must get past."""
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir()
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("KEEPWELL_", "TEMPORAL_"))
    }
    return kept | {
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "tmp"),
        "KEEPWELL_SENDING": "live",
        "KEEPWELL_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "TEMPORAL_ADDRESS": "127.0.0.1:1",
    }


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def processes_of(folder: Path) -> list[str]:
    """Command lines that name the folder."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(folder) in line]


def test_once_plays_both_stories_and_leaves_nothing(environ: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [KEEPWELL, "demo", "--once"], env=environ, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    shown = done.stdout
    assert "DEMO DATA" in shown
    assert "The demo cannot send" in shown
    steps = (
        "executive_email: email → ",
        "assign_csm: ",
        "alert_csm: slack → ",
        "csm_outreach: email",
        "roadmap_email: email",
        "Acknowledged",
        "phone_call: task",
        "alternative_contact: email",
        "The customer answered",
        "Outcome: responded",
        "value_email: email",
        "unused_features: in-app",
        "success_story: email",
        "Outcome: recovered",
    )
    places = [shown.find(step) for step in steps]
    assert -1 not in places, steps[places.index(-1)]
    assert places == sorted(places)
    assert "final_offer" not in shown
    assert files_in(tmp_path / "home") == []
    assert files_in(tmp_path / "tmp") == []
    assert processes_of(tmp_path) == []


def test_once_as_json_says_when_what_to_whom_and_why(environ: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [KEEPWELL, "demo", "--once", "--json"],
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["demo"] is True
    critical, at_risk = told["stories"]
    assert (critical["level"], critical["outcome"]) == ("CRITICAL", "responded")
    assert (at_risk["level"], at_risk["outcome"]) == ("AT_RISK", "recovered")
    moments = [moment for story in told["stories"] for moment in story["moments"]]
    assert all(moment["at"] and moment["what"] and moment["why"] for moment in moments)
    mails = [moment for moment in moments if moment["what"].endswith(": email")]
    assert len(mails) >= 6
    assert all(moment["to"].endswith(".test>") and moment["subject"] for moment in mails)


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
        return self.process.wait(60)


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
            process.wait(60)


def commands_in(shown: str) -> list[str]:
    """The three commands to try."""
    _, _, rest = shown.partition("Three commands to try")
    return [line.strip() for line in rest.splitlines() if "KEEPWELL_HOME=" in line]


def at_the_shell(command: str, folder: Path, environ: dict[str, str]) -> str:
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def test_the_demo_opens_works_ends_and_goes_on(environ: dict[str, str], tmp_path: Path) -> None:
    home = tmp_path / "home" / ".keepwell" / "demo"
    with running_demo(environ, tmp_path) as demo:
        demo.until("Home: ")
        assert demo.interrupt() == 130
    with running_demo(environ, tmp_path) as demo:
        shown = demo.until("Ctrl-C ends it")
        assert "196 of 200 customers scored" in shown
        assert CRITICAL.label in shown
        assert "/namespaces/default/workflows" in shown
        timeline, message, acknowledge = commands_in(shown)
        assert "executive_email" in at_the_shell(timeline, tmp_path, environ)
        assert "made up" in at_the_shell(message, tmp_path, environ)
        assert "will not be escalated" in at_the_shell(acknowledge, tmp_path, environ)
        second = subprocess.run(
            [KEEPWELL, "demo"], env=environ, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert second.returncode == 0
        assert f"running already (process {demo.process.pid})" in second.stdout
        assert commands_in(second.stdout)[0] == timeline
        assert demo.interrupt() == 0
        assert "go on with it" in demo.shown
    assert processes_of(home) == []
    with running_demo(environ, tmp_path) as demo:
        shown = demo.until("Ctrl-C ends it")
        assert "Going on with the demo data" in shown
        # The server has another port now, so only what comes after the settings is the same.
        assert commands_in(shown)[0].endswith(timeline.partition(KEEPWELL)[2])
        assert demo.interrupt() == 0
    assert processes_of(home) == []
    assert files_in(tmp_path / "tmp") == []
