"""Alerts: what was noticed, the gravest first, and taking them in hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, Field
from starlette.concurrency import run_in_threadpool

from keepwell.api.access import Actor, Principal, Reader
from keepwell.api.door import AtDoor, Door
from keepwell.api.problems import problems
from keepwell.api.v1.asked import (
    MOST,
    Cursor,
    CustomerFilter,
    Limit,
    Outcome,
    Outcomes,
    OwnId,
    storable,
)
from keepwell.api.v1.command_bodies import AcknowledgeBody
from keepwell.api.v1.commanding import AsCommands, CommandAnswer, Commands
from keepwell.api.v1.many import failed, outcomes
from keepwell.api.v1.resolving import customer_of
from keepwell.contracts.alerts import LIVE_ALERTS
from keepwell.contracts.base import Frozen, Strict
from keepwell.db.repositories.alerts import acknowledge_alert
from keepwell.db.repositories.commands_kept import waits_for_somebody
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.views_alerts import STATES, AlertLine, alerts, own_alert
from keepwell.errors import KeepwellError, RefusedError
from scoring.signal import Severity, Trigger

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"], responses=problems(404, 409))

AlertPath = Annotated[str, AfterValidator(storable), Path(max_length=40, description="The alert's id.")]
State = Literal["live", "open", "acknowledged", "closed", "all"]
STATE = "`live` is open or acknowledged. One closes by itself when its cause is gone."


class AlertPage(Page[AlertLine]):
    """Alerts: the open ones first, then the gravest, then the newest."""

    total: int = Field(description="How many there are on all pages.")


class AlertAnswer(Frozen):
    """The alert as it is now."""

    alert: AlertLine
    text: str
    intervention: CommandAnswer | None = Field(
        default=None,
        description="What the intervention that it began said; null where none has to hear of it.",
    )


class ManyAlerts(Strict):
    """Alerts to take in hand."""

    ids: tuple[OwnId, ...] = Field(min_length=1, max_length=MOST)


@router.get("", summary="Alerts, the gravest first")
def list_alerts(
    door: AtDoor,
    who: Reader,
    state: Annotated[State, Query(description=STATE)] = "live",
    trigger: Annotated[Trigger | None, Query(description="What raised it.")] = None,
    severity: Annotated[Severity | None, Query(description="How grave it is.")] = None,
    customer: CustomerFilter = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> AlertPage:
    """What was noticed about customers."""
    states = {"live": LIVE_ALERTS, "all": STATES}.get(state, (state,))
    with door.store.read() as session:
        found = alerts(
            session,
            who.organisation_id,
            datetime.now(UTC),
            states=states,
            trigger=trigger.value if trigger else None,
            severity=severity.value if severity else None,
            customer=customer_of(session, who, customer),
            cursor=cursor,
            limit=limit,
        )
    return AlertPage(items=found.alerts, next=found.next, total=found.total)


@router.post("/acknowledge", summary="Take many alerts in hand")
async def acknowledge_many(body: ManyAlerts, door: AtDoor, who: Actor, commands: AsCommands) -> Outcomes:
    """Each by itself, with the intervention that it began; what became of each is in the answer."""
    results = []
    for one in dict.fromkeys(body.ids):
        try:
            answer = await _acknowledge(door, who, commands, one)
        except KeepwellError as error:
            results.append(failed(one, error))
        else:
            results.append(Outcome(id=one, status=200, state="done", text=answer.text))
    return outcomes(results)


@router.get("/{alert}", summary="One alert")
def get_alert(alert: AlertPath, door: AtDoor, who: Reader) -> AlertLine:
    """Why it was raised, who has it in hand, and what its playbook made of it."""
    return _line(door, who, alert)


@router.post("/{alert}/acknowledge", summary="Take an alert in hand")
async def acknowledge(alert: AlertPath, door: AtDoor, who: Actor, commands: AsCommands) -> AlertAnswer:
    """And what its playbook does, so that nobody escalates it. Who says so again changes nothing."""
    return await _acknowledge(door, who, commands, alert)


async def _acknowledge(door: Door, who: Principal, commands: Commands, alert: str) -> AlertAnswer:
    intervention = await run_in_threadpool(_take, door, who, alert)
    told, text = None, "It is in hand."
    if intervention is not None:
        try:
            told = await commands.tell_beside(intervention, AcknowledgeBody(id=f"alert-{alert}"[:60]))
            text = f"It is in hand. Its playbook: {told.text}"
        except RefusedError as error:
            text = f"It is in hand. Its playbook was not told: {error.message}"
    return AlertAnswer(alert=await run_in_threadpool(_line, door, who, alert), text=text, intervention=told)


def _take(door: Door, who: Principal, alert: str) -> str | None:
    """Acknowledge the alert itself; the intervention that has to hear of it, if one has to."""
    with door.store.read() as session:
        own_alert(session, who.organisation_id, alert)
    row = acknowledge_alert(door.store, alert, who.name[:200], datetime.now(UTC))
    if row.intervention_id is None:
        return None
    with door.store.read() as session:
        return row.intervention_id if waits_for_somebody(session, row.intervention_id) else None


def _line(door: Door, who: Principal, alert: str) -> AlertLine:
    with door.store.read() as session:
        own_alert(session, who.organisation_id, alert)
        now = datetime.now(UTC)
        return alerts(session, who.organisation_id, now, states=STATES, ids=[alert]).alerts[0]
