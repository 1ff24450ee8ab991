"""The command line loads what is heavy only where it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("sklearn", "sksurv", "skops", "pandas", "matplotlib", "scipy", "joblib")
CODE = """
import sys
from keepwell.cli.app import run
{before}
code = run({arguments!r})
heavy = [name for name in {heavy!r} if name in sys.modules]
print(f"\\ncode {{code}} loaded {{heavy}}")
"""


def loaded(*arguments: str, before: str = "") -> str:
    code = CODE.format(arguments=list(arguments), heavy=HEAVY, before=before)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.rsplit("\n", 2)[-2]


@pytest.mark.parametrize("arguments", [("--help",), ("churn", "--help"), ("churn", "evaluate", "--help")])
def test_help_loads_no_statistics(arguments: tuple[str, ...]) -> None:
    assert loaded(*arguments) == "code 0 loaded []"


def test_the_worker_loads_no_statistics_before_it_trains() -> None:
    assert loaded("--version", before="import worker") == "code 0 loaded []"
