"""`keepwell alerts channels` and `keepwell alerts channel`: who hears of alerts, and how."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from keepwell.cli.alerts import many
from keepwell.cli.desk import By, Json, open_desk, who
from keepwell.cli.output import Column, print_json, print_table, say
from keepwell.db.repositories.alert_channels import ChannelLine, ChannelName, alert_channels, set_channel
from scoring.signal import Severity


def register(app: typer.Typer) -> None:  # noqa: ARG001  (they are below `keepwell alerts`)
    """Add the commands of this module."""
    many.command("channels")(show_channels)
    many.command("channel")(change_channel)


def show_channels(as_json: Json = False) -> None:
    """By which channels alerts go out, from which severity on, and to whom."""
    with open_desk() as desk, desk.store.read() as session:
        lines = alert_channels(session, desk.organisation.id)
    if as_json:
        print_json({"channels": lines})
        return
    print_table(
        [Column("Channel", keep=True), Column("Is", keep=True), Column("From", keep=True), Column("To")],
        [[one.channel, "on" if one.enabled else "off", one.severity.value, _to(one)] for one in lines],
    )
    say()
    say("Change one: keepwell alerts channel email on --severity critical", style="dim")


def change_channel(
    channel: Annotated[ChannelName, typer.Argument(help="email, slack or webhook.")],
    switch: Annotated[Literal["on", "off"], typer.Argument(help="on or off.")],
    severity: Annotated[Severity | None, typer.Option(help="The least grave alert that goes out.")] = None,
    to: Annotated[
        str | None,
        typer.Option(
            help="An email address, or a channel of Slack, for all alerts ('': each customer's owner)."
        ),
    ] = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Switch a channel on or off. What was raised before it is switched on is not told."""
    with open_desk() as desk, desk.store.write() as session:
        line = set_channel(
            session,
            desk.organisation.id,
            channel,
            enabled=switch == "on",
            severity=severity,
            target=to,
            by=who(by),
            now=desk.now,
        )
    if as_json:
        print_json(line)
    elif line.enabled:
        say(f"Alerts by {line.channel} are on, from {line.severity.value} on, to {_to(line)}.")
    else:
        say(f"Alerts by {line.channel} are off.")


def _to(line: ChannelLine) -> str:
    if line.channel == "webhook":
        return "endpoints that want alert. (keepwell webhooks list)"
    return line.target or "the customer's owner, or who stands in"
