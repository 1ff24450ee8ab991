"""Rehearsals: a playbook for a customer on a virtual clock. Nothing is sent, nothing is written."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from keepwell.api.access import Actor, Reader
from keepwell.api.problems import problems
from keepwell.api.rehearsing import AtRehearsals
from keepwell.contracts.base import Frozen
from keepwell.rehearsal.asked import Asked
from keepwell.rehearsal.told import Rehearsal, RehearsalLine

router = APIRouter(prefix="/api/v1/rehearsals", tags=["rehearsals"])

RehearsalPath = Annotated[str, Path(description="The rehearsal's id.")]


class Rehearsals(Frozen):
    """The organisation's rehearsals that are still kept, the newest first; without what came of them."""

    items: tuple[RehearsalLine, ...]


@router.post(
    "", status_code=202, responses=problems(404, 409), summary="Begin a rehearsal, or put it into the queue"
)
def begin_rehearsal(asked: Asked, who: Actor, desk: AtRehearsals, response: Response) -> Rehearsal:
    """Begin a rehearsal, or put it into the queue. Its id comes at once: ask for it again until it is over.

    It takes the production playbook, the customer's own figures and texts, and plays a week in seconds. What
    came of it is kept in memory for some hours, until the server is started again.
    """
    begun = desk.ask(who.organisation_id, who.name, asked)
    response.headers["Location"] = f"/api/v1/rehearsals/{begun.id}"
    return begun


@router.get("", responses=problems(), summary="The rehearsals that are still kept")
def list_rehearsals(who: Reader, desk: AtRehearsals) -> Rehearsals:
    """The organisation's rehearsals that are still kept."""
    return Rehearsals(items=desk.recent(who.organisation_id))


@router.get("/{rehearsal_id}", responses=problems(404), summary="How far a rehearsal is, and what came of it")
def get_rehearsal(rehearsal_id: RehearsalPath, who: Reader, desk: AtRehearsals) -> Rehearsal:
    """Where a rehearsal stands, how far it is on its virtual clock, and what came of it."""
    return desk.look(who.organisation_id, rehearsal_id)


@router.delete(
    "/{rehearsal_id}", status_code=204, responses=problems(404), summary="Break a rehearsal off, or forget it"
)
def end_rehearsal(rehearsal_id: RehearsalPath, who: Actor, desk: AtRehearsals) -> None:
    """Break a rehearsal off, or forget what came of it."""
    desk.drop(who.organisation_id, rehearsal_id, who.name)
