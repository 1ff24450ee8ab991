"""`keepwell doctor`: is everything well, and if not, what is to be done?"""

from __future__ import annotations

import asyncio
import gc
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from keepwell.cli import words
from keepwell.cli.desk import READ_ELSEWHERE, Json
from keepwell.cli.output import Column, cell, print_json, print_table, say
from keepwell.errors import ConfigurationError
from keepwell.settings import load_settings

if TYPE_CHECKING:
    from keepwell.doctor.findings import Finding, Kind, Report

SICK = 9
MEGABYTE = 1_000_000
MIN_FREE = 500
"""Megabytes: far more than the largest single write."""

_MARKS: dict[Kind, tuple[str, str]] = {
    "ok": ("ok", "green"),
    "warning": ("warning", "yellow"),
    "problem": ("PROBLEM", "bold red"),
    "skipped": ("–", "dim"),
}


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("doctor")(doctor)


def doctor(
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="Only whether the worker of this machine asks for work (health checks)."
        ),
    ] = False,
    min_free: Annotated[
        int, typer.Option("--min-free", min=1, metavar="MB", help="Less free disk space is a problem.")
    ] = MIN_FREE,
    as_json: Json = False,
) -> None:
    """Look at settings, database, Temporal, messages and work; say what is wrong and what to do.

    Changes and starts nothing. Exit code 0 without a problem, 9 with one.
    """
    report = _examine(quick=quick, min_free=min_free * MEGABYTE)
    if as_json:
        counts = {kind: report.count(kind) for kind in _MARKS}
        print_json({"healthy": report.healthy, "counts": counts, **report.model_dump(mode="json")})
    else:
        _print(report)
    if not report.healthy:
        raise typer.Exit(SICK)


def _examine(*, quick: bool, min_free: int) -> Report:
    from keepwell.doctor.examine import examine  # noqa: PLC0415  (loads Temporal)
    from keepwell.doctor.findings import Finding, Report  # noqa: PLC0415
    from keepwell.doctor.scene import Scene  # noqa: PLC0415

    try:
        settings = load_settings()
    except ConfigurationError as error:
        wrong = Finding(
            area="settings", check="values", kind="problem", found=error.message, todo=error.hint, who="ops"
        )
        return Report(at=datetime.now(UTC), findings=(wrong,))
    try:
        return asyncio.run(
            examine(Scene(settings, min_free=min_free, also_known=READ_ELSEWHERE), quick=quick)
        )
    finally:
        # A client that lives on while the interpreter ends may turn the exit code into a crash's.
        gc.collect()


def _print(report: Report) -> None:
    for area in dict.fromkeys(one.area for one in report.findings):
        print_table(
            [Column("", keep=True), Column("check", keep=True), Column("found")],
            [[cell(*_MARKS[one.kind]), one.check, _told(one)] for one in report.findings if one.area == area],
            title=area,
        )
        say()
    problems, warnings = report.count("problem"), report.count("warning")
    style = "bold red" if problems else ("yellow" if warnings else "green")
    text = f"{_number(problems, 'problem')}, {_number(warnings, 'warning')}, {report.count('ok')} in order"
    skipped = report.count("skipped")
    say(text + (f", {skipped} not looked at" if skipped else "") + ".", style=style)


def _told(finding: Finding) -> str:
    """What was found, and beneath it what to do and who."""
    todo = f"\n→ {finding.todo}" if finding.todo else ""
    who = f" ({finding.who})" if finding.who and finding.todo else ""
    return f"{finding.found}{todo}{who}"


def _number(count: int, what: str) -> str:
    return words.count(count, what) if count else f"no {what}s"
