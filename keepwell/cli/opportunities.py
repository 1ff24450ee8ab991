"""`keepwell opportunities`: which customers could use more, and what is done about it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from keepwell.cli import words
from keepwell.cli.desk import Desk, Json, Limit, open_desk
from keepwell.cli.output import Column, print_json, print_table, say
from keepwell.db.repositories.views_opportunities import LIVE, STATES, OpportunityLine, opportunities
from keepwell.errors import InputError

EVERY = "all"


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("opportunities")(list_opportunities)


def list_opportunities(
    state: Annotated[
        str | None, typer.Option(help=f"One of {', '.join(STATES)}, or {EVERY} (unset: {', '.join(LIVE)}).")
    ] = None,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """Signs that customers could use more, the most urgent first, and what is done about them."""
    wanted = _states(state)
    with open_desk() as desk, desk.store.read() as session:
        found = opportunities(session, desk.organisation.id, states=wanted, limit=limit)
    if as_json:
        print_json(found)
        return
    if not found.opportunities:
        say("No opportunities. They come from metrics like usage_percentage: see the guide on importing.")
        return
    _print(desk, found.opportunities)
    shown = f"{len(found.opportunities):,} of {words.count(found.total, 'opportunity', 'opportunities')}"
    say()
    brought = any(one.state == "converted" for one in found.opportunities)
    came = ", brought what the customer pays more in a year since then" if brought else ""
    say(f"{shown}. Value is what it may bring in a year{came}. {desk.times}", style="dim")


def _states(state: str | None) -> tuple[str, ...]:
    if state is None:
        return LIVE
    text = state.strip().lower()
    if text == EVERY:
        return STATES
    if text not in STATES:
        known = ", ".join((*STATES, EVERY))
        raise InputError(f"{state!r} is no state; there are {known}.", place="--state")
    return (text,)


def _print(desk: Desk, lines: tuple[OpportunityLine, ...]) -> None:
    brought = any(one.state == "converted" for one in lines)
    columns = [
        Column("Customer"),
        Column("Signal"),
        Column("Urgency", keep=True),
        Column("Value", justify="right", keep=True),
        Column("State", keep=True),
        *([Column("Brought", justify="right", keep=True, drop=2)] if brought else []),
        Column("Since", keep=True, drop=1),
        Column("Why"),
    ]
    rows: list[list[object]] = [
        [
            one.customer,
            one.words,
            Text(one.urgency, style="bold" if one.urgency == "HIGH" else ""),
            words.money(one.value, one.currency) or "–",
            Text(one.state, style="green" if one.state in ("open", "running") else "dim"),
            *([words.money(one.increase, one.currency)] if brought else []),
            desk.clock.moment(one.detected_at),
            one.reason or _runs(desk, one),
        ]
        for one in lines
    ]
    print_table(columns, rows)


def _runs(desk: Desk, one: OpportunityLine) -> str:
    """The campaign that it has begun: "usage_limit@1 runs since 21 Nov 2026"."""
    return f"{one.playbook} runs since {desk.clock.day(one.began_at)}" if one.playbook else ""
