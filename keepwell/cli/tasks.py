"""`keepwell tasks`: who has to do what until when, and what people do with their tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer
from rich.text import Text
from sqlmodel import Session

from keepwell.cli import words
from keepwell.cli.desk import By, Desk, Json, Limit, no_longer, open_desk, who
from keepwell.cli.moments import future_moment
from keepwell.cli.output import plain, print_fields, print_json, say
from keepwell.cli.tables import task_table
from keepwell.contracts.tasks import TaskOutcome
from keepwell.db.repositories.reopening import reopen_task
from keepwell.db.repositories.tasks import (
    close_task,
    comment_on,
    find_task,
    give_task,
    move_due,
    snooze_task,
)
from keepwell.db.repositories.team import away
from keepwell.db.repositories.views import find_person
from keepwell.db.repositories.views_today_told import letters_of_tasks
from keepwell.db.repositories.views_work import TaskLine, tasks
from keepwell.db.tables import Staff, Task

many = typer.Typer(help="Work for people: who, what, until when.", invoke_without_command=True)

Target = Annotated[str, typer.Argument(metavar="ID", help="The task's id, or the beginning or end of it.")]
MOMENT = '"2026-12-01", "2026-12-01T09:00", "3d", "12h".'
Work = Callable[[Session, Desk, str], object]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(many, name="tasks")


@many.callback()
def list_tasks(
    context: typer.Context,
    owner: Annotated[str | None, typer.Option(help="Id, email address or name of the owner.")] = None,
    customer: Annotated[str | None, typer.Option(help="Id or name of a customer.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Closed and snoozed tasks too.")] = False,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """Open tasks, the earliest due first; those overdue in red, and those snoozed left out."""
    if context.invoked_subcommand is not None:
        return
    with open_desk() as desk, desk.store.read() as session:
        found = tasks(
            session,
            desk.organisation.id,
            desk.now,
            owner=desk.person(session, owner),
            customer=desk.customer(session, customer),
            everything=everything,
            limit=limit,
        )
    if as_json:
        print_json(found)
        return
    asleep = f" {words.count(found.asleep, 'more is', 'more are')} snoozed." if found.asleep else ""
    if not found.tasks:
        say("No tasks." if everything else f"No open tasks.{asleep} Closed ones: keepwell tasks --all")
        return
    task_table(desk, found.tasks)
    say()
    overdue = sum(one.overdue for one in found.tasks)
    shown = f"{len(found.tasks):,} of {words.count(found.total, 'task')}"
    say(f"{shown}, {overdue:,} overdue.{asleep} {desk.times}", style="dim")
    say("Read one whole: keepwell tasks show ID", style="dim")
    say("Done with one? keepwell tasks close ID --outcome reached", style="dim")


@many.command("show")
def show_task(target: Target, as_json: Json = False) -> None:
    """One task: what to do, for whom, until when, and what was written at it."""
    with open_desk() as desk, desk.store.read() as session:
        row = session.get_one(Task, find_task(session, desk.organisation.id, target))
        line, letter = _line(session, desk, row.id), letters_of_tasks(session, [row.key]).get(row.key)
    if as_json:
        print_json(line)
        return
    clock = desk.clock
    say(Text(plain(line.title), style="bold"))
    print_fields(
        [
            ("id", line.id),
            ("customer", line.customer),
            ("owner", f"{line.owner or 'nobody'}{f' (for {line.meant_for})' if line.meant_for else ''}"),
            ("state", line.state + (f" ({line.outcome.replace('_', ' ')})" if line.outcome else "")),
            ("due", f"{clock.moment(line.due_at)}{' (overdue)' if line.overdue else ''}"),
            ("snoozed until", clock.moment(line.snoozed_until) if line.snoozed else ""),
            ("closed", f"{clock.moment(line.closed_at)} by {line.closed_by}" if line.closed_at else ""),
            ("note", line.note),
            ("alert", f"keepwell alert show {words.tail(line.alert)}" if line.alert else ""),
            ("letter", f"keepwell inbox show {letter}" if letter else ""),
            ("intervention", words.short(line.intervention)),
        ]
    )
    say()
    say(plain(line.detail))
    for one in line.comments:
        say()
        say(f"{plain(one.by)}, {clock.moment(one.at)}: {plain(one.text)}")
    say()
    say(desk.times, style="dim")


@many.command("snooze")
def snooze(
    target: Target,
    until: Annotated[
        str | None, typer.Option("--until", help=f"When it comes back: {MOMENT} Unset: it comes back now.")
    ] = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Put a task out of sight for a while. Its deadline stays: past it, it shows and there is an alert."""

    def work(session: Session, desk: Desk, task: str) -> object:
        moment = None if until is None else future_moment(until, desk.now, desk.zone, place="--until")
        return snooze_task(session, task, moment, who(by), desk.now)

    line, desk, _ = _do(target, work)
    if as_json:
        print_json(line)
        return
    if line.snoozed_until is None:
        say(f"“{plain(line.title)}” is in the list again.")
        return
    say(f"“{plain(line.title)}” is out of sight until {desk.clock.moment(line.snoozed_until)}.")
    if line.snoozed_until > line.due_at:
        due = desk.clock.moment(line.due_at)
        move = f"keepwell tasks due {words.tail(line.id)} --to … --reason …"
        say(f"It is due {due}, and comes back then, with an alert. Move the deadline: {move}", style="yellow")


