"""Playbooks for those who are at a level already, many at once: first for whom, then the start."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Literal

from fastapi import APIRouter, Response
from pydantic import Field, StrictBool, StrictInt

from keepwell.api.access import Operator
from keepwell.api.door import AtDoor
from keepwell.api.following import AtFollowing
from keepwell.api.problems import problems
from keepwell.contracts.base import Frozen, Strict
from keepwell.contracts.scoring import Candidate
from keepwell.db.repositories import enrolment
from keepwell.known_playbooks import playbook_for
from scoring.levels import Level

router = APIRouter(prefix="/api/v1/enrolments", tags=["customers' work"], responses=problems(404, 409))

TOLD: Final = 200
"""Of those who are refused so many are told by name; the number is of all."""


class EnrolmentBody(Strict):
    """Whom to begin the playbook of a level for."""

    level: Level = Field(description="The level that they are held at.")
    limit: StrictInt = Field(ge=1, le=1_000, description="At most for so many, the worst scores first.")
    dry_run: StrictBool = Field(default=False, description="Say for whom it would begin, and change nothing.")


class Enrolment(Frozen):
    """For whom the playbook begins; each begins, or is refused, when a worker takes it."""

    level: Level
    playbook: str
    state: Literal["would_start", "waiting", "nobody"]
    number: int = Field(description="For how many it begins.")
    customers: tuple[Candidate, ...] = Field(description="For whom, the worst score first.")
    refused: int = Field(description="How many come before the last of them, or at all, and may not.")
    refusals: tuple[Candidate, ...] = Field(description="The first 200 of those, each with its reason.")
    text: str


@router.post(
    "",
    summary="Begin the playbook of a level for those who are held at it",
    responses={202: {"model": Enrolment, "description": "Written down; each begins when a worker takes it"}},
)
def enrol_level(
    body: EnrolmentBody, response: Response, door: AtDoor, who: Operator, following: AtFollowing
) -> Enrolment:
    """For those in trouble before anybody looked: a first score begins nothing. It cannot be taken back."""
    own, now = who.organisation_id, datetime.now(UTC)
    playbook = playbook_for(door.settings, body.level, "level")
    found = enrolment.candidates(
        door.store, own, body.level, body.limit, now, playbook=playbook.name, cooldown=playbook.cooldown
    )
    free = tuple(one for one in found if not one.refusal)
    refused = tuple(one for one in found if one.refusal)
    state: Literal["would_start", "waiting", "nobody"] = "nobody"
    if free and not body.dry_run:
        state, response.status_code = "waiting", 202
        enrolment.enrol(door.store, own, [one.customer for one in free], now, who.name[:200])
        for one in free:
            following.look_at(own, one.customer)
    elif free:
        state = "would_start"
    return Enrolment(
        level=body.level,
        playbook=playbook.label,
        state=state,
        number=len(free),
        customers=free,
        refused=len(refused),
        refusals=refused[:TOLD],
        text=_text(playbook.label, body.level, len(free), len(refused), body.dry_run),
    )


def _text(playbook: str, level: Level, free: int, refused: int, dry: bool) -> str:
    if not free and not refused:
        return f"No customer is held at {level.value}."
    left = f" {refused:,} may not have it now." if refused else ""
    if not free:
        return f"It begins for nobody.{left}"
    whom = f"{free:,} customer{'' if free == 1 else 's'}"
    return f"{playbook} {'would begin' if dry else 'begins'} for {whom}.{left}"
