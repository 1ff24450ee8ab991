"""Plays one playbook for one customer with its reactions, in the order of time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from sqlmodel import Session, col, select

from keepwell.contracts.commands import Acknowledge, Command
from keepwell.contracts.playbook import Playbook
from keepwell.contracts.scoring import CustomerScored
from keepwell.db.repositories.views import find_person
from keepwell.db.repositories.views_interventions import OPEN, planned_moment
from keepwell.db.tables import Intervention, InterventionStep, Staff, Transition
from keepwell.errors import RefusedError
from keepwell.keys import new_id
from keepwell.rehearsal.actor import Actor
from keepwell.rehearsal.commanding import command_of, meant, playbook_of
from keepwell.rehearsal.reactions import CauseGone, Reaction, ScoreTo, Script
from keepwell.spans import span_words

T = TypeVar("T")
Say = Callable[[str], None]
JUST_AFTER = timedelta(seconds=1)
"""What a playbook does at a moment comes before what people do at the same moment."""
PATIENCE = timedelta(days=7)
ROUNDS = 8
"""How often to wait for an end that was put off: each round waits a week, or as long as is planned."""


@dataclass(frozen=True)
class ScoreLine:
    """A score on the way, and what became of a change of level."""

    at: datetime
    scored: CustomerScored
    transition: Transition | None


@dataclass(frozen=True)
class Refused:
    """Something that people wanted to do and that the intervention refused."""

    at: datetime
    words: str
    reason: str


@dataclass
class Played:
    """What the store does not hold of a play: scores on the way, and refusals."""

    started_at: datetime
    now: datetime
    scores: list[ScoreLine] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


@dataclass
class Play:
    """A play under way: the actor, the script, and which interventions were acknowledged out of habit."""

    actor: Actor
    script: Script
    say: Say
    played: Played
    acknowledged: set[str] = field(default_factory=set)

    async def run(self) -> Played:
        """From the beginning, which has happened, to the end."""
        for reaction in self.script.in_order:
            await self._until(self.played.started_at + reaction.at)
            self.say(f"{span_words(reaction.at)}: {reaction.words}")
            await self._react(reaction)
        await self._to_the_end()
        self.played.now = await self.actor.now()
        return self.played

    async def _until(self, moment: datetime) -> None:
        """Let time pass; the CSM acknowledges on the way, as is their habit."""
        while (due := self._next_habit(await self._open())) is not None and due[0] <= moment:
            at, row = due
            self.acknowledged.add(row.id)
            if await self.actor.forward_to(at + JUST_AFTER) and await self._is_open(row):
                by = await self._owner(row)
                await self._tell(Acknowledge(id=new_id(), intervention=row.id, by=by), row, "")
        await self.actor.forward_to(moment + JUST_AFTER)

    def _next_habit(self, rows: Sequence[Intervention]) -> tuple[datetime, Intervention] | None:
        """The next acknowledgement out of habit, and of which intervention."""
        dues = [(due, row) for row in rows if (due := self._habit(row)) is not None]
        return min(dues, key=lambda due: due[0]) if dues else None

    def _habit(self, row: Intervention) -> datetime | None:
        """When the CSM acknowledges this intervention; None where there is no need or no habit."""
        needless = row.outcome is not None or row.acknowledged_by or row.id in self.acknowledged
        if self.script.acknowledge is None or needless or not wants_acknowledgement(playbook_of(row)):
            return None
        return row.started_at + self.script.acknowledge

    async def _react(self, reaction: Reaction) -> None:
        if isinstance(reaction, ScoreTo):
            await self._score(reaction)
            return
        if isinstance(reaction, CauseGone):
            await self.actor.cause_gone(reaction.words)
            await self.actor.settle()
            return
        row = meant(reaction, await self._rows())
        by = await self._owner(row)
        command = await asyncio.to_thread(
            self._read,
            lambda session: command_of(
                reaction, row, by, self.played.started_at, lambda text: self._person(session, text)
            ),
        )
        await self._tell(command, row, reaction.words)

    async def _tell(self, command: Command, row: Intervention, words: str) -> None:
        try:
            await self.actor.say(command, playbook_of(row).family)
            await self.actor.settle()
        except RefusedError as error:
            what = words or "the CSM acknowledges it"
            reason = error.message
            if row.outcome is not None:
                reason = f"No intervention runs any more: {playbook_of(row).label} ended as {row.outcome}."
            self.played.refused.append(Refused(await self.actor.now(), what, reason))

    async def _score(self, reaction: ScoreTo) -> None:
        before = await self.actor.now()
        scored = await self.actor.score(reaction.points)
        transition = None
        if scored.transition is not None:
            identity = scored.transition
            transition = await asyncio.to_thread(
                self._read, lambda session: session.get_one(Transition, identity)
            )
        await self.actor.settle()
        self.played.scores.append(ScoreLine(before, scored, transition))

    async def _to_the_end(self) -> None:
        """Until all has ended; not for ever: a pause that nobody ends has no end."""
        for _ in range(ROUNDS):
            rows = await self._open()
            moving = [row for row in rows if moves(row)]
            if not moving:
                break
            now = await self.actor.now()
            planned = min([await self._last(row, now) for row in moving])
            due = self._next_habit(rows)
            if due is not None and due[0] < planned:
                await self._until(due[0])
            elif planned > now:
                self.say(f"Until the end, {span_words(planned - now)} from there at most …")
                await self.actor.forward_to(planned + JUST_AFTER)
            else:
                await self.actor.forward_to(now + PATIENCE)
        still = {playbook_of(row).family for row in await self._open()}
        for family in {playbook_of(row).family for row in await self._rows()} - still:
            await self.actor.ended(family)

    async def _last(self, row: Intervention, now: datetime) -> datetime:
        """When the last thing is planned that an intervention does by itself: a step, or its close.

        Never a time of our own choice: a skip that ends at the very moment at which a step is due may leave
        it half done when the next skip begins.
        """

        def read(session: Session) -> list[InterventionStep]:
            query = select(InterventionStep).where(InterventionStep.intervention_id == row.id)
            return list(session.exec(query.where(col(InterventionStep.state).in_(OPEN))))

        steps = await asyncio.to_thread(self._read, read)
        return max(
            planned_moment(row, playbook_of(row).closes_at, now),
            *(planned_moment(row, step.offset, now, step.deferred_until) for step in steps),
            now,
        )

    async def _rows(self) -> list[Intervention]:
        return await asyncio.to_thread(self.actor.interventions)

    async def _open(self) -> list[Intervention]:
        return [row for row in await self._rows() if row.outcome is None]

    async def _is_open(self, row: Intervention) -> bool:
        return any(one.id == row.id for one in await self._open())

    async def _owner(self, row: Intervention) -> str:
        """Who does what people do: the owner of the intervention."""

        def name(session: Session) -> str:
            fresh = session.get_one(Intervention, row.id)
            owner = session.get(Staff, fresh.owner_id) if fresh.owner_id else None
            return owner.name if owner is not None else "the CSM"

        return await asyncio.to_thread(self._read, name)

    def _person(self, session: Session, text: str) -> Staff:
        found = find_person(session, self.actor.theatre.organisation, text)
        return session.get_one(Staff, found.id)

    def _read(self, read: Callable[[Session], T]) -> T:
        with self.actor.theatre.store.read() as session:
            return read(session)


def wants_acknowledgement(playbook: Playbook) -> bool:
    """Whether anything in a playbook depends on the CSM's acknowledgement."""
    return any(step.unless == "acknowledged" for step in playbook.steps)


def moves(row: Intervention) -> bool:
    """Whether time brings an open intervention on: not while it is held, or paused without an end."""
    return not row.held_why and not (row.paused and row.paused_until is None)
