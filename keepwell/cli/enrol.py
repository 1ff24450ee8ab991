"""`keepwell enrol`: playbooks for what was there before anybody looked, by level or by signal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from keepwell.cli import enrol_signal, words
from keepwell.cli.desk import By, Desk, Json, open_desk, who
from keepwell.cli.enrol_signal import SHOWN_REFUSED, Agreed
from keepwell.cli.levels import parse_level
from keepwell.cli.output import Column, print_json, print_table, say
from keepwell.cli.signals import parse_signal
from keepwell.contracts.playbook import Playbook
from keepwell.contracts.scoring import Candidate
from keepwell.db.repositories import enrolment
from keepwell.db.repositories.views_counts import counts
from keepwell.db.repositories.views_transitions import Decision, owners_of
from keepwell.errors import InputError
from keepwell.known_playbooks import playbook_for
from scoring.levels import Level
from scoring.signal import Signal


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("enrol")(enrol)


def enrol(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1_000, help="At most this many.")],
    level: Annotated[
        Level | None,
        typer.Option(
            "--level", "-l", parser=parse_level, metavar="LEVEL", help="The level they are held at."
        ),
    ] = None,
    signal: Annotated[
        Signal | None,
        typer.Option(
            "--signal",
            "-s",
            parser=parse_signal,
            metavar="SIGNAL",
            help="Or the signal that they showed at their first score.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show who it would be, and change nothing.")
    ] = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Start the playbook for customers who are at a level already, the worst first.

    Or the campaign for those who showed a signal at their first score: the most urgent, then the most
    valuable first.
    """
    agreed = _agreement(yes=yes, dry_run=dry_run, quiet=as_json)
    with open_desk() as desk:
        if level is not None and signal is None:
            answer = _by_level(desk, level, limit, agreed, by, quiet=as_json)
        elif signal is not None and level is None:
            answer = enrol_signal.by_signal(desk, signal, limit, agreed, by, quiet=as_json)
        else:
            raise InputError(
                "Name a level and no signal, or a signal and no level.",
                place="--level, --signal",
                hint="For example: keepwell enrol --level CRITICAL --limit 10",
            )
    if as_json:
        print_json(answer)


def _agreement(*, yes: bool, dry_run: bool, quiet: bool) -> Agreed:
    """Asks a person where nothing has said so, and says no where nothing is to change."""

    def agreed(number: int, playbook: Playbook) -> bool:
        if number and dry_run and not quiet:
            say("Nothing was changed (--dry-run).", style="dim")
        if not number or dry_run:
            return False
        _ask(number, playbook, yes=yes, can_ask=not quiet and sys.stdin.isatty())
        return True

    return agreed


def _by_level(
    desk: Desk, level: Level, limit: int, agreed: Agreed, by: str | None, *, quiet: bool
) -> dict[str, object]:
    playbook = playbook_for(desk.settings, level, "--level")
    found = enrolment.candidates(
        desk.store,
        desk.organisation.id,
        level,
        limit,
        desk.now,
        playbook=playbook.name,
        cooldown=playbook.cooldown,
    )
    free = [one for one in found if not one.refusal]
    if not quiet:
        _show(desk, playbook, level, found)
    enrolled = _start(desk, free, who(by)) if agreed(len(free), playbook) else ()
    if enrolled and not quiet:
        _print_enrolled(enrolled)
    return {"level": level, "playbook": playbook.label, "candidates": found, "enrolled": enrolled}


def _ask(number: int, playbook: Playbook, *, yes: bool, can_ask: bool) -> None:
    if yes:
        return
    if not can_ask:
        raise InputError(
            f"Nobody can be asked here whether {playbook.label} is to begin for "
            f"{words.count(number, 'customer')}.",
            hint="Add --yes to begin, or --dry-run to look only.",
        )
    question = f"Begin {playbook.label} for {words.count(number, 'customer')}?"
    if not typer.confirm(question, err=True):
        raise typer.Exit(0)


def _start(desk: Desk, free: Sequence[Candidate], by: str) -> tuple[Decision, ...]:
    from keepwell.cli.handing_over import hand_over  # noqa: PLC0415  (loads Temporal)

    ids = [one.customer for one in free]
    return hand_over(desk, lambda: enrolment.enrol(desk.store, desk.organisation.id, ids, desk.now, by))


def _show(desk: Desk, playbook: Playbook, level: Level, found: Sequence[Candidate]) -> None:
    if not found:
        with desk.store.read() as session:
            numbers = counts(session, desk.organisation.id)
        scored = any(numbers.levels.values())
        hint = "" if scored else " Nobody has a score yet: keepwell score"
        say(f"No customer is held at {level.value}.{hint}")
        return
    with desk.store.read() as session:
        owners = owners_of(session, [one.customer for one in found])
    free = [one for one in found if not one.refusal]
    refused = [one for one in found if one.refusal]
    if free:
        columns = [
            Column("Customer"),
            Column("Score", justify="right", keep=True),
            Column("Since", keep=True),
            Column("Revenue", justify="right", keep=True),
            Column("Owner"),
        ]
        rows = [
            [
                one.name,
                words.score(one.score),
                words.length(desk.now - one.since) if one.since else "",
                words.money(one.monthly_revenue, one.currency),
                owners.get(one.customer, "nobody"),
            ]
            for one in free
        ]
        print_table(columns, rows, title=f"{playbook.label} would begin for")
    if refused:
        say()
        rows = [[one.name, words.score(one.score), one.refusal] for one in refused[:SHOWN_REFUSED]]
        print_table(
            [Column("Customer"), Column("Score", justify="right", keep=True), Column("Why not")],
            rows,
            title=f"Not for {words.count(len(refused), 'customer')}",
        )
    if not free:
        say("Nobody is left to enrol.")
    say()


def _print_enrolled(enrolled: Sequence[Decision]) -> None:
    started = [one for one in enrolled if one.decision == "started"]
    refused = [one for one in enrolled if one.decision not in (None, "started")]
    waiting = len(enrolled) - len(started) - len(refused)
    say(f"{len(started):,} started, {len(refused):,} refused, {waiting:,} waiting.", style="bold")
    for one in refused:
        say(f"  {one.customer}: {one.reason}")
    if waiting:
        say("Those that wait begin when a worker takes them: keepwell worker")
    say("See them: keepwell interventions", style="dim")
