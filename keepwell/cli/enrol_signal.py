"""`keepwell enrol --signal`: campaigns for opportunities that were there before anybody looked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from keepwell.cli import words
from keepwell.cli.desk import Desk, who
from keepwell.cli.output import Column, print_table, say
from keepwell.contracts.campaigns import BaselineCandidate
from keepwell.contracts.playbook import Playbook
from keepwell.db.repositories import baselines
from keepwell.db.repositories.views_opportunities import OpportunityLine
from keepwell.known_playbooks import playbook_for
from scoring.signal import Signal

SHOWN_REFUSED = 10
Agreed = Callable[[int, Playbook], bool]
"""Whether a playbook is to begin for so many customers: asks a person where nothing has said so."""


def by_signal(
    desk: Desk, signal: Signal, limit: int, agreed: Agreed, by: str | None, *, quiet: bool
) -> dict[str, object]:
    """Show the candidates, open those that are agreed upon, hand them over; the answer for programs."""
    playbook = playbook_for(desk.settings, signal, "--signal")
    found = baselines.candidates(desk.store, desk.organisation.id, signal, limit, desk.now, playbook)
    free = [one for one in found if not one.refusal]
    if not quiet:
        _show(desk, playbook, signal, found)
    enrolled = _start(desk, free, who(by)) if agreed(len(free), playbook) else ()
    if enrolled and not quiet:
        _print_enrolled(enrolled)
    return {"signal": signal, "playbook": playbook.label, "candidates": found, "enrolled": enrolled}


def _start(desk: Desk, free: Sequence[BaselineCandidate], by: str) -> tuple[OpportunityLine, ...]:
    from keepwell.cli.handing_over import hand_over_baselines  # noqa: PLC0415  (loads Temporal)

    return hand_over_baselines(desk, [one.opportunity for one in free], by)


def _show(desk: Desk, playbook: Playbook, signal: Signal, found: Sequence[BaselineCandidate]) -> None:
    if not found:
        say(f"No customer has {signal.value} as a baseline. See what there is: keepwell opportunities")
        return
    free = [one for one in found if not one.refusal]
    refused = [one for one in found if one.refusal]
    if free:
        columns = [
            Column("Customer"),
            Column("Urgency", keep=True),
            Column("Value", justify="right", keep=True),
            Column("Signal"),
            Column("Since", keep=True),
        ]
        rows = [
            [one.name, one.urgency.value, _value(one), one.words, words.length(desk.now - one.since)]
            for one in free
        ]
        print_table(columns, rows, title=f"{playbook.label} would begin for")
    if refused:
        say()
        columns = [Column("Customer"), Column("Value", justify="right", keep=True), Column("Why not")]
        rows = [[one.name, _value(one), one.refusal] for one in refused[:SHOWN_REFUSED]]
        print_table(columns, rows, title=f"Not for {words.count(len(refused), 'customer')}")
    if not free:
        say("Nobody is left to enrol.")
    say()


def _print_enrolled(enrolled: Sequence[OpportunityLine]) -> None:
    started = [one for one in enrolled if one.intervention is not None]
    waiting = [one for one in enrolled if one.intervention is None]
    say(f"{len(started):,} started, {len(waiting):,} waiting.", style="bold")
    for one in waiting:
        if one.reason:
            say(f"  {one.customer}: {one.reason}")
    if any(not one.reason for one in waiting):
        say("Those without a reason begin when a worker takes them: keepwell worker")
    say("See them: keepwell opportunities", style="dim")


def _value(one: BaselineCandidate) -> str:
    return words.money(one.value, one.currency) or "–"
