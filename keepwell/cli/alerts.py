"""`keepwell alerts` and `keepwell alert`: what was noticed, who has it in hand, and the rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer
from rich.text import Text

from keepwell.cli import words
from keepwell.cli.alerts_in_hand import acknowledge_too
from keepwell.cli.desk import By, Desk, Json, Limit, open_desk, who
from keepwell.cli.output import Column, plain, print_fields, print_json, print_table, say, tell
from keepwell.contracts.alerts import LIVE_ALERTS
from keepwell.db.repositories import organisations
from keepwell.db.repositories.alert_rules import described, load_rules, meaning_of, put_rules
from keepwell.db.repositories.alerts import acknowledge_alert
from keepwell.db.repositories.views_alerts import (
    STATES,
    AlertLine,
    TriggerLine,
    alert_summary,
    alerts,
    find_alert,
)
from keepwell.errors import InputError
from scoring.signal import Severity, Trigger

EVERY = "all"
STYLES = {Severity.CRITICAL.value: "bold red", Severity.WARNING.value: "yellow", Severity.INFO.value: ""}

many = typer.Typer(help="What was noticed about customers, the gravest first.", invoke_without_command=True)
one = typer.Typer(help="One alert: show it, or take it in hand.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(many, name="alerts")
    app.add_typer(one, name="alert")


@many.callback()
def list_alerts(
    context: typer.Context,
    state: Annotated[
        str | None, typer.Option(help=f"One of {', '.join(STATES)}, or {EVERY} (unset: not closed).")
    ] = None,
    trigger: Annotated[Trigger | None, typer.Option(help="Only of this trigger.")] = None,
    severity: Annotated[Severity | None, typer.Option(help="Only of this severity.")] = None,
    customer: Annotated[str | None, typer.Option(help="Id or name of a customer.")] = None,
    summary: Annotated[
        bool, typer.Option("--summary", help="By trigger: how many, and how soon they are in hand.")
    ] = False,
    days: Annotated[int, typer.Option(min=1, max=3650, help="With --summary: of so many days.")] = 30,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """What was noticed about customers, the gravest first."""
    if context.invoked_subcommand is not None:
        return
    with open_desk() as desk, desk.store.read() as session:
        if summary:
            lines = alert_summary(session, desk.organisation.id, desk.now - timedelta(days=days))
            _print_summary(lines, days, as_json=as_json)
            return
        found = alerts(
            session,
            desk.organisation.id,
            desk.now,
            states=_states(state),
            trigger=trigger.value if trigger else None,
            severity=severity.value if severity else None,
            customer=desk.customer(session, customer),
            limit=limit,
        )
    if as_json:
        print_json(found)
    elif not found.alerts:
        say(
            "No alerts."
            if state
            else "No alerts that are not closed. All of them: keepwell alerts --state all"
        )
    else:
        _print(desk, found.alerts)
        say()
        say(f"{len(found.alerts):,} of {words.count(found.total, 'alert')}. {desk.times}", style="dim")
        say("Take one in hand: keepwell alert acknowledge ID", style="dim")


@many.command("rules")
def show_rules(as_json: Json = False) -> None:
    """Which triggers are on, and the thresholds of categories."""
    with open_desk() as desk, desk.store.write() as session:
        _, card = organisations.scorecard_of(session, desk.organisation.id, now=desk.now)
        rules = described(load_rules(session, desk.organisation.id), card)
        own = set(card.category_names)
    if as_json:
        print_json(rules)
        return
    meant = {name: meaning_of(name, in_card=name in own) for name in rules}
    print_table(
        [Column("Rule", keep=True), Column("Is", keep=True), Column("Means")],
        [[name, value, meant[name]] for name, value in rules.items()],
    )
    say()
    say("Change one: keepwell alerts set RULE=VALUE", style="dim")


@many.command("set")
def change_rules(
    assignments: Annotated[
        list[str], typer.Argument(metavar="RULE=VALUE…", help="The rules are in: keepwell alerts rules")
    ],
    by: By = None,
    as_json: Json = False,
) -> None:
    """Switch triggers on and off, and set thresholds; all of them or none."""
    values = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"{text!r} is no RULE=VALUE.", hint="For example: engagement=55 inactivity=off")
        values[name.strip()] = value.strip()
    with open_desk() as desk, desk.store.write() as session:
        _, card = organisations.scorecard_of(session, desk.organisation.id, now=desk.now)
        changed = put_rules(session, desk.organisation.id, card, values, by=who(by), now=desk.now)
    if as_json:
        print_json({"changed": changed})
        return
    for line in changed or ["Nothing has changed."]:
        say(line)


@one.command("acknowledge")
def acknowledge(
    alert: Annotated[str, typer.Argument(help="The alert's id, or the beginning or end of it.")],
    by: By = None,
    as_json: Json = False,
) -> None:
    """Take an alert in hand, and what its playbook does. It closes by itself when its cause is gone."""
    with open_desk() as desk:
        with desk.store.read() as session:
            own = find_alert(session, desk.organisation.id, alert)
        row = acknowledge_alert(desk.store, own, who(by), desk.now)
        answer, left = acknowledge_too(desk, row.intervention_id, who(by))
        line = _line(desk, own)
    if as_json:
        print_json({**line.model_dump(mode="json"), "left_to_do": left})
        return
    took = f", {words.length(line.to_acknowledge)} after it was raised" if line.to_acknowledge else ""
    say(f"{line.customer}: {line.words}. {line.acknowledged_by} has it in hand{took}.")
    if answer:
        say("Its playbook: ", plain(answer))
    if left:
        tell(left, style="yellow")


@one.command("show")
def show_alert(
    alert: Annotated[str, typer.Argument(help="The alert's id, or the beginning or end of it.")],
    as_json: Json = False,
) -> None:
    """One alert: why it was raised, who has it in hand, and what its playbook made of it."""
    with open_desk() as desk:
        with desk.store.read() as session:
            own = find_alert(session, desk.organisation.id, alert)
        line = _line(desk, own)
    if as_json:
        print_json(line)
        return
    clock = desk.clock
    say(Text(f"{line.customer}: {line.words}", style="bold"))
    print_fields(
        [
            ("id", line.id),
            ("trigger", line.trigger),
            ("severity", line.severity),
            ("state", line.state),
            ("owner", line.owner or "nobody"),
            ("raised", clock.moment(line.raised_at)),
            ("grew graver", clock.moment(line.escalated_at)),
            ("due", clock.moment(line.due_at)),
            ("in hand", _in_hand(desk, line)),
            ("closed", f"{clock.moment(line.closed_at)}: {line.closed_why}" if line.closed_at else ""),
            ("playbook", _playbook(line)),
            *((f"  {name}", value) for name, value in line.evidence.items()),
        ]
    )
    say(desk.times, style="dim")


def _line(desk: Desk, alert: str) -> AlertLine:
    with desk.store.read() as session:
        return alerts(session, desk.organisation.id, desk.now, states=STATES, ids=[alert]).alerts[0]


def _states(state: str | None) -> tuple[str, ...]:
    if state is None:
        return LIVE_ALERTS
    text = state.strip().lower()
    if text == EVERY:
        return STATES
    if text not in STATES:
        raise InputError(f"{state!r} is no state; there are {', '.join((*STATES, EVERY))}.", place="--state")
    return (text,)


def _print(desk: Desk, lines: tuple[AlertLine, ...]) -> None:
    columns = [
        Column("Id", keep=True),
        Column("Customer"),
        Column("Severity", keep=True),
        Column("Why"),
        Column("Since", keep=True, drop=2),
        Column("Due", keep=True, drop=1),
        Column("In hand"),
        Column("Playbook", wide=110),
    ]
    rows: list[list[object]] = [
        [
            words.short(line.id),
            line.customer,
            Text(line.severity, style=STYLES[line.severity]),
            line.words,
            desk.clock.moment(line.raised_at),
            Text(desk.clock.moment(line.due_at), style="red" if line.overdue else ""),
            f"closed: {line.closed_why}" if line.closed_at else _in_hand(desk, line) or "–",
            _playbook(line),
        ]
        for line in lines
    ]
    print_table(columns, rows)


def _in_hand(desk: Desk, line: AlertLine) -> str:
    if line.acknowledged_at is None:
        return ""
    return f"{line.acknowledged_by}, {desk.clock.moment(line.acknowledged_at)}"


def _playbook(line: AlertLine) -> str:
    if line.intervention:
        return f"keepwell intervention {words.tail(line.intervention)}"
    return line.reason or ("not handed over yet" if not line.decision else "")


def _print_summary(lines: tuple[TriggerLine, ...], days: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"days": days, "triggers": lines})
        return
    if not lines:
        say(f"No alerts in {words.count(days, 'day')}.")
        return
    columns = [
        Column("Trigger", keep=True),
        *(Column(name, justify="right", keep=True) for name in ("Raised", "Open", "Acknowledged", "Closed")),
        Column("Median time to acknowledge", justify="right"),
    ]
    rows = [
        [
            line.trigger,
            f"{line.raised:,}",
            f"{line.open:,}",
            f"{line.acknowledged:,}",
            f"{line.closed:,}",
            f"{words.length(line.median_to_acknowledge)} (of {line.taken_in_hand:,})"
            if line.median_to_acknowledge is not None
            else "–",
        ]
        for line in lines
    ]
    print_table(columns, rows, title=f"Alerts raised in {words.count(days, 'day')}")
