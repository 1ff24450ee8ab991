"""`keepwell sending` and `keepwell closed-days`: what keeps messages back, and who has said so."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from sqlmodel import Session

from keepwell.cli import words
from keepwell.cli.desk import By, Desk, Json, open_desk, who
from keepwell.cli.output import Column, print_fields, print_json, print_table, say
from keepwell.db.repositories import closed_days, switches
from keepwell.db.repositories.views import did_you_mean
from keepwell.db.repositories.views_sending import SendingView, StopLine, sending
from keepwell.errors import InputError, NotFoundError
from keepwell.gate.calendar import days_words
from keepwell.gate.countries import holiday_name
from keepwell.known_playbooks import all_playbooks

commands = typer.Typer(help="What keeps messages back: stops, hours, caps.", invoke_without_command=True)
days = typer.Typer(
    help="Days on which you are closed, or open though it is a holiday.", invoke_without_command=True
)

Customer = Annotated[str | None, typer.Option(help="Only to this customer: its id or name.")]
Playbook = Annotated[str | None, typer.Option(help="Only of this playbook: its name.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the timeline.")]
Day = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="The day.")]
WAITS = {
    "hours": "a decent hour",
    "room": "room under a cap",
    "switch": "sending to be resumed",
    "voice": "another playbook to end",
}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(commands, name="sending")
    app.add_typer(days, name="closed-days")


@commands.callback()
def _show(context: typer.Context, as_json: Json = False) -> None:
    """What keeps messages back now: stops, quiet hours, caps, closed days, and how many wait."""
    if context.invoked_subcommand is None:
        with open_desk() as desk, desk.store.read() as session:
            _print(desk, sending(session, desk.organisation.id, desk.now), as_json=as_json)


@commands.command("stop")
def stop(customer: Customer = None, playbook: Playbook = None, reason: Why = "", by: By = None) -> None:
    """Stop sending from the next attempt on: everything, or one playbook, or to one customer."""
    with open_desk() as desk, desk.store.write() as session:
        what = _meant(session, desk, customer, playbook)
        new = switches.throw(session, what, reason=reason, by=who(by), now=desk.now)
    say("Stopped. Messages wait." if new else "It is stopped already.")
    say(f"Let it go on: keepwell sending resume{_again(customer, playbook)}", style="dim")


@commands.command("resume")
def resume(customer: Customer = None, playbook: Playbook = None, reason: Why = "", by: By = None) -> None:
    """Let go on what was stopped. What waits for it is tried at once."""
    with open_desk() as desk, desk.store.write() as session:
        what = _meant(session, desk, customer, playbook)
        asked = switches.lift(session, what, reason=reason, by=who(by), now=desk.now)
    say(f"Goes on. {words.count(asked, 'intervention')} that waited will try again at once.")


@days.callback()
def _days(context: typer.Context, as_json: Json = False) -> None:
    """Days on which you are closed, or open though it is a holiday."""
    if context.invoked_subcommand is None:
        list_days(as_json=as_json)


@days.command("list")
def list_days(as_json: Json = False) -> None:
    """The days that were entered, from today on."""
    with open_desk() as desk, desk.store.read() as session:
        view = sending(session, desk.organisation.id, desk.now)
    if as_json:
        print_json({"days": [one.model_dump(mode="json") for one in view.days]})
    else:
        _print_days(view)


@days.command("add")
def add_day(
    day: Day,
    name: Annotated[str, typer.Option(help="What the day is, for the timeline.")] = "",
    open_: Annotated[bool, typer.Option("--open", help="An open day, whatever the calendar says.")] = False,
    by: By = None,
) -> None:
    """Enter a day on which nothing goes out, or with --open one on which it does."""
    with open_desk() as desk, desk.store.write() as session:
        closed_days.enter(
            session, desk.organisation.id, day.date(), name=name, open_=open_, by=who(by), now=desk.now
        )
        holiday = holiday_name(desk.organisation.country, desk.organisation.subdivision, day.date())
    say(f"{day:%a %d %b %Y} is {'open' if open_ else 'closed'}{f' ({holiday})' if holiday else ''}.")


@days.command("remove")
def remove_day(day: Day, by: By = None) -> None:
    """Let the calendar say again what a day is."""
    with open_desk() as desk, desk.store.write() as session:
        closed_days.remove(session, desk.organisation.id, day.date(), by=who(by), now=desk.now)
    say(f"{day:%a %d %b %Y} is as the calendar says.")


def _meant(session: Session, desk: Desk, customer: str | None, playbook: str | None) -> switches.Stop:
    """What a command names. Raises InputError for both, NotFoundError for what there is none of."""
    if customer is not None and playbook is not None:
        raise InputError("Name a customer or a playbook, not both.", hint="Two commands stop both.")
    if customer is not None:
        found = desk.customer(session, customer)
        return switches.Stop(desk.organisation.id, "customer", found or "")
    if playbook is not None:
        known = all_playbooks(desk.settings)
        if playbook not in known:
            raise NotFoundError(
                f"There is no playbook {playbook!r}{did_you_mean(playbook, known)}.",
                hint=f"There are {', '.join(known)}.",
            )
        return switches.Stop(desk.organisation.id, "playbook", playbook)
    return switches.Stop(desk.organisation.id)


def _again(customer: str | None, playbook: str | None) -> str:
    if customer is not None:
        return f" --customer {customer!r}"
    return f" --playbook {playbook}" if playbook is not None else ""


def _print(desk: Desk, view: SendingView, *, as_json: bool) -> None:
    if as_json:
        print_json(view)
        return
    for one in view.stops:
        why = f": {one.reason}" if one.reason else ""
        say(f"STOPPED {_what(one)} by {one.thrown_by}, {desk.clock.moment(one.thrown_at)}{why}", style="red")
    quiet = f"{view.quiet_from} to {view.quiet_until}" if view.quiet_from else "none"
    place = "-".join(part for part in (view.country, view.subdivision) if part) or "none"
    print_fields(
        [
            ("quiet hours", f"{quiet} (on the recipient's clock)" if view.quiet_from else quiet),
            ("business days", days_words(view.business_days)),
            (
                "public holidays",
                f"{place}, or the customer's country" if view.business_days else "don't count",
            ),
            ("to customers in 24 hours", f"{view.sent:,} of {_cap(view.daily_cap)}"),
            (
                "cap per customer",
                f"{_cap(view.customer_cap_day)} a day, {_cap(view.customer_cap_week)} a week",
            ),
            *((f"wait for {WAITS.get(one, one or 'another try')}", n) for one, n in view.waiting.items()),
        ]
    )
    if view.days:
        _print_days(view)
    say()
    say("Stop everything: keepwell sending stop --reason WHY", style="dim")


def _what(one: StopLine) -> str:
    match one.scope:
        case "customer":
            return f"to {one.subject}"
        case "playbook":
            return f"of {one.subject}"
        case _:
            return "of everything"


def _cap(limit: int | None) -> str:
    return "no cap" if limit is None else f"{limit:,}"


def _print_days(view: SendingView) -> None:
    if not view.days:
        say("No days are entered. Enter one: keepwell closed-days add YYYY-MM-DD --name WHY")
        return
    print_table(
        [Column("day"), Column("is"), Column("what it is")],
        [[f"{one.day:%a %d %b %Y}", "open" if one.open else "closed", one.name] for one in view.days],
    )
