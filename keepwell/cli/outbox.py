"""`keepwell outbox`: messages as their recipients would see them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from keepwell.cli import words
from keepwell.cli.desk import Json, Limit, open_desk
from keepwell.cli.files import write_text
from keepwell.cli.output import Column, plain, print_fields, print_json, print_table, say
from keepwell.contracts.playbook import Channel
from keepwell.db.repositories.views_messages import MessageDetail, message, messages
from keepwell.errors import InputError

outbox = typer.Typer(help="Messages as their recipients would see them.", invoke_without_command=True)
OfCustomer = Annotated[str | None, typer.Option("--customer", help="Id or name of a customer.")]
OfChannel = Annotated[Channel | None, typer.Option("--channel", help="email, slack or in_app.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(outbox, name="outbox")


@outbox.callback()
def _newest(
    context: typer.Context,
    customer: OfCustomer = None,
    channel: OfChannel = None,
    limit: Limit = 30,
    as_json: Json = False,
) -> None:
    """Messages as their recipients would see them, the newest first."""
    if context.invoked_subcommand is None:
        list_messages(customer=customer, channel=channel, limit=limit, as_json=as_json)


@outbox.command("list")
def list_messages(
    customer: OfCustomer = None, channel: OfChannel = None, limit: Limit = 30, as_json: Json = False
) -> None:
    """The newest messages, newest first."""
    with open_desk() as desk, desk.store.read() as session:
        found = messages(
            session,
            desk.organisation.id,
            customer=desk.customer(session, customer),
            channel=channel.value if channel else "",
            limit=limit,
        )
    if as_json:
        print_json({"messages": found})
        return
    if not found:
        filtered = customer is not None or channel is not None
        say(
            "No message fits."
            if filtered
            else "No messages yet: interventions write them (keepwell interventions)"
        )
        return
    columns = [
        Column("Id", keep=True),
        Column("When", keep=True),
        Column("By", keep=True, drop=1),
        Column("Customer"),
        Column("To"),
        Column("Subject"),
    ]
    rows = [
        [
            words.short(one.id),
            desk.clock.moment(one.at),
            one.channel,
            one.customer,
            one.recipient,
            words.one_line(one.subject, 120),
        ]
        for one in found
    ]
    print_table(columns, rows)
    say()
    say(f"{desk.times} Read one: keepwell outbox show ID", style="dim")


@outbox.command("show")
def show_message(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="Its id, or a part of it.")],
    html: Annotated[Path | None, typer.Option("--html", help="Write the HTML part to this file.")] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open the HTML part in the browser.")] = False,
    attachments: Annotated[
        Path | None, typer.Option("--attachments", help="Write the attachments to this folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """One message in full."""
    with open_desk() as desk, desk.store.read() as session:
        found = message(session, desk.organisation.id, identifier)
    if html is not None or open_it:
        _write_html(found, html, open_it=open_it)
    if attachments is not None:
        _write_attachments(found, attachments)
    if html is not None or open_it or attachments is not None:
        return
    if as_json:
        print_json(found)
        return
    one = found.message
    sender = f"{found.sender} <{found.sender_address}>" if found.sender_address else found.sender
    print_fields(
        [
            ("id", one.id),
            ("when", f"{desk.clock.moment(one.at)} ({desk.zone.key})"),
            ("customer", one.customer),
            ("by", one.channel),
            ("from", sender),
            ("to", f"{one.recipient} <{one.address}>" if one.address else one.recipient),
            ("subject", one.subject),
            *((name.lower(), value) for name, value in found.headers.items()),
            ("attached", ", ".join(file.filename for file in found.attachments)),
            ("button", f"{found.action_label} → {found.action_url}" if found.action_url else ""),
        ]
    )
    say()
    say(plain(found.text).rstrip())
    if found.html:
        say()
        say(f"As it looks: keepwell outbox show {words.tail(one.id)} --open", style="dim")


def _write_html(found: MessageDetail, path: Path | None, *, open_it: bool) -> None:
    if not found.html:
        raise InputError(
            f"A message by {found.message.channel} has no HTML part.", hint="Leave the option out."
        )
    if path is None:
        path = Path(tempfile.mkdtemp(prefix="keepwell-message-")) / "message.html"
    write_text(found.html, path, "The message")
    if open_it:
        typer.launch(path.absolute().as_uri())


def _write_attachments(found: MessageDetail, folder: Path) -> None:
    if not found.attachments:
        raise InputError("This message has no attachments.", hint="Leave --attachments out.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot be made: {error.strerror}", place=str(folder)) from error
    for file in found.attachments:
        # The name alone: a path in it must not lead out of the folder.
        write_text(file.content, folder / Path(file.filename).name, file.filename)
