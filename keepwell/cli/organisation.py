"""`keepwell organisation`: who you are, for messages and clocks."""

from __future__ import annotations

from typing import Annotated

import typer

from keepwell.cli.desk import By, Desk, Json, open_desk, who
from keepwell.cli.output import print_fields, print_json, say
from keepwell.db.repositories.organisation_fields import OrganisationFields, set_organisation
from keepwell.db.repositories.views_scorecards import scorecards
from keepwell.db.tables import Organisation
from keepwell.errors import InputError

commands = typer.Typer(help="Who you are, for messages and clocks.", invoke_without_command=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(commands, name="organisation")


@commands.callback()
def _show(context: typer.Context, as_json: Json = False) -> None:
    """Who you are, for messages and clocks."""
    if context.invoked_subcommand is None:
        show_organisation(as_json=as_json)


@commands.command("show")
def show_organisation(as_json: Json = False) -> None:
    """What is known of your organisation."""
    with open_desk() as desk:
        _print(desk, as_json=as_json)


@commands.command("set")
def set_fields(
    assignments: Annotated[
        list[str],
        typer.Argument(metavar="FIELD=VALUE…", help=f"Fields: {', '.join(OrganisationFields.model_fields)}."),
    ],
    by: By = None,
    as_json: Json = False,
) -> None:
    """Change fields, all of them or none."""
    values = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(
                f"{text!r} is no FIELD=VALUE.", hint='For example: time_zone=Europe/Berlin name="Brightdesk"'
            )
        values[name.strip()] = value.strip()
    with open_desk() as desk:
        with desk.store.write() as session:
            changed = set_organisation(session, desk.organisation.id, values, by=who(by), now=desk.now)
        if not as_json:
            for name, (old, new) in changed.items():
                say(f"{name}: {old!r} → {new!r}")
            if not changed:
                say("Nothing has changed.")
            if "time_zone" in changed:
                say("The daily run follows the new zone once the worker is started again.", style="dim")
            return
        _print(desk, as_json=True)


def _print(desk: Desk, *, as_json: bool) -> None:
    with desk.store.read() as session:
        row = session.get_one(Organisation, desk.organisation.id)
        in_use = [one for one in scorecards(session, row.id) if one.in_use]
    card = f"{in_use[0].name}@{in_use[0].version}" if in_use else row.scorecard
    if as_json:
        print_json({**row.model_dump(mode="json"), "scorecard": card})
        return
    fields = [(name, getattr(row, name)) for name in OrganisationFields.model_fields]
    shown = [
        (name, ("yes" if value else "no") if isinstance(value, bool) else value or "–")
        for name, value in fields
    ]
    print_fields(
        [("key", row.key), *shown, ("scorecard", card), ("database", desk.settings.safe_database_url)]
    )
    say()
    say("Change one: keepwell organisation set FIELD=VALUE", style="dim")
