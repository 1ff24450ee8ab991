"""From an error to what a person or a program reads, and to the exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from typer.exceptions import TyperException

from keepwell.cli.output import print_json, tell
from keepwell.errors import InputError, KeepwellError
from keepwell.settings import environment
from scoring.errors import ScorecardError

USAGE = 2
UNEXPECTED = 1
TRACEBACK_HINT = "To see where it happened, run it again with KEEPWELL_LOG_LEVEL=DEBUG."


def report(error: Exception, arguments: Sequence[str]) -> int:
    """Say what went wrong, on stderr or as {"error": …} on stdout with --json; returns the exit code."""
    place = _place(error, arguments) if isinstance(error, InputError) else None
    kind, message, hint, code = _read(error, place)
    if "--json" in arguments:
        shown = {"kind": kind, "message": message, "hint": hint, "place": place, "exit_code": code}
        print_json({"error": shown})
    else:
        tell(f"Error: {message}", style="bold red")
        if hint:
            tell("\n".join(f"→ {line}" for line in hint.splitlines()))
    if code == UNEXPECTED and _wants_traceback():
        traceback.print_exception(error, file=sys.stderr)
    return code


def _place(error: InputError, arguments: Sequence[str]) -> str | None:
    """Where it stands: a field by the option in which it was typed."""
    option = f"--{(error.place or '').replace('_', '-')}"
    typed = any(one == option or one.startswith(f"{option}=") for one in arguments)
    return option if typed else error.place


def _hint(error: KeepwellError) -> str:
    if not (error.hint and error.command):
        return error.hint or error.command
    return f"{error.hint.removesuffix('.')}: {error.command}"


def _read(error: Exception, place: str | None) -> tuple[str, str, str, int]:
    """Kind, message, hint and exit code."""
    if isinstance(error, KeepwellError):
        message = f"{place}: {error.message}" if place else error.message
        return type(error).__name__, message, _hint(error), error.exit_code
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
