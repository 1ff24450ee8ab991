"""What is done for a customer as a whole: another owner, all of its interventions, a playbook's beginning."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import AfterValidator, Field, StrictBool
from starlette.concurrency import run_in_threadpool

from keepwell.api.access import Actor, Operator, Principal
from keepwell.api.door import AtDoor, Door
from keepwell.api.following import AtFollowing
from keepwell.api.problems import problems
from keepwell.api.v1.asked import CustomerPath, Outcomes, StaffText, Undo, storable
from keepwell.api.v1.beginning import decided, possible
from keepwell.api.v1.command_bodies import PauseBody, ResumeBody, StopBody
from keepwell.api.v1.commanding import AsCommands
from keepwell.contracts.base import Frozen, Strict
from keepwell.db.repositories import enrolment
from keepwell.db.repositories.named import customer_named, staff_named
from keepwell.db.repositories.reassigning import (
    customers_of_owner,
    open_interventions,
    reassign_customer,
)
from keepwell.db.repositories.views_transitions import Decision
from keepwell.db.tables import Staff
from keepwell.errors import InputError
from scoring.levels import Level

router = APIRouter(prefix="/api/v1", tags=["customers' work"], responses=problems(404, 409))

StaffPath = Annotated[
    str,
    AfterValidator(storable),
    Path(max_length=320, description="A member of staff: an id, or an address."),
]


class ToBody(Strict):
    """Who takes over."""

    to: StaffText = Field(description="The new owner: an id, or an email address.")


class Reassigned(Frozen):
    """The customer's new owner. Its runs are told in a moment."""

    customer: str
    from_: str = Field(alias="from", description="The owner before, by name; empty where it had none.")
    to: str
    tasks: int = Field(description="Open tasks that went along.")
    changed: bool = Field(description="False: it was theirs already.")
    text: str
    undo: Undo | None = None


class AllReassigned(Frozen):
    """The customers of one member of staff are another's now."""

    from_: str = Field(alias="from")
    to: str
    customers: int
    tasks: int = Field(description="Open tasks that went along.")
    text: str


class EnrolBody(Strict):
    """Begin the playbook for the level that a customer is held at."""

    dry_run: StrictBool = Field(default=False, description="Say what would begin, and change nothing.")


class Enrolled(Frozen):
    """Whether the playbook begins. `waiting`: it begins, or is refused, when a worker takes it."""

    customer: str
    level: Level
    playbook: str
    state: Literal["would_start", "refused", "started", "waiting"]
    reason: str = Field(description="Why it does not begin.")
    intervention: str | None = None
    text: str


@router.post("/customers/{customer}/reassign", summary="Give a customer to somebody else")
def reassign(customer: CustomerPath, body: ToBody, door: AtDoor, who: Actor) -> Reassigned:
    """With its interventions and open tasks, also while nothing runs for it."""
    with door.store.write() as session:
        row = customer_named(session, who.organisation_id, customer)
        to = staff_named(session, who.organisation_id, body.to)
        before = session.get(Staff, row.owner_id) if row.owner_id else None
        changed = row.owner_id != to.id
        tasks = reassign_customer(session, row.id, to, who.name[:200], datetime.now(UTC)) if changed else 0
    path = f"/api/v1/customers/{row.id}/reassign"
    back = changed and before is not None and before.active
    undo = (
        Undo(method="POST", path=path, body={"to": before.id}, words="Give it back")
        if back and before
        else None
    )
    text = f"It is {to.name}'s now." if changed else f"It is {to.name}'s already."
    return Reassigned.model_validate(
        {
            "customer": row.id,
            "from": before.name if before else "",
            "to": to.name,
            "tasks": tasks,
            "changed": changed,
            "text": text,
            "undo": undo,
        }
    )


