"""The entry point of `keepwell`: all commands, and the border at which errors become exit codes.

Exit codes: 0 done; 1 unexpected; 2 the input or the command is wrong; 3 not found; 4 refused; 5 no
Temporal server or no worker; 6 the database; 7 a setting; 8 an import stored some rows and rejected
others; 9 the doctor found a problem; 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from keepwell import __version__
from keepwell.cli import (
    absences,
    accounts,
    alert_channels,
    alerts,
    audit,
    churn,
    commands,
    contacts,
    customers,
    demo,
    doctor,
    drafts,
    enrol,
    event,
    events,
    feed,
    imports,
    inbox,
    interventions,
    keys,
    offers,
    opportunities,
    organisation,
    outbox,
    playbooks,
    rehearse,
    schedules,
    scorecards,
    scoring,
    sending,
    serve,
    slack,
    tasks,
    webhooks,
    work,
)
from keepwell.cli.failures import report

app = typer.Typer(
    name="keepwell",
    help="Scores every customer's health and runs the matching playbook, durably, on Temporal.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"keepwell {__version__}\n")
        raise typer.Exit


@app.callback()
def _keepwell(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and leave.", callback=_show_version)
    ] = False,
) -> None:
    """Scores every customer's health and runs the matching playbook, durably, on Temporal."""


for _module in (
    demo,
    work,
    serve,
    imports,
    scoring,
    enrol,
    customers,
    contacts,
    interventions,
    offers,
    commands,
    tasks,
    absences,
    alerts,
    alert_channels,
    opportunities,
    churn,
    outbox,
    inbox,
    feed,
    webhooks,
    drafts,
    event,
    events,
    audit,
    playbooks,
    rehearse,
    scorecards,
    organisation,
    accounts,
    keys,
    sending,
    schedules,
    slack,
    doctor,
):
    _module.register(app)


def run(arguments: Sequence[str]) -> int:
    """Carry out one command and return its exit code. Errors are told, not raised."""
    _never_fail_to_print()
    try:
        # Typer hands back the code of an Exit; a command itself returns nothing.
        code = app(args=list(arguments), prog_name="keepwell", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except Exception as error:
        return report(error, arguments)
    return code if isinstance(code, int) else 0


def _never_fail_to_print() -> None:
    """A terminal that lacks a letter shows another in its place."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """`keepwell …`: carry out the command line and leave with its exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))
