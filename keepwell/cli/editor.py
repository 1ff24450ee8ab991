"""A text in the person's own editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from keepwell.cli.files import read_text
from keepwell.errors import InputError

HINT = "Set EDITOR to a program that ends when the file is closed, or give --subject and --text-file."


def edited(text: str) -> str:
    """The text as it comes back from VISUAL or EDITOR. Raises InputError where there is none that works."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    command = shlex.split(editor)
    if not command:
        raise InputError("There is no editor to open.", place="EDITOR", hint=HINT)
    # A folder that only we may read: it is a letter to a customer.
    with tempfile.TemporaryDirectory(prefix="keepwell-draft-") as folder:
        path = Path(folder) / "draft.txt"
        path.write_text(text, encoding="utf-8")
        try:
            subprocess.run([*command, str(path)], check=True)  # noqa: S603  (the person's own choice)
        except (OSError, subprocess.CalledProcessError) as error:
            raise InputError(f"{editor!r} did not work: {error}.", place="EDITOR", hint=HINT) from error
        return read_text(path)