@many.command("comment")
def comment(
    target: Target,
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="What the next one should know.", callback=no_longer(2000))
    ],
    by: By = None,
    as_json: Json = False,
) -> None:
    """Write something at a task."""
    line, _, _ = _do(target, lambda session, desk, task: comment_on(session, task, text, who(by), desk.now))
    if as_json:
        print_json(line)
    else:
        say(f"Noted at “{plain(line.title)}”: {words.count(len(line.comments), 'comment')} now.")


@many.command("due")
def due(
    target: Target,
    to: Annotated[str, typer.Option("--to", help=f"The new deadline: {MOMENT}")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for the timeline.", callback=no_longer(500))],
    by: By = None,
    as_json: Json = False,
) -> None:
    """Move a task's deadline, with a reason. The alert of the old one is over."""

    def work(session: Session, desk: Desk, task: str) -> object:
        moment = future_moment(to, desk.now, desk.zone, place="--to")
        return move_due(session, task, moment, reason, who(by), desk.now)

    line, desk, _ = _do(target, work)
    if as_json:
        print_json(line)
    else:
        say(f"“{plain(line.title)}” is due {desk.clock.moment(line.due_at)} now. {desk.times}")


@many.command("give")
def give(
    target: Target,
    staff: Annotated[str, typer.Argument(metavar="STAFF", help="Id, email address or name.")],
    by: By = None,
    as_json: Json = False,
) -> None:
    """Give one task to somebody else; all of a customer's go with keepwell reassign."""

    def work(session: Session, desk: Desk, task: str) -> object:
        person = session.get_one(Staff, find_person(session, desk.organisation.id, staff).id)
        give_task(session, task, person, who(by), desk.now)
        return away(session, person, desk.now)

    line, _, absent = _do(target, work)
    if as_json:
        print_json(line)
        return
    say(f"“{plain(line.title)}” is with {plain(line.owner)} now.")
    if absent:
        say(f"{plain(line.meant_for)} is {absent}; it goes to them afterwards.", style="yellow")


@many.command("close")
def close(
    target: Target,
    outcome: Annotated[
        TaskOutcome,
        typer.Option("--outcome", metavar="WORD", help=f"What came of it: {', '.join(TaskOutcome)}."),
    ],
    note: Annotated[
        str, typer.Option("--note", help="A word for the timeline.", callback=no_longer(500))
    ] = "",
    by: By = None,
    as_json: Json = False,
) -> None:
    """A task is done, or not needed any more. One of a step completes the step."""

    def work(session: Session, desk: Desk, task: str) -> object:
        return close_task(session, task, outcome, note, who(by), desk.now)

    line, _, closed = _do(target, work)
    told = isinstance(closed, tuple) and closed[1]
    if as_json:
        print_json({**line.model_dump(mode="json"), "tells_its_playbook": told})
        return
    came = "" if outcome is TaskOutcome.DONE else f": {outcome.words}"
    say(f"“{plain(line.title)}” is {line.state}{came}.")
    if told:
        say("Its playbook is told in a moment.", style="dim")
    if outcome in (TaskOutcome.REACHED, TaskOutcome.MEETING_BOOKED) and line.intervention:
        short = words.tail(line.intervention)
        say(f"Did they answer? Then nothing has to wait any more: keepwell respond {short}", style="dim")


@many.command("reopen")
def reopen(target: Target, by: By = None, as_json: Json = False) -> None:
    """Open a closed task again, where no playbook has gone on because of it."""

    def work(session: Session, desk: Desk, task: str) -> object:
        return reopen_task(session, task, who(by), desk.now)

    line, desk, _ = _do(target, work)
    if as_json:
        print_json(line)
        return
    overdue = "It is overdue: it was due" if line.overdue else "It is due"
    say(f"“{plain(line.title)}” is open again. {overdue} {desk.clock.moment(line.due_at)}.")


def _do(target: str, work: Work) -> tuple[TaskLine, Desk, object]:
    """Do something with a task in one transaction; the task as it is then, and what the work gave."""
    with open_desk() as desk:
        with desk.store.write() as session:
            task = find_task(session, desk.organisation.id, target)
            made = work(session, desk, task)
        with desk.store.read() as session:
            return _line(session, desk, task), desk, made


def _line(session: Session, desk: Desk, task: str) -> TaskLine:
    found = tasks(session, desk.organisation.id, desk.now, ids=[task]).tasks
    return found[0]
