"""`keepwell audit`: who did what, to what, when and why."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, TextIO

import typer
from sqlmodel import Session

from keepwell.cli import words
from keepwell.cli.desk import Desk, Json, Limit, open_desk
from keepwell.cli.files import opened
from keepwell.cli.moments import past_moment
from keepwell.cli.output import Column, print_json, print_table, say
from keepwell.db.repositories import journal
from keepwell.db.repositories.views import did_you_mean, find_intervention, find_person
from keepwell.db.repositories.views_journal import EventLine, begins, events, kinds, people
from keepwell.db.tables import Staff
from keepwell.errors import InputError, KeepwellError, NotFoundError
from keepwell.ingest.report import harmless

PAGE = 1_000
COLUMNS = (
    "id",
    "recorded_at",
    "at",
    "by",
    "kind",
    "customer_id",
    "customer",
    "intervention",
    "text",
    "why",
    "data",
)
Read = Callable[[str | None, int], tuple[EventLine, ...]]
"""The lines before one (None: the newest), at most so many, the oldest first."""


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("audit")(audit)


def audit(
    customer: Annotated[str | None, typer.Option(help="Id or name of a customer.")] = None,
    intervention: Annotated[str | None, typer.Option(help="Id of an intervention, or its customer.")] = None,
    by: Annotated[
        str, typer.Option(help="Who: a person's name, address or id, engine, schedule, customer, …")
    ] = "",
    kind: Annotated[str, typer.Option(help="A kind, or its beginning: draft, playbook.mode, …")] = "",
    since: Annotated[
        str | None, typer.Option(help='Recorded from then on: "2026-11-01", "2026-11-01T09:00", "7d".')
    ] = None,
    until: Annotated[str | None, typer.Option(help="Recorded before then; takes the same.")] = None,
    before: Annotated[str | None, typer.Option(help="Go on before the line with this id.")] = None,
    limit: Limit = 50,
    table: Annotated[
        Path | None, typer.Option("--csv", help="Write all lines that fit to this CSV file (- for stdout).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Who did what, to what, when and why: the journal, the newest line first.

    When is said twice: when it was recorded, and when it happened on the playbook's clock.
    """
    with open_desk() as desk:
        read = _reader(desk, customer, intervention, by.strip(), kind, _span(desk, since, until))
        if table is not None:
            if as_json:
                raise InputError("Choose --csv or --json.")
            _write_csv(_pages(read, before), table)
            return
        page = read(before, limit + 1)
        lines = page[-limit:][::-1]
        more = len(page) > limit
    if as_json:
        print_json({"lines": lines, "before": lines[-1].id if more else None})
        return
    _print(desk, lines, kind, more=more)


def _span(desk: Desk, since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    begin = None if since is None else past_moment(since, desk.now, desk.zone, place="--since")
    end = None if until is None else past_moment(until, desk.now, desk.zone, place="--until")
    if begin is not None and end is not None and begin >= end:
        raise InputError("It ends before it begins.", place="--until", hint="Name a later moment.")
    return begin, end


def _reader(
    desk: Desk,
    customer: str | None,
    intervention: str | None,
    by: str,
    kind: str,
    span: tuple[datetime | None, datetime | None],
) -> Read:
    own = desk.organisation.id
    with desk.store.read() as session:
        of_customer = desk.customer(session, customer)
        of_intervention = find_intervention(session, own, intervention) if intervention else None
        names = _names(session, own, by)

    def read(before: str | None, limit: int) -> tuple[EventLine, ...]:
        with desk.store.read() as session:
            return events(
                session,
                own,
                customer=of_customer,
                intervention=of_intervention,
                kind=kind,
                by=names,
                recorded_from=span[0],
                recorded_before=span[1],
                before=before,
                limit=limit,
            )

    return read


def _names(session: Session, organisation: str, by: str) -> tuple[str, ...]:
    """Whom `by` means, as they stand there: by that name, or by any name of the member of staff meant."""
    if not by or by.casefold() == journal.ENGINE:
        return (by.casefold(),) if by else ()
    known, meant = people(session, organisation), {by.casefold()}
    there = any(one.casefold() in meant for one in known)
    try:
        # What somebody did who has left stands there still.
        person = session.get_one(Staff, find_person(session, organisation, by, left=True).id)
    except KeepwellError as error:
        if not there and not isinstance(error, NotFoundError):
            raise
    else:
        meant |= {name.casefold() for name in (person.name, person.email, person.external_id)}
    return tuple(one for one in known if one.casefold() in meant) or (by,)


def _pages(read: Read, before: str | None) -> Iterator[EventLine]:
    """All lines, the newest first, with a page in memory at a time."""
    while page := read(before, PAGE):
        yield from reversed(page)
        before = page[0].id


def _write_csv(lines: Iterator[EventLine], path: Path) -> None:
    """A table for a spreadsheet, in which no cell is a formula."""
    if str(path) == "-":
        _rows(sys.stdout, lines)
        return
    with opened(path) as stream:
        count = _rows(stream, lines)
    say(f"In {path}: {words.count(count, 'line')}")


def _rows(stream: TextIO, lines: Iterator[EventLine]) -> int:
    writer, count = csv.writer(stream, lineterminator="\n"), 0
    writer.writerow(COLUMNS)
    for line in lines:
        values = line.model_dump(mode="json") | {"data": json.dumps(line.data, ensure_ascii=False)}
        writer.writerow([harmless(str(values[name] or "")) for name in COLUMNS])
        count += 1
    return count


def _print(desk: Desk, lines: tuple[EventLine, ...], kind: str, *, more: bool) -> None:
    if not lines:
        say(f"There is no line that fits.{_no_such_kind(desk, kind)}")
        return
    columns = [
        Column("Recorded", keep=True),
        Column("Happened", keep=True, drop=1),
        Column("Who"),
        Column("What", drop=2),
        Column("To what"),
        Column("In words"),
        Column("Why", drop=3),
    ]
    rows = [
        [
            desk.clock.moment(line.recorded_at),
            desk.clock.moment(line.at),
            line.by,
            line.kind,
            line.customer,
            line.text,
            line.why,
        ]
        for line in lines
    ]
    print_table(columns, rows)
    say()
    onwards = f" Go on: --before {lines[-1].id}" if more else ""
    say(f"{desk.times} All in a file: --csv FILE.{onwards}", style="dim")


def _no_such_kind(desk: Desk, kind: str) -> str:
    """What the journal has instead, where a kind is asked for of which it has no line at all."""
    with desk.store.read() as session:
        known = kinds(session, desk.organisation.id) if kind else []
    if not known or any(begins(one, kind) for one in known):
        return ""
    firsts = sorted({one.partition(".")[0] for one in known})
    meant = did_you_mean(kind, [*firsts, *known])
    return f" None is of the kind {kind!r}{meant}; there are: {', '.join(firsts)}."
