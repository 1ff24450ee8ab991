"""Plays one playbook for one customer with its reactions, in the order of time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar, assert_never

from sqlmodel import Session

from keepwell.contracts.commands import (
    Acknowledge,
    Command,
    Complete,
    Pause,
    Reassign,
    Respond,
    Resume,
    Skip,
    Stop,
)
from keepwell.contracts.playbook import Playbook
from keepwell.contracts.scoring import CustomerScored
from keepwell.db.repositories.views import find_person
from keepwell.db.repositories.views_interventions import planned_moment
from keepwell.db.tables import Intervention, Staff, Transition
from keepwell.errors import RefusedError
from keepwell.keys import new_id
from keepwell.rehearsal.actor import Actor
from keepwell.rehearsal.reactions import (
    CompleteStep,
    PauseFor,
    Reaction,
    ReassignTo,
    Reply,
    ResumeNow,
    ScoreTo,
    Script,
    SkipStep,
    StopNow,
)
from keepwell.rehearsal.spans import span_words

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
        row = await self._newest()
        due = self._habit(row)
        if due is not None and due <= moment:
            self.acknowledged.add(row.id)
            if await self.actor.forward_to(due + JUST_AFTER):
                await self._tell(Acknowledge(id=new_id(), intervention=row.id, by=await self._owner()), "")
            await self._until(moment)
            return
        await self.actor.forward_to(moment + JUST_AFTER)

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
        row = await self._newest()
        command = await self._command(reaction, row)
        await self._tell(command, reaction.words)

    async def _command(
        self,
        reaction: Reply | PauseFor | ResumeNow | StopNow | SkipStep | CompleteStep | ReassignTo,
        row: Intervention,
    ) -> Command:
        identity, intervention, by = new_id(), row.id, await self._owner()
        match reaction:
            case Reply(note=note):
                return Respond(id=identity, intervention=intervention, by=by, note=note)
            case PauseFor(until=until):
                end = self.played.started_at + until if until is not None else None
                return Pause(id=identity, intervention=intervention, by=by, until=end)
            case ResumeNow():
                return Resume(id=identity, intervention=intervention, by=by)
            case StopNow():
                return Stop(id=identity, intervention=intervention, by=by)
            case SkipStep(step=step):
                return Skip(id=identity, intervention=intervention, by=by, step=step)
            case CompleteStep(step=step):
                return Complete(id=identity, intervention=intervention, by=by, step=step)
            case ReassignTo(to=to):
                person = await asyncio.to_thread(self._read, lambda session: self._person(session, to))
                return Reassign(
                    id=identity, intervention=intervention, by=by, to=person.id, to_name=person.name
                )
        assert_never(reaction)

    async def _tell(self, command: Command, words: str) -> None:
        try:
            await self.actor.say(command)
            await self.actor.settle()
        except RefusedError as error:
            what = words or "the CSM acknowledges it"
            self.played.refused.append(Refused(await self.actor.now(), what, error.message))

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
        """Until the chain has ended; not for ever: a pause that nobody ends has no end."""
        for _ in range(ROUNDS):
            row = await self._newest()
            if row.outcome is not None or (row.paused and row.paused_until is None):
                break
            now = await self.actor.now()
            planned = planned_moment(row, playbook_of(row).closes_at, now)
            due = self._habit(row)
            if due is not None and due < planned:
                await self._until(due)
            elif planned > now:
                self.say(f"Until the end, {span_words(planned - now)} from there at most …")
                await self.actor.forward_to(planned + JUST_AFTER)
            else:
                await self.actor.forward_to(now + PATIENCE)
        if (await self._newest()).outcome is not None:
            await self.actor.ended()

    async def _newest(self) -> Intervention:
        return (await asyncio.to_thread(self.actor.interventions))[-1]

    async def _owner(self) -> str:
        return await asyncio.to_thread(self._read, self._owner_name)

    def _owner_name(self, session: Session) -> str:
        row = self.actor.interventions()[-1]
        owner = session.get(Staff, row.owner_id) if row.owner_id else None
        return owner.name if owner is not None else "the CSM"

    def _person(self, session: Session, text: str) -> Staff:
        found = find_person(session, self.actor.theatre.organisation, text)
        return session.get_one(Staff, found.id)

    def _read(self, read: Callable[[Session], T]) -> T:
        with self.actor.theatre.store.read() as session:
            return read(session)


def wants_acknowledgement(playbook: Playbook) -> bool:
    """Whether anything in a playbook depends on the CSM's acknowledgement."""
    return any(step.unless == "acknowledged" for step in playbook.steps)


def playbook_of(row: Intervention) -> Playbook:
    """The playbook that an intervention runs."""
    return Playbook.model_validate(row.definition)
