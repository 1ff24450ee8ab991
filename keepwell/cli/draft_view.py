"""How drafts look in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from rich.text import Text

from keepwell.cli import words
from keepwell.cli.desk import Desk
from keepwell.cli.output import Column, plain, print_fields, print_table, say
from keepwell.contracts.drafts import DraftState
from keepwell.db.repositories.views_drafts import DraftDetail, DraftLine

OLD = timedelta(days=3)
"""A draft of before this speaks of figures that may have changed: whoever reads it is told."""


def draft_table(desk: Desk, found: Sequence[DraftLine]) -> None:
    """A list: who gets what, and until when somebody has to decide."""
    columns = [
        Column("Id", keep=True),
        Column("Until", keep=True),
        Column("Customer"),
        Column("To"),
        Column("By", keep=True, drop=2),
        Column("Subject"),
        Column("Playbook", keep=True, drop=1),
        Column("Owner", drop=3),
        Column("State"),
    ]
    rows = [
        [
            words.short(one.id),
            Text(desk.clock.moment(one.decide_by), style="red" if _late(desk, one) else ""),
            one.customer,
            one.recipient,
            one.channel,
            words.one_line(one.subject, 80),
            one.playbook,
            one.owner,
            _state(one),
        ]
        for one in found
    ]
    print_table(columns, rows)
    say()
    say(f"{desk.times} What nobody has approved by then is not sent; the owner gets a task.", style="dim")
    say("Read one: keepwell drafts show ID. Let it go: keepwell drafts approve ID", style="dim")


def print_detail(desk: Desk, found: DraftDetail) -> None:
    """One in full."""
    one = found.draft
    print_fields(
        [
            ("id", one.id),
            ("customer", one.customer),
            ("to", one.recipient),
            ("by", one.channel),
            ("step", f"{one.step} of {one.playbook}"),
            ("state", _state(one)),
            ("written", f"{desk.clock.moment(one.written_at)} ({desk.clock.away(one.written_at)})"),
            ("decide by", desk.clock.moment(one.decide_by)),
            ("note", one.note),
            ("subject", one.subject),
        ]
    )
    if desk.now - one.written_at > OLD and one.state == DraftState.WAITING:
        say("Its figures are those of the day on which it was written.", style="yellow")
    say()
    say(plain(found.text).rstrip())
    if found.changes:
        say()
        say(f"Changed by {one.edited_by}:", style="bold")
        for line in found.changes:
            style = {"+": "green", "-": "red"}.get(line[:1], "dim")
            say(plain(line), style=style)
    if one.state == DraftState.WAITING:
        say()
        say(
            f"keepwell drafts approve {words.tail(one.id)}, edit {words.tail(one.id)}, "
            f'or reject {words.tail(one.id)} --reason "…"',
            style="dim",
        )


def _late(desk: Desk, one: DraftLine) -> bool:
    return one.state == DraftState.WAITING and one.decide_by < desk.now


def _state(one: DraftLine) -> str:
    by = f" by {one.decided_by}" if one.decided_by else ""
    edited = f", changed by {one.edited_by}" if one.edited_by else ""
    return f"{one.state}{by}{edited}"
