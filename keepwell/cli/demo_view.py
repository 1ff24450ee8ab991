"""How the demo shows itself: short lines of progress and the opening words."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from keepwell.cli import words
from keepwell.cli.demo_commands import commands_to_try, enrolment
from keepwell.cli.output import cell, console, level_text, plain, say
from keepwell.db.repositories.views_interventions import InterventionLine
from keepwell.demo.happened import Growing, Happened
from keepwell.demo.home import DemoHome, prefix, program
from keepwell.temporal.ui import ui_link
from scoring.levels import Level

SHOWN = 12
BANNER = "Keepwell demo · DEMO DATA: customers, people and figures are made up, nothing is sent"
LIVE_REFUSED = "KEEPWELL_SENDING=live is set. The demo cannot send: all its messages stay in its own outbox."


def print_banner(*, live: bool) -> None:
    """What this is; and that it does not send, where somebody asked for it."""
    console().print(Text(BANNER, style="bold"), soft_wrap=True)
    if live:
        console().print(Text(LIVE_REFUSED, style="bold yellow"), soft_wrap=True)


def print_opening(home: DemoHome, web: str, happened: Happened, address: str, ui_url: str | None) -> None:
    """Where the console is, what just happened, where else to look, and some commands to try."""
    _heading("Open the console")
    say("  One click enters it as a success manager, operations, an admin or a customer:")
    _print_link(web)
    _heading("What just happened")
    for line in _numbers(happened):
        _indented(line)
    _heading("Customers in trouble (demo data)")
    _print_open(happened)
    if happened.growing:
        _heading("Customers with room to grow (demo data)")
        _print_growing(happened)
    before = (*prefix(home, address, ui_url), shlex.quote(program()))
    _heading("Where to look")
    _print_places(happened, before, ui_url)
    _heading("Commands to try")
    there = "" if Path(program()).is_absolute() or "/" not in program() else f" in the folder {Path.cwd()}"
    say("  In another terminal", there, "; they reach the demo's own home.", style="dim")
    for what, arguments in commands_to_try(happened):
        say()
        say("  ", what)
        _print_command(before, arguments)
    say()


def print_stopping(home: DemoHome) -> None:
    """How to come back."""
    again = f"{shlex.quote(program())} demo"
    say()
    console().print(Text(f"The demo has ended. Its data is kept in {home.folder}"), soft_wrap=True)
    console().print(Text(f"  go on with it:  {again}"), soft_wrap=True)
    console().print(Text(f"  start anew:     {again} --fresh"), soft_wrap=True)


def _indented(text: Text) -> None:
    console().print(Padding(text, (0, 0, 0, 2), expand=False))


def _print_command(before: tuple[str, ...], arguments: list[str]) -> None:
    # Never broken into lines by us, so that it can be copied.
    line = " ".join((*before, *map(shlex.quote, arguments)))
    console().print(Text(f"  {line}", style="bold cyan"), soft_wrap=True)


def _heading(text: str) -> None:
    say()
    console().print(Text(plain(text), style="bold underline"), soft_wrap=True)


def _numbers(happened: Happened) -> list[Text]:
    numbers = happened.counts
    scored = numbers.customers - numbers.insufficient - numbers.rejected - numbers.unscored
    first = f"{scored} of {words.count(numbers.customers, 'customer')} scored"
    if numbers.insufficient:
        first += f"; {numbers.insufficient} have too little data, so they have no score"
    levels = Text()
    for level in Level:
        levels.append_text(level_text(level)).append(f" {numbers.levels[level]}   ")
    kinds = ", ".join(f"{count} × {name}" for name, count in _by_playbook(happened))
    number = len(happened.open) + len(happened.growing)
    begun = f"{words.count(number, 'playbook')} running: {kinds}" if kinds else "No playbook runs"
    lines = [
        Text(first),
        levels,
        Text(begun),
        Text(
            f"{words.count(happened.messages, 'message')} in the outbox, "
            f"{words.count(happened.tasks, 'open task')}, {words.count(happened.offers, 'open offer')}"
        ),
    ]
    lines += [
        Text(f"{one.number} × {one.previous} → {one.level.value} began nothing: {one.reason}", style="dim")
        for one in happened.refused
    ]
    if happened.before:
        lines.append(Text(_baseline(happened.before), style="dim"))
    return lines


def _baseline(before: dict[Level, int]) -> str:
    """Why most of those in trouble have no playbook, and what begins one."""
    *most, last = (f"{number} of the {level.value}" for level, number in before.items())
    named = f"{', '.join(most)} and {last}" if most else last
    return (
        f"{named} were so before the demo began: a first score is a baseline and starts nothing. "
        f"keepwell {' '.join(enrolment(before))} starts the worst of them"
    )


def _by_playbook(happened: Happened) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for line in (*happened.open, *(one.line for one in happened.growing)):
        counts[line.playbook] = counts.get(line.playbook, 0) + 1
    return list(counts.items())


def _print_open(happened: Happened) -> None:
    out = console()
    table = _table(out.width)
    table.add_column("Customer", overflow="fold")
    table.add_column("Level", no_wrap=True)
    table.add_column("Score", justify="right", no_wrap=True)
    table.add_column("Playbook", no_wrap=True)
    table.add_column("Owner")
    table.add_column("Next step", no_wrap=True)
    now = datetime.now(UTC)
    for one in happened.open[:SHOWN]:
        table.add_row(
            cell(one.customer),
            level_text(one.level),
            words.score(one.score),
            one.playbook,
            cell(one.owner) if one.owner else Text("nobody", style="red"),
            _next(one, now),
        )
    out.print(Padding(table, (0, 0, 0, 2), expand=False))
    if len(happened.open) > SHOWN:
        say(f"  … and {len(happened.open) - SHOWN} more", style="dim")


def _print_growing(happened: Happened) -> None:
    out = console()
    table = _table(out.width)
    table.add_column("Customer", overflow="fold")
    table.add_column("What was seen")
    table.add_column("A year", justify="right", no_wrap=True)
    table.add_column("Playbook", no_wrap=True)
    table.add_column("Offer")
    for one in happened.growing[:SHOWN]:
        table.add_row(
            cell(one.line.customer),
            cell(one.words),
            words.money(one.value, one.currency),
            one.line.playbook,
            _offered(one),
        )
    out.print(Padding(table, (0, 0, 0, 2), expand=False))


def _offered(one: Growing) -> str:
    if one.offer is None:
        return "–"
    kinds = ", ".join(option.kind.words for option in one.offer.options)
    return f"{kinds} until {one.offer.valid_until:%d %b}"


def _table(width: int) -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2 if width >= 100 else 1, 0, 0), header_style="bold")


def _next(one: InterventionLine, now: datetime) -> str:
    if one.next_step is None or one.next_at is None:
        return "waits for an answer"
    away = words.length(one.next_at - now) if one.next_at > now else "now"
    return f"{one.next_step} {'in ' if one.next_at > now else ''}{away}"


def _print_places(happened: Happened, before: tuple[str, ...], ui_url: str | None) -> None:
    if ui_url:
        say("  Temporal UI, every run with its steps and timers:")
        _print_link(f"{ui_url}/namespaces/default/workflows")
        worst = next(iter(happened.open), None)
        if worst is not None:
            say(f"  The run of {worst.customer} there:")
            _print_link(ui_link(ui_url, worst.workflow_id))
    say("  The outbox, every message as its recipient would see it:")
    _print_command(before, ["outbox"])


def _print_link(url: str) -> None:
    console().print(Text(f"  {url}", style="cyan"), soft_wrap=True)
