"""`keepwell demo` as a user starts it: real processes, and the printed commands taken literally."""

from __future__ import annotations

import re
import socket
import subprocess
from pathlib import Path

import httpx2
import pytest

from tests.e2e.demo_user import KEEPWELL, an_environment, console_in, files_in, processes_of, running_demo
from workflows.critical import CRITICAL

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A user's environment with folders of the test's own."""
    return an_environment(tmp_path)


def commands_in(shown: str) -> list[str]:
    """The commands to try."""
    _, _, rest = shown.partition("Commands to try")
    return [line.strip() for line in rest.splitlines() if "KEEPWELL_HOME=" in line]


def at_the_shell(command: str, folder: Path, environ: dict[str, str]) -> str:
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def one_click(shown: str) -> None:
    """Enter the console as each role, as its sign-in page does."""
    url = console_in(shown)
    assert f"The console is at {url}" in shown
    with httpx2.Client(base_url=url, headers={"Origin": url}, timeout=30, trust_env=False) as browser:
        page = browser.get("/", headers={"Accept": "text/html"}, follow_redirects=True)
        assert page.url.path == "/sign-in"
        for role in ("csm", "ops", "admin", "client"):
            assert f'value="{role}"' in page.text
            entered = browser.post("/sign-in/demo", data={"role": role})
            assert entered.status_code == 303, entered.text
            me = browser.get("/api/v1/me").json()
            assert (me["role"], me["organisation_id"]) == (role, "main")


def test_a_taken_port_is_said_so(environ: dict[str, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [KEEPWELL, "demo", "--port", port],
            env=environ,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 7
    assert f"Nothing can listen on port {port}" in done.stderr


def test_the_demo_opens_works_ends_and_goes_on(environ: dict[str, str], tmp_path: Path) -> None:
    home = tmp_path / "home" / ".keepwell" / "demo"
    with running_demo(environ, tmp_path) as demo:
        demo.until("Home: ")
        assert demo.interrupt() == 130
    with running_demo(environ, tmp_path) as demo:
        shown = demo.until("Ctrl-C ends it")
        assert "196 of 200 customers scored" in shown
        assert CRITICAL.label in shown
        assert shown.index("Open the console") < shown.index("What just happened")
        one_click(shown)
        for words in ("/namespaces/default/workflows", "24 playbooks running", "3 open offers"):
            assert words in shown
        assert re.search(r"Amber Freight +usage is at 87 %.*USD 7,440 +usage_limit@\d+ +upgrade until", shown)
        assert "6 of the CRITICAL, 21 of the HIGH_RISK and" in shown
        timeline, message, acknowledge, pause, respond, rehearse, accept, enrol = commands_in(shown)
        assert "executive_email" in at_the_shell(timeline, tmp_path, environ)
        assert "made up" in at_the_shell(message, tmp_path, environ)
        assert "will not be escalated" in at_the_shell(acknowledge, tmp_path, environ)
        taken = at_the_shell(accept, tmp_path, environ)
        assert "Accepted: upgrade. It leads to: upgrade_set_up." in taken
        assert "Paused until" in at_the_shell(pause, tmp_path, environ)
        assert "nothing waits for an answer any more" in at_the_shell(respond, tmp_path, environ)
        assert f"{CRITICAL.label}: responded" in at_the_shell(rehearse, tmp_path, environ)
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
        # Last of all, since who is the worst is another customer then.
        assert commands_in(shown)[-1].endswith(enrol.partition(KEEPWELL)[2])
        begun = at_the_shell(commands_in(shown)[-1], tmp_path, environ)
        assert "5 started, 0 refused, 0 waiting" in begun
        assert demo.interrupt() == 0
    assert processes_of(home) == []
    assert files_in(tmp_path / "tmp") == []
