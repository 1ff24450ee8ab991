"""`keepwell slack test`: whether a message arrives as it should."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from keepwell.cli.desk import Desk, Json, open_desk
from keepwell.cli.output import print_json, say
from keepwell.contracts.delivery import Message, Recipient
from keepwell.contracts.playbook import Channel
from keepwell.db.repositories.views import find_person
from keepwell.db.tables import Staff
from keepwell.errors import ConfigurationError, InputError
from keepwell.keys import new_id

TEXT = (
    "*Keepwell can write to you*\n"
    "This is a test of `keepwell slack test`. Alerts come like this, with buttons beneath.\n\n"
    "Nothing has happened, and there is nothing to do."
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    slack = typer.Typer(help="The connection to Slack.", no_args_is_help=True)
    slack.command("test")(send_test)
    app.add_typer(slack, name="slack")


def send_test(
    to: Annotated[
        str,
        typer.Option(
            help="A member of staff (id, email address or name), or a Slack id of a channel or person."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Post a test message, now and in earnest, also where sending is still set to the outbox."""
    # The client costs a third of a second to load.
    from keepwell.adapters.slack import Slack  # noqa: PLC0415

    with open_desk() as desk:
        token = desk.settings.slack_token
        if token is None:
            raise ConfigurationError(
                "KEEPWELL_SLACK_TOKEN is not set.", hint="docs/guide/admin.md says how to get a bot token."
            )
        if desk.organisation.demo:
            raise InputError("A demo organisation writes to nobody.", hint="Set KEEPWELL_ORGANISATION.")
        recipient = _recipient(desk, to)
        message = Message(
            key=f"{desk.organisation.id}/test/{new_id()}",
            organisation=desk.organisation.id,
            customer="",
            channel=Channel.SLACK,
            recipient=recipient,
            sender_name="",
            sender_address="",
            subject="Keepwell can write to you",
            text=TEXT,
        )
        accepted = Slack(token, desk.settings.slack_url).send(message)
    if as_json:
        print_json({"to": recipient.address, "provider_id": accepted.provider_id})
        return
    say(f"Slack took the message for {recipient.name} ({accepted.provider_id}).")


def _recipient(desk: Desk, to: str) -> Recipient:
    """Whom the option means; a Slack id is taken as it is."""
    if re.fullmatch(r"[CDGUW][A-Z0-9]{4,}", to):
        return Recipient(id="", kind="staff", name=to, address=to, time_zone="UTC")
    with desk.store.read() as session:
        person = session.get_one(Staff, find_person(session, desk.organisation.id, to).id)
    return Recipient(
        id=person.id,
        kind="staff",
        name=person.name,
        address=person.slack or person.email,
        time_zone=person.time_zone,
    )
