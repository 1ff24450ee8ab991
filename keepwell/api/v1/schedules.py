"""What runs by itself on the Temporal server, and when."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from temporalio.service import RPCError

from keepwell.api.access import Operator
from keepwell.api.door import AtDoor
from keepwell.api.problems import problems
from keepwell.api.runs import runs_of
from keepwell.db.repositories.pages import Page
from keepwell.errors import ServerUnavailableError
from keepwell.keys import schedule_ids
from keepwell.temporal.schedules import ScheduleState, schedule_state

router = APIRouter(prefix="/api/v1/schedules", tags=["schedules"], responses=problems())

ANSWER_WITHIN = 5.0


class SchedulesPage(Page[ScheduleState]):
    """The Schedules that are there, and the ids of those that should be and are not."""

    missing: tuple[str, ...]


@router.get("")
async def list_schedules(request: Request, who: Operator, door: AtDoor) -> SchedulesPage:
    """All Schedules: when they ran last, and when they run next. A 503 where the server does not answer."""
    wanted = schedule_ids(who.organisation_id, trains=door.settings.churn_retrain != "off")
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            client = await runs_of(request.app).client()
            found = await asyncio.gather(*(schedule_state(client, one) for one in wanted))
    except (TimeoutError, RPCError) as error:
        raise ServerUnavailableError(
            "The Temporal server does not answer.", hint="Try again later."
        ) from error
    there = tuple(one for one in found if one is not None)
    missing = tuple(name for name, one in zip(wanted, found, strict=True) if one is None)
    return SchedulesPage(items=there, missing=missing)