@router.post("/staff/{staff}/reassign", summary="Give all customers of somebody to another")
def reassign_all(staff: StaffPath, body: ToBody, door: AtDoor, who: Operator) -> AllReassigned:
    """As when somebody leaves. Each customer goes in a transaction of its own; the same again goes on."""
    own, by = who.organisation_id, who.name[:200]
    with door.store.read() as session:
        before, to = staff_named(session, own, staff, left=True), staff_named(session, own, body.to)
        if before.id == to.id:
            raise InputError(f"{to.name} cannot take over from {to.name}.", place="to")
        customers = customers_of_owner(session, before.id)
    tasks = 0
    for one in customers:
        with door.store.write() as session:
            person = session.get_one(Staff, to.id)
            tasks += reassign_customer(session, one, person, by, datetime.now(UTC))
    text = f"{len(customers):,} customers of {before.name} are {to.name}'s now."
    found = {"from": before.name, "to": to.name, "customers": len(customers), "tasks": tasks, "text": text}
    return AllReassigned.model_validate(found)


@router.post("/customers/{customer}/pause", summary="Pause all of a customer's interventions")
async def pause(
    customer: CustomerPath, body: PauseBody, door: AtDoor, who: Actor, commands: AsCommands
) -> Outcomes:
    """Each is told by itself; one that does not run needs nothing."""
    return await commands.tell_many(await run_in_threadpool(_running, door, who, customer), body)


@router.post("/customers/{customer}/resume", summary="Resume all of a customer's interventions")
async def resume(
    customer: CustomerPath, body: ResumeBody, door: AtDoor, who: Actor, commands: AsCommands
) -> Outcomes:
    """Those that are paused."""
    paused = await run_in_threadpool(_running, door, who, customer, paused=True)
    return await commands.tell_many(paused, body)


@router.post("/customers/{customer}/stop", summary="End all of a customer's interventions")
async def stop(
    customer: CustomerPath, body: StopBody, door: AtDoor, who: Actor, commands: AsCommands
) -> Outcomes:
    """It cannot be taken back."""
    return await commands.tell_many(await run_in_threadpool(_running, door, who, customer), body)


@router.post(
    "/customers/{customer}/enrol",
    summary="Begin the playbook for a customer's level",
    responses={202: {"model": Enrolled, "description": "Written down; it begins when a worker takes it"}},
)
async def enrol(
    customer: CustomerPath,
    body: EnrolBody,
    request: Request,
    response: Response,
    door: AtDoor,
    who: Actor,
    following: AtFollowing,
) -> Enrolled:
    """For one that was in trouble before anybody looked: its first score began nothing."""
    found = await run_in_threadpool(possible, door, who.organisation_id, customer)
    said = {"customer": found.customer, "level": found.level, "playbook": found.playbook}
    if found.refusal:
        return Enrolled(**said, state="refused", reason=found.refusal, text=f"Not now: {found.refusal}.")
    if body.dry_run:
        return Enrolled(**said, state="would_start", reason="", text=f"{found.playbook} would begin.")
    transition = await run_in_threadpool(_write, door, who, found.customer)
    following.look_at(who.organisation_id, found.customer)
    became = await decided(request.app, door, following, transition)
    if became is None or became.decision is None:
        response.status_code = 202
        return Enrolled(**said, state="waiting", reason="", text="It begins when a worker takes it.")
    return Enrolled(**said, **_became(found.playbook, became))


def _became(playbook: str, one: Decision) -> dict[str, object]:
    if one.decision == "started":
        return {
            "state": "started",
            "reason": "",
            "intervention": one.intervention,
            "text": f"{playbook} began.",
        }
    return {"state": "refused", "reason": one.reason, "text": f"It does not begin: {one.reason}."}


def _write(door: Door, who: Principal, customer: str) -> str:
    own, now = who.organisation_id, datetime.now(UTC)
    return enrolment.enrol(door.store, own, [customer], now, who.name[:200])[0]


def _running(door: Door, who: Principal, customer: str, *, paused: bool = False) -> list[str]:
    with door.store.read() as session:
        row = customer_named(session, who.organisation_id, customer)
        return [run.id for run in open_interventions(session, row.id) if run.paused or not paused]
