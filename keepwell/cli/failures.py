"""From an error to what a person or a program reads, and to the exit code."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from typer.exceptions import TyperException

from keepwell.cli.output import print_json, tell
from keepwell.errors import InputError, KeepwellError
from keepwell.settings import environment
from scoring.errors import ScorecardError

USAGE = 2
UNEXPECTED = 1
TRACEBACK_HINT = "To see where it happened, run it again with KEEPWELL_LOG_LEVEL=DEBUG."


def report(error: Exception, *, as_json: bool) -> int:
    """Say what went wrong, on stderr or as {"error": …} on stdout; returns the exit code."""
    kind, message, hint, code = _read(error)
    if as_json:
        place = error.place if isinstance(error, InputError) else None
        shown = {"kind": kind, "message": message, "hint": hint, "place": place, "exit_code": code}
        print_json({"error": shown})
    else:
        tell(f"Error: {message}", style="bold red")
        if hint:
            tell("\n".join(f"→ {line}" for line in hint.splitlines()))
    if code == UNEXPECTED and _wants_traceback():
        traceback.print_exception(error, file=sys.stderr)
    return code


def _read(error: Exception) -> tuple[str, str, str, int]:
    """Kind, message, hint and exit code."""
    if isinstance(error, InputError):
        message = f"{error.place}: {error.message}" if error.place else error.message
        return type(error).__name__, message, error.hint, error.exit_code
    if isinstance(error, KeepwellError):
        return type(error).__name__, error.message, error.hint, error.exit_code
    if isinstance(error, ScorecardError):
        return "ScorecardError", str(error), "Correct the scorecard, then: keepwell scorecards check FILE", 2
    if isinstance(error, TyperException):
        context = getattr(error, "ctx", None)
        hint = f"{context.command_path} --help" if context is not None else "keepwell --help"
        # Typer repeats what pydantic put before the words of an option's own check.
        return "UsageError", error.format_message().replace("Value error, ", ""), hint, USAGE
    words = " ".join(str(error).split())[:300]
    said = f": {words}" if words else ""
    message = f"Something went wrong that should not: {type(error).__name__}{_where(error)}{said}"
    return "UnexpectedError", message, TRACEBACK_HINT, UNEXPECTED


def _where(error: Exception) -> str:
    """The file and line, without the machine's folders: an error that was seen once can then be found."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""


def _wants_traceback() -> bool:
    try:
        return environment().get("KEEPWELL_LOG_LEVEL", "").upper() == "DEBUG"
    except (OSError, UnicodeDecodeError):
        return False
