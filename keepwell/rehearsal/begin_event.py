"""How a rehearsed event playbook begins: the customer's own alert, or one that is assumed, is handed over."""

from __future__ import annotations

import asyncio
from datetime import datetime

from keepwell.contracts.alerts import Trigger
from keepwell.contracts.playbook import Playbook
from keepwell.errors import InputError, RefusedError
from keepwell.rehearsal.actor import Actor
from keepwell.rehearsal.alerts import assume, own_alert
from keepwell.rehearsal.health import health_of
from keepwell.rehearsal.reactions import Script
from keepwell.rendering.filters import possessive
from scoring.scorecard import Scorecard
from scoring.triggers import CRITICAL_BELOW

Notes = tuple[str, ...]
FELL_TO = 15.0
"""Where an assumed fall below 20 ends."""
WELL = 70.0
"""The score of a customer who has none yet."""


async def begin_event(actor: Actor, playbook: Playbook, script: Script) -> Notes:
    """Start an event playbook with the customer's own alert where it has one; what was assumed is returned.

    A fall of the score is played as in reality: figures arrive, and the risk playbook begins as well.

    Raises:
        InputError: the score to begin with does not fit.
        RefusedError: production would refuse it whatever the figures are.
    """
    card, health = await asyncio.to_thread(health_of, actor)
    own = await asyncio.to_thread(_own, actor, playbook)
    notes: Notes = ()
    fell = Trigger.CRITICAL_HEALTH in playbook.triggers
    if fell and own is None:
        notes = await _fall(actor, health.score if health else None, script)
        own = await asyncio.to_thread(_own, actor, playbook)
    elif script.from_score is not None:
        await actor.score(script.from_score)
    elif health is None or health.score is None:
        await actor.score(WELL)
        notes = (f"{actor.name} has no score yet; figures that give {WELL:g} are made up for all",)
    if own is None:
        own = await asyncio.to_thread(_assume, actor, playbook.triggers[0], card, await actor.now())
        notes += (f"{actor.name} has no such alert today; for the rehearsal this is assumed: {own[1]}",)
    elif not fell:
        notes += (f"It begins with {possessive(actor.name)} own alert: {own[1]}",)
    refused = await actor.event(own[0])
    if refused:
        raise RefusedError(f"{playbook.label} did not begin: {refused[:1].lower()}{refused[1:]}.")
    return notes


async def _fall(actor: Actor, score: float | None, script: Script) -> Notes:
    """Let the score fall below 20, unless it is there already."""
    points = script.from_score
    if points is not None and points >= CRITICAL_BELOW:
        raise InputError(
            f"{points:g} is not below {CRITICAL_BELOW:g}, and the playbook is for a fall below that.",
            place="from_score",
            hint=f"Name a score from 0 to below {CRITICAL_BELOW:g}, or leave it out.",
        )
    if points is None and score is not None and score < CRITICAL_BELOW:
        return ()
    points = FELL_TO if points is None else points
    await actor.score(points)
    before = "has no score yet" if score is None else f"has the score {score:.1f}"
    return (f"{actor.name} {before}; for the rehearsal its figures are lowered until it is {points:g}",)


def _own(actor: Actor, playbook: Playbook) -> tuple[str, str] | None:
    with actor.theatre.store.read() as session:
        row = own_alert(session, actor.customer, playbook.triggers)
        return (row.id, row.words) if row is not None else None


def _assume(actor: Actor, trigger: Trigger, card: Scorecard, now: datetime) -> tuple[str, str]:
    with actor.theatre.store.write() as session:
        row = assume(session, actor.customer, trigger, card, now)
        return row.id, row.words
