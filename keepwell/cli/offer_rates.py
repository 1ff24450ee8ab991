"""`keepwell offer rates`: how many offers are accepted, and what that means in months and money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from keepwell.cli import words
from keepwell.cli.desk import Desk, Json, open_desk
from keepwell.cli.moments import past_moment
from keepwell.cli.output import Column, print_json, print_table, say
from keepwell.db.repositories.offer_rates import OfferRate, Per, offer_rates
from keepwell.db.repositories.wording import money
from keepwell.errors import InputError


def register(group: typer.Typer) -> None:
    """Add the command of this module to `keepwell offer`."""
    group.command("rates")(rates)


def rates(
    per: Annotated[Per | None, typer.Option("--per", help="A line for each kind, playbook or month.")] = None,
    since: Annotated[str | None, typer.Option(help="Offers made from then on: 2026-12-01, 90d.")] = None,
    until: Annotated[str | None, typer.Option(help="Offers made before then.")] = None,
    as_json: Json = False,
) -> None:
    """How many offers were seen, accepted, declined or left to expire."""
    with open_desk() as desk:
        begin = past_moment(since, desk.now, desk.zone, place="--since") if since else None
        end = past_moment(until, desk.now, desk.zone, place="--until") if until else None
        if begin is not None and end is not None and begin >= end:
            raise InputError("The period ends before it begins.", place="--until", hint="Name a later day.")
        with desk.store.read() as session:
            found = offer_rates(session, desk.organisation, per=per, since=begin, until=end)
    if as_json:
        period = {"since": begin and begin.isoformat(), "until": end and end.isoformat()}
        print_json({**period, "rates": found})
        return
    if not found[0].offered:
        say("No offers. Playbooks make them: keepwell playbooks")
        return
    _print(desk, found)


def _print(desk: Desk, found: tuple[OfferRate, ...]) -> None:
    columns = [
        Column("Offers", keep=True),
        Column("Made", justify="right", keep=True),
        Column("Seen", justify="right", keep=True, drop=3),
        Column("Accepted", justify="right", keep=True),
        Column("Declined", justify="right", keep=True, drop=4),
        Column("Expired", justify="right", keep=True, drop=4),
        Column("Withdrawn", justify="right", keep=True, drop=2),
        Column("Open", justify="right", keep=True, drop=2),
        Column("Acceptance", justify="right", keep=True),
        Column("Months", justify="right", keep=True, drop=1),
        Column("Per month", justify="right", drop=1),
    ]
    print_table(columns, [_row(line) for line in found])
    say()
    of = "Acceptance is of offers that are over: accepted, declined or expired"
    say(f"{of}; open and withdrawn ones do not count.", style="dim")
    say("Months are of accepted pauses. Per month is the revenue of the customers who accepted.", style="dim")
    yearly = found[0].yearly
    if yearly:
        say(
            f"Accepted upgrades were worth {_money(yearly)} a year by the estimate of their signal.",
            style="dim",
        )
    say(f"{words.count(found[0].offered, 'offer')}. {desk.times}", style="dim")


def _row(line: OfferRate) -> list[str]:
    rate = "–" if line.rate is None else f"{line.accepted} of {line.over} ({line.rate:.0%})"
    return [
        line.group.replace("_", " "),
        str(line.offered),
        str(line.seen),
        str(line.accepted),
        str(line.declined),
        str(line.expired),
        str(line.withdrawn),
        str(line.open),
        rate,
        str(line.months) if line.months else "–",
        _money(line.monthly) or "–",
    ]


def _money(sums: Mapping[str, float]) -> str:
    return " + ".join(money(amount, currency) for currency, amount in sums.items())
