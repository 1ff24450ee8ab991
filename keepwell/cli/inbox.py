"""`keepwell inbox`: letters that came in, and what was made of them."""

from __future__ import annotations

from typing import Annotated

import typer

from keepwell.cli import words
from keepwell.cli.desk import Json, Limit, open_desk
from keepwell.cli.output import Column, plain, print_fields, print_json, print_table, say
from keepwell.db.repositories.views_inbox import letter, letters

inbox = typer.Typer(help="Letters that came in by email.", invoke_without_command=True)
OfCustomer = Annotated[str | None, typer.Option("--customer", help="Id or name of a customer.")]
Everything = Annotated[bool, typer.Option("--all", help="Also those that programs and strangers wrote.")]

NONE_YET = (
    "No letters. They come in by SendGrid's inbound parse: docs/guide/admin.md says how to set that up."
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(inbox, name="inbox")


@inbox.callback()
def _newest(
    context: typer.Context,
    customer: OfCustomer = None,
    everything: Everything = False,
    limit: Limit = 30,
    as_json: Json = False,
) -> None:
    """Letters that came in by email, the newest first."""
    if context.invoked_subcommand is None:
        list_letters(customer=customer, everything=everything, limit=limit, as_json=as_json)


@inbox.command("list")
def list_letters(
    customer: OfCustomer = None, everything: Everything = False, limit: Limit = 30, as_json: Json = False
) -> None:
    """The newest letters, newest first."""
    with open_desk() as desk, desk.store.read() as session:
        found = letters(
            session,
            desk.organisation.id,
            customer=desk.customer(session, customer),
            everything=everything,
            limit=limit,
        )
    if as_json:
        print_json({"letters": found})
        return
    if not found:
        say(NONE_YET if customer is None else "No letter fits.")
        return
    columns = [
        Column("Id", keep=True),
        Column("When", keep=True),
        Column("From"),
        Column("Customer"),
        Column("Subject"),
        Column("Handled"),
        Column("What was made of it", drop=1),
    ]
    rows = [
        [
            words.short(one.id),
            desk.clock.moment(one.received_at),
            words.one_line(one.from_name or one.from_address, 60),
            one.customer,
            words.one_line(one.subject, 120),
            words.one_line(one.handled_by, 40) if one.handled_at else "not yet" if one.task else "",
            one.effect,
        ]
        for one in found
    ]
    print_table(columns, rows)
    say()
    say(f"{desk.times} Read one: keepwell inbox show ID", style="dim")


@inbox.command("show")
def show_letter(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="Its id, or a part of it.")],
    as_json: Json = False,
) -> None:
    """One letter in full, as plain text."""
    with open_desk() as desk, desk.store.read() as session:
        found = letter(session, desk.organisation.id, identifier)
    if as_json:
        print_json(found)
        return
    one = found.letter
    print_fields(
        [
            ("id", one.id),
            ("when", f"{desk.clock.moment(one.received_at)} ({desk.zone.key})"),
            ("from", f"{one.from_name} <{one.from_address}>" if one.from_name else one.from_address),
            ("customer", one.customer),
            ("intervention", one.intervention_id or ""),
            ("subject", one.subject),
            ("made of it", one.effect),
            ("handled", f"{one.handled_by}, {desk.clock.moment(one.handled_at)}" if one.handled_at else ""),
        ]
    )
    say()
    say(plain(found.text).rstrip())
    if one.task and one.handled_at is None:
        say()
        say(f"Handled? keepwell tasks close {words.tail(one.task)} --outcome done", style="dim")
