"""Tables that several commands show."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from keepwell.cli import words
from keepwell.cli.desk import Desk
from keepwell.cli.output import Column, level_text, plain, print_table, say
from keepwell.db.repositories.views import OpenBeside
from keepwell.db.repositories.views_interventions import InterventionLine, Standing
from keepwell.db.repositories.views_work import CommentLine, TaskLine

SEVERAL = " (of several open ones: at risk, campaign, then the newest)"
"""Which intervention a customer's name means, for the help of commands."""


def beside_words(beside: Sequence[OpenBeside]) -> str:
    """What else is open for a customer whose name means one of its interventions: "Open beside it: …"."""
    named = ", ".join(f"{one.playbook} ({words.tail(one.id)})" for one in beside)
    return f"Open beside it: {named}"


def intervention_table(
    desk: Desk, lines: Sequence[InterventionLine], *, title: str = "", of_one: bool = False
) -> None:
    """Interventions; `of_one` customer, whose name is then left out. Nothing for none."""
    if not lines:
        return
    if title:
        say()
    columns = [
        Column("Id", keep=True, drop=3),
        *([] if of_one else [Column("Customer")]),
        Column("Playbook", keep=True, drop=5),
        Column("Level", keep=True),
        Column("Score", justify="right", keep=True),
        Column("Owner", drop=2),
        Column("State", drop=4),
        Column("Started", keep=True, drop=1),
        Column("Next"),
    ]
    rows = []
    for one in lines:
        row: list[object] = [words.short(one.id), one.customer, one.playbook, level_text(one.level)]
        row += [words.score(one.score), one.owner, _state(desk, one), desk.clock.moment(one.started_at)]
        row.append(_next(desk, one))
        if of_one:
            row.pop(1)
        rows.append(row)
    print_table(columns, rows, title=title)


def _state(desk: Desk, one: InterventionLine) -> Text:
    match one.standing:
        case Standing.ENDED:
            return Text(one.outcome or "ended", style="dim")
        case Standing.PAUSED:
            until = f" until {desk.clock.moment(one.paused_until)}" if one.paused_until else ""
            return Text(f"paused{until}", style="yellow")
        case Standing.HELD:
            return Text("held", style="yellow")
        case Standing.OPEN | Standing.ACKNOWLEDGED | Standing.ANSWERED:
            return Text(one.standing.value, style="green")


def _next(desk: Desk, one: InterventionLine) -> str:
    if one.standing is Standing.ENDED:
        return f"ended {desk.clock.moment(one.ended_at)}"
    if one.next_step is None:
        return "waits for an answer" if one.responded_at is None else "ends now"
    if one.standing is Standing.PAUSED and one.paused_until is None:
        return f"{one.next_step}, once resumed"
    if one.standing is Standing.HELD:
        return f"{one.next_step}, once the customer is well"
    when = desk.clock.away(one.next_at) if one.next_at and one.next_at > desk.now else "due"
    return f"{one.next_step} {when}"


def task_table(desk: Desk, tasks: Sequence[TaskLine], *, title: str = "", of_one: bool = False) -> None:
    """Tasks; `of_one` customer, whose name is then left out. Nothing for none."""
    if not tasks:
        return
    if title:
        say()
    columns = [
        Column("Id", keep=True, drop=2),
        Column("Task"),
        *([] if of_one else [Column("Customer")]),
        Column("Owner"),
        Column("Age", keep=True, justify="right", drop=1),
        Column("Due", keep=True),
        Column("State", keep=True),
    ]
    rows = []
    for one in tasks:
        what = one.title + "".join(f"\n  {_said(desk, said)}" for said in one.comments[-2:])
        row: list[object] = [words.short(one.id), what, one.customer, _holder(one)]
        row += [words.length(desk.now - one.created_at), _due(desk, one), _task_state(desk, one)]
        if of_one:
            row.pop(2)
        rows.append(row)
    print_table(columns, rows, title=title)


def _holder(one: TaskLine) -> Text:
    if not one.owner:
        return Text("nobody", style="red")
    return Text(plain(f"{one.owner} (for {one.meant_for})" if one.meant_for else one.owner))


def _said(desk: Desk, one: CommentLine) -> str:
    return f"{one.by}, {desk.clock.moment(one.at)}: {words.one_line(one.text, 80)}"


def _due(desk: Desk, one: TaskLine) -> Text:
    return Text(desk.clock.moment(one.due_at), style="bold red" if one.overdue else "")


def _task_state(desk: Desk, one: TaskLine) -> Text:
    if one.overdue:
        return Text(f"{words.length(desk.now - one.due_at)} overdue", style="bold red")
    if one.snoozed:
        return Text(f"snoozed until {desk.clock.moment(one.snoozed_until)}", style="dim")
    if one.state == "open":
        return Text(desk.clock.away(one.due_at))
    came = f" ({one.outcome.replace('_', ' ')})" if one.outcome else ""
    return Text(f"{one.state} by {one.closed_by}{came}" if one.closed_by else one.state, style="dim")
