"""Opportunities: which customers could use more, and what is done about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AfterValidator, Field
from starlette.concurrency import run_in_threadpool

from keepwell.api.access import Actor, Principal, Reader
from keepwell.api.door import AtDoor, Door
from keepwell.api.following import AtFollowing
from keepwell.api.problems import problems
from keepwell.api.runs import UNREACHED
from keepwell.api.v1.asked import Cursor, CustomerFilter, Limit, storable
from keepwell.api.v1.resolving import customer_of
from keepwell.contracts.base import Frozen
from keepwell.db.repositories.baselines import BASELINE, open_baselines
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.views_opportunities import LIVE, STATES, OpportunityLine, opportunities
from keepwell.errors import NotFoundError, RefusedError
from scoring.signal import Signal

router = APIRouter(prefix="/api/v1/opportunities", tags=["opportunities"], responses=problems(404, 409))

OpportunityPath = Annotated[
    str, AfterValidator(storable), Path(max_length=40, description="The opportunity's id.")
]
State = Literal["live", "open", "running", "baseline", "converted", "lost", "gone", "all"]
STATE = (
    "`live` may still become something: `open`, `running` (its campaign runs) and `baseline` (it was there "
    "before anybody looked, and starts nothing until it is enrolled)."
)


class OpportunityPage(Page[OpportunityLine]):
    """Opportunities by state, the most urgent and then the most valuable first."""

    total: int = Field(description="How many there are on all pages.")


class Begun(Frozen):
    """The opportunity as it is now. One that is `open` still waits for its campaign; `reason` says why."""

    opportunity: OpportunityLine
    text: str


@router.get("", summary="Opportunities, the most urgent first")
def list_opportunities(
    door: AtDoor,
    who: Reader,
    state: Annotated[State, Query(description=STATE)] = "live",
    signal: Annotated[Signal | None, Query(description="Only of this signal.")] = None,
    customer: CustomerFilter = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> OpportunityPage:
    """Signs that customers could use more, and what is done about them."""
    states = {"live": LIVE, "all": STATES}.get(state, (state,))
    with door.store.read() as session:
        found = opportunities(
            session,
            who.organisation_id,
            states=states,
            signal=signal.value if signal else None,
            customer=customer_of(session, who, customer),
            cursor=cursor,
            limit=limit,
        )
    return OpportunityPage(items=found.opportunities, next=found.next, total=found.total)


@router.get("/{opportunity}", summary="One opportunity")
def get_opportunity(opportunity: OpportunityPath, door: AtDoor, who: Reader) -> OpportunityLine:
    """What it may bring, from which figures, and what became of it."""
    return _line(door, who, opportunity)


@router.post(
    "/{opportunity}/enrol",
    summary="Begin the campaign of a baseline",
    responses={
        202: {"model": Begun, "description": "It is open; its campaign begins when a worker takes it"}
    },
)
async def enrol(
    opportunity: OpportunityPath,
    request: Request,
    response: Response,
    door: AtDoor,
    who: Actor,
    following: AtFollowing,
) -> Begun:
    """It was there at the customer's first score, and so began nothing."""
    customer = await run_in_threadpool(_open, door, who, opportunity)
    following.look_at(who.organisation_id, customer)
    try:
        await following.look(request.app)
    except UNREACHED:
        # The daily run begins it.
        response.status_code = 202
    line = await run_in_threadpool(_line, door, who, opportunity)
    if line.state == "running":
        return Begun(opportunity=line, text=f"{line.playbook} began.")
    response.status_code = 202
    return Begun(opportunity=line, text=line.reason or "Its campaign begins when a worker takes it.")


def _open(door: Door, who: Principal, opportunity: str) -> str:
    """Make a baseline open; its customer."""
    line = _line(door, who, opportunity)
    if line.state != BASELINE:
        raise RefusedError(f"It is no baseline: it is {line.state}.", hint="Only a baseline is enrolled.")
    own, now = who.organisation_id, datetime.now(UTC)
    if not open_baselines(door.store, own, [opportunity], now, who.name[:200]):
        raise RefusedError("Somebody was faster: it is no baseline any more.")
    return line.customer_id


def _line(door: Door, who: Principal, opportunity: str) -> OpportunityLine:
    with door.store.read() as session:
        found = opportunities(session, who.organisation_id, states=STATES, ids=[opportunity]).opportunities
    if not found:
        raise NotFoundError(f"There is no opportunity {opportunity!r}.")
    return found[0]
