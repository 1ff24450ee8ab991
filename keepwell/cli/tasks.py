"""`keepwell tasks`."""

from __future__ import annotations

from typing import Annotated

import typer

from keepwell.cli import words
from keepwell.cli.desk import Json, Limit, open_desk
from keepwell.cli.output import print_json, say
from keepwell.cli.tables import task_table
from keepwell.db.repositories.views_work import tasks


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("tasks")(list_tasks)


def list_tasks(
    owner: Annotated[str | None, typer.Option(help="Id, email address or name of the owner.")] = None,
    customer: Annotated[str | None, typer.Option(help="Id or name of a customer.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Closed tasks too.")] = False,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """Open tasks, the earliest due first; those overdue in red."""
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
    if not found.tasks:
        say("No tasks." if everything else "No open tasks. Closed ones: keepwell tasks --all")
        return
    task_table(desk, found.tasks)
    say()
    overdue = sum(one.overdue for one in found.tasks)
    shown = f"{len(found.tasks):,} of {words.count(found.total, 'task')}"
    say(f"{shown}, {overdue:,} overdue. {desk.times}", style="dim")
    say("Done with one of a step? keepwell complete INTERVENTION STEP", style="dim")
