"""`keepwell keys`: API keys for programs."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated

import typer

from keepwell.cli import words
from keepwell.cli.desk import By, Desk, Json, open_desk, who
from keepwell.cli.output import Column, print_json, print_table, say
from keepwell.contracts.access import Permission
from keepwell.db.repositories import keys
from keepwell.db.repositories.keys import KeyLine
from keepwell.errors import InputError

commands = typer.Typer(help="API keys for programs.", no_args_is_help=True)
_DAYS = re.compile(r"([1-9][0-9]{0,3})d")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(commands, name="keys")


@commands.command("make")
def make(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scope: Annotated[
        list[Permission], typer.Option("--scope", "-s", help="What it may; give it again for more than one.")
    ],
    expires: Annotated[
        str | None, typer.Option(help='When it ends: in days ("90d"), or a day ("2027-06-30"). Unset: never.')
    ] = None,
    customer: Annotated[
        str | None, typer.Option(help="With --scope own: the customer whose data it sees.")
    ] = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Make a key. It is shown this once; the store keeps its hash."""
    with open_desk() as desk, desk.store.write() as session:
        made = keys.new_key(
            session,
            desk.organisation.id,
            name=name,
            scopes=scope,
            by=who(by),
            now=desk.now,
            expires_at=_end(desk, expires),
            customer=desk.customer(session, customer),
        )
    if as_json:
        print_json(made)
        return
    say("The key, which nobody can show again:")
    say()
    say("  ", made.key, style="bold")
    say()
    ends = f" until {desk.clock.moment(made.expires_at)}" if made.expires_at else ""
    say(f"It may {', '.join(made.scopes)}{ends}. Programs send it as: Authorization: Bearer KEY")


@commands.command("list")
def show(
    revoked: Annotated[bool, typer.Option("--all", help="Also those that were revoked.")] = False,
    as_json: Json = False,
) -> None:
    """The keys there are, and when each was last used."""
    with open_desk() as desk, desk.store.read() as session:
        lines = keys.keys(session, desk.organisation.id, revoked=revoked)
    if as_json:
        print_json({"keys": lines})
        return
    if not lines:
        say("There are no keys. Make one: keepwell keys make NAME --scope read")
        return
    columns = [
        Column("Id", keep=True),
        Column("Begins with", keep=True, drop=1),
        Column("Name"),
        Column("May"),
        Column("Ends", keep=True, drop=2),
        Column("Last used", keep=True),
        Column("Made by", drop=3),
    ]
    print_table(columns, [_row(desk, one) for one in lines])
    say(desk.times, style="dim")


@commands.command("revoke")
def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its id, the end of it, or how it begins.")],
    by: By = None,
    as_json: Json = False,
) -> None:
    """Take a key back: from now on it lets nobody in."""
    with open_desk() as desk, desk.store.write() as session:
        found = _find(keys.keys(session, desk.organisation.id, revoked=True), key)
        line = keys.revoke_key(session, desk.organisation.id, found.id, by=who(by), now=desk.now)
    if as_json:
        print_json(line)
    else:
        say(f"The key {line.name} lets nobody in any more.")


def _find(lines: list[KeyLine], text: str) -> KeyLine:
    part = text.strip().lstrip("…")
    found = [
        one
        for one in lines
        if len(part) >= 4 and (one.id.endswith(part.upper()) or one.prefix == part.removesuffix("…"))
    ]
    if len(found) != 1:
        what = "fits several keys" if found else "is no key"
        raise InputError(f"{text!r} {what}.", place="KEY", hint="See them: keepwell keys list --all")
    return found[0]


def _end(desk: Desk, text: str | None) -> datetime | None:
    if text is None:
        return None
    if days := _DAYS.fullmatch(text.strip()):
        return desk.now + timedelta(days=int(days[1]))
    try:
        # The whole of that day still counts.
        return datetime.fromisoformat(text.strip()).replace(tzinfo=desk.zone) + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"{text!r} is no end.", place="--expires", hint='Days ("90d"), or a day ("2027-06-30").'
        ) from error


def _row(desk: Desk, one: KeyLine) -> list[object]:
    ends = desk.clock.moment(one.expires_at) if one.expires_at else "never"
    if one.revoked_at is not None:
        ends = f"revoked {desk.clock.moment(one.revoked_at)}"
    used = desk.clock.moment(one.used_at) if one.used_at else "never"
    return [words.tail(one.id), one.prefix, one.name, ", ".join(one.scopes), ends, used, one.created_by]
