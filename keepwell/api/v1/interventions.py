"""Interventions: the list, and one with its timeline."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field

from keepwell.api import etags
from keepwell.api.access import Reader
from keepwell.api.door import AtDoor
from keepwell.api.problems import problems
from keepwell.api.v1.asked import Cursor, CustomerFilter, Limit, OwnerFilter, PlaybookFilter
from keepwell.api.v1.intervention_commands import InterventionPath
from keepwell.api.v1.resolving import customer_of, owner_of
from keepwell.contracts.playbook import Family
from keepwell.db.repositories.commands_kept import own_intervention
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.views_interventions import (
    InterventionFilter,
    InterventionLine,
    InterventionState,
    intervention_page,
)
from keepwell.db.repositories.views_timeline import InterventionDetail, intervention_detail
from keepwell.temporal.run_links import run_link
from scoring.levels import Level

router = APIRouter(prefix="/api/v1/interventions", tags=["interventions"], responses=problems(404))

STATE = "`open` runs, `paused` stands still, `ended` is over (unset: all)."


class InterventionInFull(InterventionDetail):
    """An intervention with everything that happened, and what is planned."""

    temporal_ui: str | None = Field(
        default=None, description="The run's page in the Temporal UI; null where no UI is known."
    )


@router.get("", summary="Interventions: those that run first, the worst of them first")
def list_interventions(
    door: AtDoor,
    who: Reader,
    customer: CustomerFilter = None,
    playbook: PlaybookFilter = "",
    state: Annotated[InterventionState | None, Query(description=STATE)] = None,
    owner: OwnerFilter = None,
    level: Annotated[Level | None, Query(description="The level at which it began.")] = None,
    family: Annotated[
        Family | None, Query(description="risk: because of a level; expansion: a campaign; event: an alert.")
    ] = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Page[InterventionLine]:
    """Of those that run the customers at risk come first, by level and score; what has ended comes last."""
    with door.store.read() as session:
        wanted = InterventionFilter(
            customer=customer_of(session, who, customer),
            level=level,
            playbook=playbook,
            state=state,
            owner=owner_of(session, who, owner),
            family=family,
        )
        now = datetime.now(UTC)
        return intervention_page(session, who.organisation_id, now, wanted, cursor=cursor, limit=limit)


@router.get(
    "/{intervention}",
    summary="One intervention: what happened, what will, and why",
    response_model=InterventionInFull,
    responses=etags.NOT_MODIFIED,
)
def get_intervention(intervention: InterventionPath, request: Request, door: AtDoor, who: Reader) -> Response:
    """Its timeline holds what happened and what is planned, with its time if nothing pauses from now on."""
    with door.store.read() as session:
        row = own_intervention(session, who.organisation_id, intervention)
        detail = intervention_detail(session, row.id, datetime.now(UTC))
    link = run_link(door.settings, row.workflow_id)
    return etags.answer(request, InterventionInFull(**dict(detail), temporal_ui=link))
