"""`keepwell schedules`: the daily run, the sweep and churn models, as the Temporal server has them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import typer

from keepwell.cli.desk import By, Desk, Json, open_desk, who
from keepwell.cli.output import Column, print_json, print_table, say
from keepwell.db.repositories import journal
from keepwell.keys import new_id, schedule_ids

if TYPE_CHECKING:
    from temporalio.client import Client

    from keepwell.temporal.schedules import ScheduleState

commands = typer.Typer(help="What runs by itself on the Temporal server, and when.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(commands, name="schedules")


@commands.command("list")
def show_schedules(as_json: Json = False) -> None:
    """All Schedules: when they ran last, and when they run next."""
    with open_desk() as desk:
        _print(desk, as_json=as_json)


@commands.command("apply")
def apply(by: By = None, as_json: Json = False) -> None:
    """Create the Schedules, or bring them up to date. One that is paused stays paused.

    The worker does the same when it starts.
    """
    from keepwell.cli.engine import with_client  # noqa: PLC0415  (loads Temporal)
    from keepwell.temporal.schedules import ensure_schedules  # noqa: PLC0415

    with open_desk() as desk:
        row, zone, queue = desk.organisation, desk.zone.key, desk.settings.task_queue

        async def work(client: Client) -> None:
            every = timedelta(seconds=desk.settings.monitor_seconds)
            await ensure_schedules(client, row.id, zone, queue, desk.settings.churn_retrain, every)

        with_client(desk.settings, work)
        with desk.store.write() as session:
            journal.write(
                session,
                key=f"schedules.applied/{new_id()}",
                organisation=row.id,
                kind="schedules.applied",
                text="The Schedules were created, or brought up to date",
                at=desk.now,
                by=who(by),
            )
        _print(desk, as_json=as_json)


def _print(desk: Desk, *, as_json: bool) -> None:
    states = _states(desk)
    found = [state for state in states.values() if state is not None]
    missing = [identifier for identifier, state in states.items() if state is None]
    if as_json:
        print_json({"schedules": found, "missing": missing})
        return
    clock = desk.clock
    print_table(
        [Column("schedule"), Column("state"), Column("zone"), Column("last"), Column("next")],
        [
            [
                one.id,
                "paused" if one.paused else "on",
                one.time_zone,
                clock.moment(one.last_at) or "–",
                clock.moment(one.next_at) or "–",
            ]
            for one in found
        ],
    )
    for identifier in missing:
        say(f"There is no Schedule {identifier}. Make it: keepwell schedules apply", style="yellow")
    say(desk.times, style="dim")


def _states(desk: Desk) -> dict[str, ScheduleState | None]:
    """By the id that there should be, what the server has of it."""
    from keepwell.cli.engine import with_client  # noqa: PLC0415
    from keepwell.temporal.schedules import schedule_state  # noqa: PLC0415

    wanted = schedule_ids(desk.organisation.id, trains=desk.settings.churn_retrain != "off")

    async def work(client: Client) -> dict[str, ScheduleState | None]:
        return {identifier: await schedule_state(client, identifier) for identifier in wanted}

    return with_client(desk.settings, work)
