"""How a rehearsed intervention begins: from the score on, on the way that production takes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from keepwell.contracts.playbook import Playbook
from keepwell.db.repositories.enrolment import enrol
from keepwell.db.repositories.views import did_you_mean, find_person
from keepwell.db.tables import Customer
from keepwell.errors import InputError, RefusedError
from keepwell.playbooks import PlaybookRegistry
from keepwell.rehearsal.actor import Actor
from keepwell.rehearsal.begin_campaign import begin_campaign
from keepwell.rehearsal.begin_event import begin_event
from keepwell.rehearsal.health import bands_of, health_of
from keepwell.rehearsal.reactions import ReassignTo, Script
from keepwell.spans import LONGEST
from scoring.levels import Level

BY = "rehearsal"


@dataclass(frozen=True)
class Begun:
    """An intervention that has begun; `notes` say what was assumed for it."""

    intervention: str
    started_at: datetime
    notes: tuple[str, ...]


async def begin(actor: Actor, playbook: Playbook, script: Script) -> Begun:
    """Start the playbook for the customer on the way that production takes: by level, signal or alert.

    Raises:
        InputError: the score does not fit.
        RefusedError: production would refuse it whatever the customer's figures are.
    """
    await asyncio.to_thread(_check, actor, script)
    if playbook.level is not None:
        notes = await _begin_risk(actor, playbook, playbook.level, script)
    elif playbook.signal is not None:
        notes = await begin_campaign(actor, playbook, playbook.signal, script)
    else:
        notes = await begin_event(actor, playbook, script)
    row = await actor.opened(playbook.family)
    return Begun(row.id, row.started_at, notes)


async def _begin_risk(actor: Actor, playbook: Playbook, level: Level, script: Script) -> tuple[str, ...]:
    """New figures, their score, the change of level, its hand-over.

    A customer whose level is the playbook's already is enrolled instead, as it would be in reality, with
    the figures it has.
    """
    points, notes = await asyncio.to_thread(_wanted, actor, playbook, level, script)
    if points is not None:
        scored = await actor.score(points)
        held = scored.level
        if held is not level:
            raise InputError(
                f"with the score {points:g} the level is {held.value if held else 'unknown'}, and "
                f"{playbook.label} is for {level.value}.",
                place="from_score",
                hint="A level gets better only with a score well above its border, or after two days. "
                "Name a score from the middle of the level, or leave it out.",
            )
        if scored.transition is None:
            await _enrol(actor)
    else:
        await _enrol(actor)
    return notes


async def _enrol(actor: Actor) -> None:
    now, theatre = await actor.now(), actor.theatre
    (transition,) = await asyncio.to_thread(
        enrol, theatre.store, theatre.organisation, [actor.customer], now, BY
    )
    row = await actor.hand_over(transition)
    if row.decision != "started":
        raise RefusedError(f"The playbook did not begin: {row.reason}.")


def _wanted(
    actor: Actor, playbook: Playbook, level: Level, script: Script
) -> tuple[float | None, tuple[str, ...]]:
    """The score to begin with, None for the customer's own; and what the reader must know about it."""
    card, health = health_of(actor)
    score, held, raw = (health.score, health.level, health.raw_level) if health else (None, None, None)
    bands = bands_of(card, (level,), f"level {level.value}, which {playbook.label} is for")
    low, high = bands[-1][0], bands[0][1]
    points = script.from_score
    if points is None and held == level.value == raw and score is not None:
        return None, (f"{actor.name} is {level.value} already, so it begins with its own score, {score:.1f}",)
    if points is None:
        points = (low + high) / 2
    elif card.level_of(points) is not level:
        raise InputError(
            f"{points:g} is {card.level_of(points).value}, and {playbook.label} is for {level.value}.",
            place="from_score",
            hint=f"Name a score from {low:g} to below {high:g}.",
        )
    if score is None:
        return points, (f"{actor.name} has no score yet; figures that give {points:g} are made up for all",)
    way = "lowered" if points < score else "raised"
    return points, (
        f"The score of {actor.name} is {score:.1f} ({held}); for the rehearsal its figures are {way} evenly "
        f"until it is {points:g}",
    )


def _check(actor: Actor, script: Script) -> None:
    """Raise for what no play can do, before it begins."""
    with actor.theatre.store.read() as session:
        customer = session.get_one(Customer, actor.customer)
        if not customer.active:
            raise RefusedError(
                f"{customer.name} is not active: no playbook begins for it.", hint="Make it active first."
            )
        _check_people(session, customer.organisation_id, script)
    check_start(script.start, datetime.now(UTC))


def _check_people(session: Session, organisation: str, script: Script) -> None:
    for reaction in script.reactions:
        if isinstance(reaction, ReassignTo):
            find_person(session, organisation, reaction.to)


def check_start(start: datetime | None, now: datetime) -> None:
    """The virtual clock goes forward only: raise InputError for a start in the past, or beyond a year."""
    if start is None:
        return
    if start < now - timedelta(minutes=1):
        raise InputError(
            f"{start:%d %b %Y %H:%M} UTC is past.",
            place="start",
            hint="The virtual clock begins now or later: name a moment to come.",
        )
    if start > now + LONGEST:
        raise InputError(
            f"{start:%d %b %Y} is more than a year off.", place="start", hint="Name a moment within a year."
        )


def check_steps(script: Script, playbooks: list[Playbook], registry: PlaybookRegistry) -> None:
    """Raise InputError for a step that neither the rehearsed nor any other playbook in force has."""
    known = {step.name for one in (*registry.playbooks.values(), *playbooks) for step in one.all_steps}
    for name in script.steps_named:
        if name not in known:
            own = [step.name for step in playbooks[0].all_steps]
            raise InputError(
                f"{playbooks[0].label} has no step {name!r}{did_you_mean(name, own)}.",
                hint=f"Its steps are: {', '.join(own)}.",
            )
