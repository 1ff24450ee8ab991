"""`keepwell serve` as it is started: says where it listens, answers, ends when it is told to."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from tests.environment import other_variables

KEEPWELL = Path(sys.executable).parent / "keepwell"
LISTENING = re.compile(r"Listening on (http://127\.0\.0\.1:(\d+)); links in messages begin with (\S+);")


@contextmanager
def serve(home: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    environment = {**other_variables(), "KEEPWELL_HOME": str(home)}
    process = subprocess.Popen(
        [str(KEEPWELL), "serve", *options], cwd=home, env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=60)


def listening(process: subprocess.Popen[str]) -> re.Match[str]:
    """The line that says where it listens."""
    assert process.stderr is not None
    for line in process.stderr:
        if found := LISTENING.search(line):
            return found
    raise AssertionError("it ended without a word on where it listens")


def test_it_says_where_it_listens_answers_and_ends(tmp_path: Path) -> None:
    with serve(tmp_path, "--port", "0") as process:
        url, _, links = listening(process).groups()
        assert links == "http://127.0.0.1:8800"
        assert httpx2.get(f"{url}/health", timeout=60, trust_env=False).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, -signal.SIGTERM)


def test_a_port_that_is_taken_is_said_so(tmp_path: Path) -> None:
    with serve(tmp_path, "--port", "0") as first:
        port = listening(first)[2]
        with serve(tmp_path, "--port", port) as second:
            _, words = second.communicate(timeout=90)
            assert second.returncode == 7
    assert f"Error: Nothing can listen on port {port} of '127.0.0.1': Address already in use." in words
    assert "--port takes another one" in " ".join(words.split())
