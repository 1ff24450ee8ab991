"""A user of the demo: an environment with folders of its own, and what is left there afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.environment import other_variables

KEEPWELL = str(Path(sys.executable).with_name("keepwell"))


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
