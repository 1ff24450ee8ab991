"""How a rehearsed campaign begins: a well customer shows the signal, and the daily run's way follows."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from keepwell.contracts.intervention import RECOVERED
from keepwell.contracts.playbook import Playbook
from keepwell.contracts.scoring import CustomerScored
from keepwell.db.repositories.baselines import baseline_of, open_baselines
from keepwell.db.tables import Customer
from keepwell.errors import InputError, RefusedError
from keepwell.rehearsal.actor import Actor
from keepwell.rehearsal.figures import move_to
from keepwell.rehearsal.health import bands_of, health_of
from keepwell.rehearsal.reactions import Script
from keepwell.rehearsal.signs import assume, assumed_for
from keepwell.rendering.filters import possessive
from scoring.signal import Signal

TICK = timedelta(seconds=1)
"""Between two scorings: of the same moment there is one score."""
BY = "rehearsal"

Notes = tuple[str, ...]


async def begin_campaign(actor: Actor, playbook: Playbook, signal: Signal, script: Script) -> Notes:
    """Start an expansion playbook with the customer's own figures; what the reader must know is returned.

    Campaigns are for customers who are well and show the signal. Who is not well has its figures changed,
    and who does not show the signal gets figures that do; both is said.

    Raises:
        InputError: the score to begin with is not that of a customer who is well.
        RefusedError: production would refuse it whatever the figures are.
    """
    scored, notes = await _well(actor, playbook, script)
    if await asyncio.to_thread(_enrol, actor, signal, await actor.now()):
        notes += (
            f"{actor.name} shows {signal.value} with its first score, which starts nothing by itself; "
            "for the rehearsal it is enrolled, as by keepwell enrol --signal",
        )
    seen = await asyncio.to_thread(_seen, actor, signal)
    if seen:
        notes += (f"It begins with {possessive(actor.name)} own figures: {seen}",)
    else:
        words = await _assume(actor, signal)
        scored = await _scored(actor)
        notes += (
            f"{actor.name} shows no sign of {signal.value} today; for the rehearsal this is assumed: {words}",
        )
    if scored.transition is not None:
        await actor.hand_over(scored.transition)
    refused = await actor.campaign(signal)
    if refused:
        raise RefusedError(f"{playbook.label} did not begin: {refused}.")
    return notes


async def _well(actor: Actor, playbook: Playbook, script: Script) -> tuple[CustomerScored, Notes]:
    """The customer scored as one who is well; with other figures than its own where it is not."""
    card, health = await asyncio.to_thread(health_of, actor)
    wanted = f"level for customers who are well, and {playbook.label} is for those"
    lowest, next_border = bands_of(card, RECOVERED, wanted)[-1]
    points = script.from_score
    if points is not None and card.level_of(points) not in RECOVERED:
        raise InputError(
            f"{points:g} is {card.level_of(points).value}; {playbook.label} is for customers who are well.",
            place="from_score",
            hint=f"Name a score of at least {lowest:g}, or leave it out.",
        )
    scored = await _scored(actor)
    if points is None and scored.level in RECOVERED:
        return scored, ()
    if points is None:
        points = (lowest + next_border) / 2
    theatre, now = actor.theatre, await actor.now()
    await asyncio.to_thread(move_to, theatre.store, theatre.organisation, actor.customer, points, now)
    scored = await _scored(actor)
    if scored.level not in RECOVERED:
        raise InputError(
            f"with the score {points:g} the level is {scored.level.value if scored.level else 'unknown'}.",
            place="from_score",
            hint="A level gets better only with a score well above its border, or after two days.",
        )
    if health is None or health.score is None:
        return scored, (f"{actor.name} has no score yet; figures that give {points:g} are made up for all",)
    return scored, (
        f"The score of {actor.name} is {health.score:.1f} ({health.level}), and campaigns are for customers "
        f"who are well; for the rehearsal its figures are changed evenly until it is {points:g}",
    )


async def _scored(actor: Actor) -> CustomerScored:
    """Score with the newest figures, signals included; nothing is handed over yet."""
    theatre, now = actor.theatre, await actor.now()
    scored = await asyncio.to_thread(
        theatre.parts.scores.score_customer, theatre.organisation, actor.customer, now
    )
    actor.start_at(now + TICK)
    return scored


def _enrol(actor: Actor, signal: Signal, now: datetime) -> bool:
    """Open the signal's baseline, as a person would; whether there is one."""
    store, organisation = actor.theatre.store, actor.theatre.organisation
    with store.read() as session:
        own = baseline_of(session, actor.customer, signal)
    return own is not None and bool(open_baselines(store, organisation, (own,), now, BY))


def _seen(actor: Actor, signal: Signal) -> str:
    """What the customer's figures show of a signal, in words; empty for nothing."""
    waiting = actor.theatre.parts.opportunities.waiting_of(actor.customer)
    found = waiting.opportunities if waiting is not None else ()
    return next((one.words for one in found if one.signal is signal), "")


async def _assume(actor: Actor, signal: Signal) -> str:
    """Give the customer figures that show the signal; which, in words."""
    now = await actor.now()

    def write() -> str:
        with actor.theatre.store.write() as session:
            customer = session.get_one(Customer, actor.customer)
            figures = assumed_for(signal, customer.monthly_revenue)
            assume(session, customer.id, figures, now)
        return ", ".join(one.words for one in figures)

    return await asyncio.to_thread(write)
