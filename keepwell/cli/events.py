"""`keepwell events`: the journal."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from keepwell.cli.desk import Desk, Json, Limit, open_desk
from keepwell.cli.output import console, plain, print_json, say
from keepwell.db.repositories.views import find_intervention
from keepwell.db.repositories.views_journal import EventLine, events

POLL_SECONDS = 1.0
OVERLAP = timedelta(seconds=30)
"""A line is dated before its transaction is committed, so a follower looks this far back for latecomers."""


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("events")(list_events)


def list_events(
    customer: Annotated[str | None, typer.Option(help="Id or name of a customer.")] = None,
    intervention: Annotated[str | None, typer.Option(help="Id of an intervention.")] = None,
    kind: Annotated[str, typer.Option(help="A kind, or its beginning: command, delivery.accepted, …")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens now.")] = False,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """What happened, to whom, by whom and why. With --follow, --json prints one object a line."""
    with open_desk() as desk:
        with desk.store.read() as session:
            of_customer = desk.customer(session, customer)
            of_intervention = (
                find_intervention(session, desk.organisation.id, intervention) if intervention else None
            )
            found = events(
                session,
                desk.organisation.id,
                customer=of_customer,
                intervention=of_intervention,
                kind=kind,
                limit=limit,
            )
        if follow:
            _print(desk, found, as_lines=as_json)
            _follow(desk, _Wanted(of_customer, of_intervention, kind), as_lines=as_json)
        elif as_json:
            print_json({"events": found})
        elif not found:
            say("Nothing has happened yet that fits.")
        else:
            _print(desk, found, as_lines=False)


@dataclass(frozen=True)
class _Wanted:
    customer: str | None
    intervention: str | None
    kind: str

    def since(self, desk: Desk, moment: datetime) -> tuple[EventLine, ...]:
        """What was recorded at the moment or after."""
        with desk.store.read() as session:
            return events(
                session,
                desk.organisation.id,
                customer=self.customer,
                intervention=self.intervention,
                kind=self.kind,
                recorded_from=moment,
            )


def _follow(desk: Desk, wanted: _Wanted, *, as_lines: bool) -> None:
    """Print new lines until Ctrl-C."""
    begin = desk.now
    seen = {line.id: line.recorded_at for line in wanted.since(desk, begin - OVERLAP)}
    while True:
        time.sleep(POLL_SECONDS)
        new = [line for line in wanted.since(desk, begin - OVERLAP) if line.id not in seen]
        _print(desk, new, as_lines=as_lines)
        seen.update({line.id: line.recorded_at for line in new})
        begin = max([begin, *(line.recorded_at for line in new)])
        seen = {key: at for key, at in seen.items() if at >= begin - OVERLAP}


def _print(desk: Desk, lines: Sequence[EventLine], *, as_lines: bool) -> None:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for line in lines:
        if as_lines:
            sys.stdout.write(json.dumps(line.model_dump(mode="json"), ensure_ascii=False) + "\n")
            continue
        text = Text.assemble(
            (f"{plain(line.customer)}: " if line.customer else "", "bold"),
            plain(line.text),
            (f" [{line.kind}, {plain(line.by)}]", "dim"),
        )
        if line.why:
            text.append(f"\n{plain(line.why)}", style="dim")
        grid.add_row(desk.clock.moment(line.at), text)
    if grid.row_count:
        console().print(grid)
    sys.stdout.flush()
