"""`keepwell absences`: who is away, and who covers."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer
from rich.text import Text

from keepwell.cli import words
from keepwell.cli.desk import By, Desk, Json, no_longer, open_desk, who
from keepwell.cli.output import Column, plain, print_json, print_table, say
from keepwell.db.repositories.absences import (
    AbsenceLine,
    absences,
    add_absence,
    find_absence,
    withdraw_absence,
)
from keepwell.db.repositories.team import standing_in
from keepwell.db.repositories.views import find_person
from keepwell.db.repositories.zones import local_midnight
from keepwell.db.tables import Staff
from keepwell.errors import InputError

app_absences = typer.Typer(help="Who is away, and who covers meanwhile.", invoke_without_command=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(app_absences, name="absences")


@app_absences.callback()
def list_absences(
    context: typer.Context,
    staff: Annotated[str | None, typer.Option(help="Id, email address or name.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Those over and withdrawn too.")] = False,
    as_json: Json = False,
) -> None:
    """Absences that last or are to come, the first to begin first."""
    if context.invoked_subcommand is not None:
        return
    with open_desk() as desk, desk.store.read() as session:
        person = desk.person(session, staff)
        found = absences(session, desk.organisation.id, desk.now, staff=person, everything=everything)
    if as_json:
        print_json({"absences": found})
    elif not found:
        say("Nobody is away. Enter an absence: keepwell absences add STAFF FROM UNTIL --cover STAFF")
    else:
        _print(found)


@app_absences.command("add")
def add(
    staff: Annotated[str, typer.Argument(metavar="STAFF", help="Who is away: id, email address or name.")],
    from_on: Annotated[str, typer.Argument(metavar="FROM", help="The first day, as in 2026-12-01.")],
    until_on: Annotated[str, typer.Argument(metavar="UNTIL", help="The last day, as in 2026-12-05.")],
    cover: Annotated[
        str | None,
        typer.Option("--cover", help="Who covers (unset: their deputy, or else the lead)."),
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", help="Why, for colleagues.", callback=no_longer(500))
    ] = "",
    by: By = None,
    as_json: Json = False,
) -> None:
    """Somebody is away. What is theirs goes to the cover meanwhile, and comes back afterwards."""
    with open_desk() as desk:
        with desk.store.write() as session:
            organisation = desk.organisation.id
            person = session.get_one(Staff, find_person(session, organisation, staff).id)
            other = session.get_one(Staff, find_person(session, organisation, cover).id) if cover else None
            first, last = _day(from_on, "FROM"), _day(until_on, "UNTIL")
            row = add_absence(
                session,
                person,
                first,
                last,
                cover=other,
                reason=reason,
                by=who(by),
                now=desk.now,
            )
            own = row.id
            session.flush()
            acting = standing_in(
                session, person, local_midnight(first, person.time_zone, desk.organisation.time_zone)
            ).name
        line = _line(desk, own)
    if as_json:
        print_json({**line.model_dump(mode="json"), "stands_in": acting})
        return
    say(f"{plain(line.staff)} is away from {line.from_on} until {line.until_on}. {plain(acting)} stands in.")
    if line.cover and acting != line.cover:
        say(f"{plain(line.cover)} is away, too, when it begins.", style="yellow")
    say(f"Undo it: keepwell absences withdraw {words.tail(line.id)}", style="dim")


@app_absences.command("withdraw")
def withdraw(
    absence: Annotated[str, typer.Argument(metavar="ID", help="Its id, or the beginning or end of it.")],
    by: By = None,
    as_json: Json = False,
) -> None:
    """An absence does not take place, or is over earlier."""
    with open_desk() as desk:
        with desk.store.write() as session:
            own = find_absence(session, desk.organisation.id, absence)
            withdraw_absence(session, own, who(by), desk.now)
        line = _line(desk, own)
    if as_json:
        print_json(line)
    else:
        say(f"Withdrawn: {plain(line.staff)}, {line.from_on} to {line.until_on}.")


def _line(desk: Desk, own: str) -> AbsenceLine:
    with desk.store.read() as session:
        return absences(session, desk.organisation.id, desk.now, everything=True, ids=[own])[0]


def _day(text: str, place: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise InputError(f"{text!r} is no day.", place=place, hint="It takes 2026-12-01.") from error


def _print(found: tuple[AbsenceLine, ...]) -> None:
    columns = [
        Column("Id", keep=True),
        Column("Who"),
        Column("From", keep=True),
        Column("Until", keep=True),
        Column("Cover"),
        Column("State", keep=True),
        Column("Reason"),
    ]
    print_table(
        columns,
        [
            [
                words.short(one.id),
                one.staff,
                str(one.from_on),
                str(one.until_on),
                one.cover or "deputy or lead",
                _state(one),
                one.reason,
            ]
            for one in found
        ],
    )


def _state(one: AbsenceLine) -> Text:
    if one.withdrawn_at is not None:
        return Text("withdrawn", style="dim")
    return Text("away now", style="yellow") if one.now else Text("")
