"""Telling interventions commands: at once where a worker answers, else kept and told later, once.

A command has a key made of its intervention and the id that its sender gave it. The run knows the key of one
that it was told before, so that an update whose answer is lost and the signal after it count once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from fastapi import Depends, Header, Request, Response
from pydantic import Field

from keepwell.api.access import Actor, Principal
from keepwell.api.door import AtDoor, Door
from keepwell.api.runs import UNREACHED, Runs, runs_of
from keepwell.api.v1.asked import GivenId, Outcome, Outcomes, Undo
from keepwell.api.v1.command_bodies import Body
from keepwell.api.v1.many import failed, outcomes
from keepwell.contracts.base import Frozen
from keepwell.contracts.commands import COMMAND, Command
from keepwell.db.repositories.commands_kept import (
    CommandState,
    CommandStatus,
    command_key,
    command_status,
    ended,
    given_id,
    has_waiting,
    keep,
    own_intervention,
    require_step,
    same_as,
)
from keepwell.db.repositories.named import staff_named
from keepwell.db.repositories.withdrawing import require_standing
from keepwell.db.tables import Intervention
from keepwell.errors import InputError, KeepwellError, RefusedError
from keepwell.keys import new_id
from keepwell.temporal.updates import NoRunError

AT_ONCE: Final = 10
"""Runs that are told at the same time: a server takes 10 updates of one run, and many runs are one load."""


class CommandAnswer(Frozen):
    """What a command brought about. `kept`: no run has heard of it yet, and it will, once."""

    state: Literal["done", "kept"]
    command: str = Field(description="Its id, for GET …/commands/{command}.")
    kind: str
    intervention: str
    text: str
    noted_at: datetime = Field(description="On the intervention's clock; of one that is kept, when it came.")
    undo: Undo | None = Field(default=None, description="The call that takes it back; null where none can.")


@dataclass(frozen=True, slots=True)
class _Ready:
    """A command that may be told; `known` is what became of it when it came before."""

    row: Intervention
    command: Command
    undo: Undo | None
    known: CommandStatus | None


class Commands:
    """Commands in the name of whoever asks. They set the status of the response: 200, or 202 for kept."""

    def __init__(
        self, door: Door, runs: Runs, who: Principal, response: Response, given: str | None = None
    ) -> None:
        self._door, self._runs, self._who = door, runs, who
        self._response, self._given = response, given

    async def tell(self, intervention: str, said: Body) -> CommandAnswer:
        """Tell one intervention's run.

        Raises:
            NotFoundError: the organisation has no such intervention.
            RefusedError: the run says no, it has ended, or the id was given to another command.
            InputError: a step or a moment that makes no sense, or two ids for one command.
        """
        answer = await self._told(intervention, said, self._id(said))
        self._response.status_code = 202 if answer.state == "kept" else 200
        return answer

    async def tell_beside(self, intervention: str, said: Body) -> CommandAnswer:
        """The same as a part of something else, whose status does not depend on it. Its body names its id."""
        return await self._told(intervention, said, said.id or new_id())

    async def tell_many(self, interventions: Sequence[str], said: Body) -> Outcomes:
        """The same to many, each by itself."""
        given, room = self._id(said), asyncio.Semaphore(AT_ONCE)

        async def one(intervention: str) -> Outcome:
            async with room:
                try:
                    answer = await self._told(intervention, said, given)
                except KeepwellError as error:
                    return failed(intervention, error)
            status = 202 if answer.state == "kept" else 200
            return Outcome(
                id=intervention, status=status, state=answer.state, text=answer.text, command=answer.command
            )

        return outcomes(await asyncio.gather(*(one(each) for each in dict.fromkeys(interventions))))

    def _id(self, said: Body) -> str:
        if said.id and self._given and said.id != self._given:
            raise InputError(
                "The body's id and Idempotency-Key differ.", place="id", hint="Send one of both."
            )
        return said.id or self._given or new_id()

    async def _told(self, intervention: str, said: Body, given: str) -> CommandAnswer:
        ready = await asyncio.to_thread(self._prepare, intervention, said, given)
        if ready.known is not None:
            return _again(ready, ready.known)
        try:
            if await asyncio.to_thread(self._behind, intervention):
                await self._runs.tell_kept(self._door)
            if not await asyncio.to_thread(self._behind, intervention):
                answer = await self._runs.update(ready.row.workflow_id, ready.command)
                return _answer(ready, "done", answer.text, answer.noted_at)
        except NoRunError as error:
            raise await asyncio.to_thread(self._gone, intervention) from error
        except UNREACHED:
            # What the run may have heard of in spite of it, it knows again by the command's id.
            pass
        return await asyncio.to_thread(self._keep, ready)

    def _prepare(self, intervention: str, said: Body, given: str) -> _Ready:
        now = datetime.now(UTC)
        with self._door.store.read() as session:
            row = own_intervention(session, self._who.organisation_id, intervention)
            key = command_key(row.id, given)
            fields = said.model_dump(exclude={"id"})
            if said.kind == "reassign":
                person = staff_named(session, self._who.organisation_id, said.to)
                fields |= {"to": person.id, "to_name": person.name}
            base = {"id": key, "intervention": row.id, "by": self._who.name[:200]}
            command = COMMAND.validate_python({**fields, **base})
            known = command_status(session, row.id, key)
            if known is not None:
                same_as(session, key, command, known)
            elif row.outcome is not None:
                raise ended(row)
            elif said.kind in ("complete", "skip"):
                require_step(session, row, said.step)
            elif said.kind in ("accept", "decline", "seen"):
                require_standing(session, row.id)
            elif said.kind == "pause" and said.until is not None and said.until <= now:
                raise InputError("A pause ends in the future.", place="until", hint="Name a later moment.")
        return _Ready(row, command, _undo(row, command), known)

    def _behind(self, intervention: str) -> bool:
        """Whether others are kept that came before: none overtakes them."""
        with self._door.store.read() as session:
            return has_waiting(session, intervention)

    def _keep(self, ready: _Ready) -> CommandAnswer:
        now = datetime.now(UTC)
        with self._door.store.write() as session:
            keep(session, ready.row, ready.command, now)
        return _answer(ready, "kept", KEPT, now)

    def _gone(self, intervention: str) -> RefusedError:
        with self._door.store.read() as session:
            row = own_intervention(session, self._who.organisation_id, intervention)
        if row.outcome is not None:
            return ended(row)
        return RefusedError(
            f"Intervention {row.id} is open in the store, but Temporal has no such run ({row.workflow_id}).",
            hint="Was it terminated, or is this another Temporal server than the one it began on?",
        )


KEPT: Final = "Kept: no worker answers now. It is told as soon as one does, once."


def _again(ready: _Ready, known: CommandStatus) -> CommandAnswer:
    """The answer for one that came before."""
    if known.state is CommandState.REFUSED:
        raise RefusedError(known.why or f"{known.kind} was refused.")
    if known.state is CommandState.DONE:
        return _answer(ready, "done", known.text, known.told_at or known.received_at)
    return _answer(ready, "kept", KEPT, known.received_at)


def _answer(ready: _Ready, state: Literal["done", "kept"], text: str, at: datetime) -> CommandAnswer:
    command = ready.command
    return CommandAnswer(
        state=state,
        command=given_id(command.id),
        kind=command.kind,
        intervention=ready.row.id,
        text=text,
        noted_at=at,
        undo=ready.undo,
    )


def _undo(row: Intervention, command: Command) -> Undo | None:
    """What takes a command back, with the intervention as it is before."""
    path = f"/api/v1/interventions/{row.id}"
    if command.kind == "pause" and not row.paused:
        return Undo(method="POST", path=f"{path}/resume", words="Resume")
    if command.kind == "resume" and row.paused:
        until = row.paused_until.isoformat() if row.paused_until is not None else None
        body = {"reason": row.pause_reason or "Paused again", "until": until}
        return Undo(method="POST", path=f"{path}/pause", body=body, words="Pause again")
    if command.kind == "reassign" and row.owner_id not in (None, command.to):
        return Undo(method="POST", path=f"{path}/reassign", body={"to": row.owner_id}, words="Give it back")
    return None


def _commands(
    request: Request,
    response: Response,
    door: AtDoor,
    who: Actor,
    given: Annotated[
        GivenId | None,
        Header(alias="Idempotency-Key", description="Yours: the same key once more counts once."),
    ] = None,
) -> Commands:
    return Commands(door, runs_of(request.app), who, response, given)


AsCommands = Annotated[Commands, Depends(_commands)]
"""The parameter of an endpoint that tells interventions something."""
