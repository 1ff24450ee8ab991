"""`keepwell import`: customers, contacts, staff, metrics and engagement events from files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from keepwell.cli import words
from keepwell.cli.desk import By, Desk, Json, open_desk, who
from keepwell.cli.output import Column, console, print_json, print_table, say, tell
from keepwell.db.repositories import organisations
from keepwell.ingest.cells import Kind
from keepwell.ingest.importing import import_file, read_moment
from keepwell.ingest.mapping import load_mapping
from keepwell.ingest.report import RejectWriter, Summary

NOTHING = 2
SOME = 8
"""Exit codes: nothing could be stored; some rows were rejected and others are stored."""

FOLLOWS = {
    Kind.CUSTOMERS: "Next: keepwell import contacts FILE, keepwell import metrics FILE",
    Kind.CONTACTS: "Next: keepwell import metrics FILE",
    Kind.STAFF: "Next: keepwell import customers FILE",
    Kind.METRICS: "Next: keepwell score",
    Kind.EVENTS: "Next: keepwell alerts",
    Kind.OUTCOMES: "Next: keepwell score",
}


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("import")(import_rows)


def import_rows(
    kind: Annotated[Kind, typer.Argument(help="What the file holds.")],
    file: Annotated[Path, typer.Argument(help="A .csv file with a header, or a .jsonl file.")],
    mapping: Annotated[
        Path | None, typer.Option(help="A TOML file that says which column means what.")
    ] = None,
    rejects: Annotated[Path | None, typer.Option(help="Write the rejected rows to this CSV file.")] = None,
    measured_at: Annotated[
        str | None, typer.Option(help="When metrics without a time of their own were measured, in ISO 8601.")
    ] = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Import a file; good rows go in, bad ones are listed. The same file again changes nothing.

    Exit code 0: all rows are stored; 8: some were rejected; 2: nothing could be stored.
    """
    with open_desk() as desk:
        try:
            summary = _import(desk, kind, file, mapping, rejects, measured_at, who(by))
        except KeyboardInterrupt:
            tell("Interrupted. What was stored stays; the same import again goes on from there.")
            raise
    if as_json:
        print_json(summary)
    else:
        _print(summary, rejects)
    if summary.rejected:
        raise typer.Exit(SOME if summary.stored else NOTHING)


def _import(
    desk: Desk,
    kind: Kind,
    file: Path,
    mapping: Path | None,
    rejects: Path | None,
    measured_at: str | None,
    by: str,
) -> Summary:
    moment = read_moment(measured_at, place="--measured-at") if measured_at else None
    means = load_mapping(mapping) if mapping else None
    with desk.store.write() as session:
        _, card = organisations.scorecard_of(session, desk.organisation.id, now=desk.now)
    with ExitStack() as stack:
        writer = stack.enter_context(RejectWriter(rejects)) if rejects else None
        progress = stack.enter_context(_progress(f"Importing {kind.value}"))
        return import_file(
            desk.store,
            desk.organisation.id,
            kind,
            file,
            means,
            scorecard=card,
            now=desk.now,
            measured_at=moment,
            by=by,
            progress=progress,
            on_reject=writer,
        )


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on stderr; none where that is no terminal."""
    screen = console(stderr=True)
    if not screen.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, size: bar.update(task, completed=done, total=size)


def _print(summary: Summary, rejects: Path | None) -> None:
    say(f"{summary.sentence()}.", style="bold" if summary.stored else "bold red")
    for note in summary.notes:
        say(note)
    if summary.rejects:
        say()
        columns = [
            Column("Line", justify="right", keep=True),
            Column("Column"),
            Column("Value"),
            Column("Why"),
        ]
        rows = [[one.line, one.column, words.one_line(one.value, 40), one.reason] for one in summary.rejects]
        print_table(columns, rows, title="Rejected")
        if rejects:
            say(f"All of them are in {rejects}", style="dim")
        elif summary.rejected > len(summary.rejects):
            say(f"These are the first {len(summary.rejects)}; all of them: --rejects FILE.csv", style="dim")
    if summary.stored:
        say(FOLLOWS[summary.kind], style="dim")
