"""Writing a file that a person asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from keepwell.cli.output import say
from keepwell.errors import InputError


def write_text(text: str, path: Path | None, what: str) -> None:
    """Write to the file and say so; to stdout for None. Raises InputError where it cannot be written."""
    if path is None:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
        return
    replace_text(text, path)
    say(f"{what} is in {path}")


def replace_text(text: str, path: Path) -> None:
    """Write to the file. Raises InputError where it cannot be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"cannot be written: {error.strerror}", place=str(path), hint="Name a file you may write to."
        ) from error


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """A CSV file to write line by line. Raises InputError where it cannot be written."""
    try:
        # The mark in front is for Excel, which takes a CSV file without one for Latin-1.
        with path.open("w", encoding="utf-8-sig", newline="") as stream:
            yield stream
    except OSError as error:
        raise InputError(
            f"cannot be written: {error.strerror}", place=str(path), hint="Name a file you may write to."
        ) from error


def read_text(path: Path) -> str:
    """The text of a file. Raises InputError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=str(path)) from error
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8; save it as UTF-8", place=str(path)) from error
