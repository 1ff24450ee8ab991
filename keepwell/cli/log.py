"""Logging of the worker: plain lines with time and level on stderr."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
}
FORMAT = "%(asctime)s %(levelname)-7s %(message)s"


class Lines(logging.Formatter):
    """A line, then the fields given as `extra`, as name=value; Temporal's are in its messages already."""

    def format(self, record: logging.LogRecord) -> str:
        """The line for a record."""
        line = super().format(record)
        extra = {
            name: value
            for name, value in record.__dict__.items()
            if name not in _STANDARD and not name.startswith(("temporal_", "__temporal"))
        }
        if not extra:
            return line
        first, newline, rest = line.partition("\n")
        fields = " ".join(f"{name}={value}" for name, value in extra.items())
        return f"{first}  [{fields}]{newline}{rest}"


def set_up_logging(level: str) -> None:
    """Log our own lines from `level` on, those of libraries from WARNING on (all of them at DEBUG)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(FORMAT))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO if level == "DEBUG" else logging.WARNING)
    for name in ("keepwell", "temporalio", "workflows", "activities"):
        logging.getLogger(name).setLevel(level)
    if level == "INFO":
        logging.getLogger("temporalio").setLevel(logging.WARNING)


@contextmanager
def log_to(path: Path | None) -> Iterator[None]:
    """Send the log to a file, or nowhere, for a block: the screen is for what a command shows."""
    root = logging.getLogger()
    handler: logging.Handler = logging.FileHandler(path) if path is not None else logging.NullHandler()
    handler.setFormatter(Lines(FORMAT))
    before, level = list(root.handlers), root.level
    root.handlers, root.level = [handler], logging.INFO
    try:
        yield
    finally:
        root.handlers, root.level = before, level
        handler.close()
