"""Commands to interventions: what people tell them, one by one and many at once."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from pydantic import AfterValidator

from keepwell.api.access import Reader
from keepwell.api.door import AtDoor
from keepwell.api.problems import problems
from keepwell.api.v1.asked import GivenId, Outcomes, storable
from keepwell.api.v1.command_bodies import (
    AcceptBody,
    AcknowledgeBody,
    BulkBody,
    CompleteBody,
    DeclineBody,
    PauseBody,
    ReassignBody,
    RespondBody,
    ResumeBody,
    SeenBody,
    SkipBody,
    StopBody,
    UpgradedBody,
)
from keepwell.api.v1.commanding import AsCommands, CommandAnswer
from keepwell.db.repositories.commands_kept import (
    CommandStatus,
    command_key,
    command_status,
    own_intervention,
)
from keepwell.errors import NotFoundError

router = APIRouter(prefix="/api/v1/interventions", tags=["commands"], responses=problems(404, 409))

InterventionPath = Annotated[
    str, AfterValidator(storable), Path(max_length=40, description="The intervention's id.")
]
KEPT: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": CommandAnswer, "description": "Kept: no worker answers now; it is told later, once"}
}


@router.post("/bulk", summary="Tell many interventions the same")
async def bulk(body: BulkBody, commands: AsCommands) -> Outcomes:
    """Each is told by itself, and what became of each is in the answer."""
    return await commands.tell_many(body.ids, body.command)


@router.post("/{intervention}/acknowledge", summary="You have it in hand", responses=KEPT)
async def acknowledge(
    intervention: InterventionPath, body: AcknowledgeBody, commands: AsCommands
) -> CommandAnswer:
    """Nobody escalates it any more, and its alert is acknowledged too."""
    return await commands.tell(intervention, body)


@router.post("/{intervention}/pause", summary="Stop the playbook's clock", responses=KEPT)
async def pause(intervention: InterventionPath, body: PauseBody, commands: AsCommands) -> CommandAnswer:
    """Until a moment, or until somebody resumes it. The remaining delays are kept."""
    return await commands.tell(intervention, body)


@router.post("/{intervention}/resume", summary="Let the playbook's clock go on", responses=KEPT)
async def resume(intervention: InterventionPath, body: ResumeBody, commands: AsCommands) -> CommandAnswer:
    """The remaining delays are as they were."""
    return await commands.tell(intervention, body)


@router.post("/{intervention}/respond", summary="The customer answered", responses=KEPT)
async def respond(intervention: InterventionPath, body: RespondBody, commands: AsCommands) -> CommandAnswer:
    """Nothing waits for an answer any more."""
    return await commands.tell(intervention, body)


@router.post("/{intervention}/complete", summary="A step is done", responses=KEPT)
async def complete(intervention: InterventionPath, body: CompleteBody, commands: AsCommands) -> CommandAnswer:
    """By hand, or because its task is."""
    return await commands.tell(intervention, body)


@router.post("/{intervention}/skip", summary="Leave a step out", responses=KEPT)
async def skip(intervention: InterventionPath, body: SkipBody, commands: AsCommands) -> CommandAnswer:
    """One that has not run yet."""
    return await commands.tell(intervention, body)


@router.post("/{intervention}/reassign", summary="Give the customer to somebody else", responses=KEPT)
async def reassign(intervention: InterventionPath, body: ReassignBody, commands: AsCommands) -> CommandAnswer:
    """They own the customer, its interventions and its open tasks from now on."""
    return await commands.tell(intervention, body)


@router.post("/{intervention}/stop", summary="End it", responses=KEPT)
async def stop(intervention: InterventionPath, body: StopBody, commands: AsCommands) -> CommandAnswer:
    """What is planned is cancelled, open tasks are withdrawn. It cannot be taken back."""
    return await commands.tell(intervention, body)


@router.post("/{intervention}/seen", summary="The customer has seen the offer", responses=KEPT)
async def seen(intervention: InterventionPath, body: SeenBody, commands: AsCommands) -> CommandAnswer:
    """Noted at the offer; the playbook goes on."""
    return await commands.tell(intervention, body)


@router.post("/{intervention}/accept", summary="The customer accepts the offer", responses=KEPT)
async def accept(intervention: InterventionPath, body: AcceptBody, commands: AsCommands) -> CommandAnswer:
    """One option of it, with terms; also before the offer went out, as agreed on the phone."""
    return await commands.tell(intervention, body)


@router.post("/{intervention}/decline", summary="The customer declines the offer", responses=KEPT)
async def decline(intervention: InterventionPath, body: DeclineBody, commands: AsCommands) -> CommandAnswer:
    """An answer like any other."""
    return await commands.tell(intervention, body)


@router.post("/{intervention}/upgraded", summary="The customer has upgraded", responses=KEPT)
async def upgraded(intervention: InterventionPath, body: UpgradedBody, commands: AsCommands) -> CommandAnswer:
    """The campaign ends as converted."""
    return await commands.tell(intervention, body)


@router.get("/{intervention}/commands/{command}", summary="What became of a command")
def command_of(
    intervention: InterventionPath,
    command: Annotated[GivenId, Path(description="The command's id, as it was given or answered.")],
    door: AtDoor,
    who: Reader,
) -> CommandStatus:
    """Of one that was kept, or is in the timeline: kept, told, done or refused."""
    with door.store.read() as session:
        own_intervention(session, who.organisation_id, intervention)
        found = command_status(session, intervention, command_key(intervention, command))
    if found is None:
        raise NotFoundError(f"Nothing is known of a command {command!r} to intervention {intervention}.")
    return found
