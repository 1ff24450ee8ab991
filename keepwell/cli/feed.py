"""`keepwell feed`: the in-app notifications of a contact, and the token with which a browser reads them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from keepwell.cli.desk import Json, open_desk
from keepwell.cli.output import print_json, say
from keepwell.feed import LASTS, LONGEST, feed_token
from keepwell.links import make_links

HOUR = timedelta(hours=1)
MOST = int(LONGEST / HOUR)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="The in-app feed: tokens for its widget.", no_args_is_help=True)
    # A group of one command would be called without its name.
    group.callback()(_group)
    group.command("token")(token)
    app.add_typer(group, name="feed")


def _group() -> None:
    """The in-app feed: tokens for its widget."""


def token(
    contact: Annotated[str, typer.Argument(help="Id (ours or yours) or email address of a contact.")],
    hours: Annotated[
        float, typer.Option("--hours", min=0.01, max=MOST, help="How long it lets the contact in.")
    ] = LASTS / HOUR,
    as_json: Json = False,
) -> None:
    """A token for one contact's widget: who has it reads that contact's notifications until it ends."""
    with open_desk() as desk:
        lasts = hours * HOUR
        made = feed_token(
            desk.store,
            make_links(desk.settings),
            desk.organisation.id,
            contact,
            now=desk.now,
            lasts=lasts,
        )
    if as_json:
        print_json({"token": made, "until": (desk.now + lasts).isoformat()})
        return
    say(made)
