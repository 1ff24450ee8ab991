"""Read models of interventions: a line in a list, and when what is planned will happen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, case, func
from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.contracts.intervention import StepState
from keepwell.contracts.playbook import Family
from keepwell.db.repositories.pages import Key, Page, down, page_of, up
from keepwell.db.repositories.views import customer_names, staff_names
from keepwell.db.tables import Intervention, InterventionStep
from scoring.levels import Level

OPEN = (StepState.PLANNED.value, StepState.DEFERRED.value)
NO_LEVEL, NO_SCORE = 1, 1000.0
"""Beyond every severity and score, for the order of a list."""
MOST_DIGITS = 9
LAST = datetime(9999, 12, 31, tzinfo=UTC)
"""The calendar's last day begins."""


class InterventionState(StrEnum):
    """Where an intervention stands; a paused one is open too."""

    OPEN = "open"
    PAUSED = "paused"
    ENDED = "ended"


class Standing(StrEnum):
    """Where an intervention stands, in one word for people: what of all that is so matters most."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    ANSWERED = "answered"
    HELD = "held"
    PAUSED = "paused"
    ENDED = "ended"


class InterventionLine(Frozen):
    """An intervention. `level` and `score` are those at its start, None where the customer had none.

    `next_at` is on the clock's plan.
    """

    id: str
    workflow_id: str
    customer_id: str
    customer: str
    customer_external_id: str
    playbook: str
    level: Level | None
    score: float | None
    owner_id: str | None
    owner: str
    state: InterventionState
    standing: Standing
    started_at: datetime
    paused_at: datetime | None
    paused_until: datetime | None
    pause_reason: str
    held_why: str
    acknowledged_by: str
    acknowledged_at: datetime | None
    response: str
    responded_at: datetime | None
    outcome: str | None
    outcome_why: str
    ended_at: datetime | None
    supersedes: str | None
    next_step: str | None
    next_at: datetime | None


class InterventionFilter(Frozen):
    """Which interventions a list holds; what is not said narrows nothing. `playbook` may have a version."""

    customer: str | None = None
    level: Level | None = None
    playbook: str = ""
    state: InterventionState | None = None
    owner: str | None = None
    family: Family | None = None


def planned_moment(
    row: Intervention, offset: timedelta, now: datetime, deferred: datetime | None = None
) -> datetime:
    """When something at `offset` of the playbook's clock comes, if nothing pauses from now on.

    Where the clock stands still now, it goes on at the end of the pause; in an open-ended one, or while the
    intervention is held, now. A
    signal may pause until any moment: what would come after the calendar's end comes at its end.
    """
    stands = timedelta()
    stopped = [at for at in (row.paused_at if row.paused else None, row.held_at) if at is not None]
    if stopped:
        until = row.paused_until if row.paused else None
        stands = max(until or now, now) - min(stopped)
    planned = row.started_at + min(offset + row.shift + stands, LAST - row.started_at)
    # A step put off has in its moment what the clock has stood still before.
    return planned if deferred is None else max(planned, deferred + min(stands, LAST - deferred))


def interventions(
    session: Session,
    organisation: str,
    now: datetime,
    *,
    level: Level | None = None,
    playbook: str = "",
    state: InterventionState | None = None,
    owner: str | None = None,
    limit: int | None = None,
) -> tuple[InterventionLine, ...]:
    """Open ones first. `playbook` is a name, or name@version.

    Of the open ones those of customers at risk first, by level and score, the worst first; then the
    campaigns. Of the others the newest first.
    """
    wanted = InterventionFilter(level=level, playbook=playbook, state=state, owner=owner)
    return intervention_page(session, organisation, now, wanted, limit=limit).items


def intervention_page(
    session: Session,
    organisation: str,
    now: datetime,
    wanted: InterventionFilter,
    *,
    cursor: str = "",
    limit: int | None = None,
) -> Page[InterventionLine]:
    """A page of the same list. Raises InputError for a cursor of another one."""
    query = select(Intervention).where(Intervention.organisation_id == organisation, *_narrowed(wanted))
    rows, following = page_of(session, query, _order(), cursor=cursor, limit=limit)
    return Page(items=lines_of(session, rows, now), next=following)


def _narrowed(wanted: InterventionFilter) -> list[ColumnElement[bool]]:
    parts: list[ColumnElement[bool]] = []
    if wanted.level is not None:
        parts.append(col(Intervention.level) == wanted.level.value)
    if wanted.playbook:
        name, _, version = wanted.playbook.partition("@")
        parts.append(col(Intervention.playbook) == name)
        if version:
            # More digits than a version has would not fit into the column.
            known = version.isdecimal() and len(version) < MOST_DIGITS
            parts.append(col(Intervention.version) == (int(version) if known else -1))
    for column, value in (
        (Intervention.owner_id, wanted.owner),
        (Intervention.customer_id, wanted.customer),
        (Intervention.family, wanted.family),
    ):
        if value is not None:
            parts.append(col(column) == value)
    match wanted.state:
        case InterventionState.OPEN:
            parts += [col(Intervention.outcome).is_(None), ~col(Intervention.paused)]
        case InterventionState.PAUSED:
            parts += [col(Intervention.outcome).is_(None), col(Intervention.paused).is_(True)]
        case InterventionState.ENDED:
            parts.append(col(Intervention.outcome).is_not(None))
        case None:
            pass
    return parts


def _order() -> tuple[Key, ...]:
    ended = col(Intervention.outcome).is_not(None)
    # Who was never scored comes after everybody else, on both engines.
    severity = case(
        {level.value: -level.severity for level in Level}, value=col(Intervention.level), else_=NO_LEVEL
    )
    return (
        up(case((ended, 1), else_=0), int),
        up(case((ended, 0), else_=case((col(Intervention.family) == "risk", 0), else_=1)), int),
        up(case((ended, 0), else_=severity), int),
        up(case((ended, 0.0), else_=func.coalesce(col(Intervention.score), NO_SCORE)), float),
        down(col(Intervention.started_at), datetime),
        down(col(Intervention.id), str),
    )


def interventions_of(session: Session, customer: str, now: datetime) -> tuple[InterventionLine, ...]:
    """All of a customer's, the newest first."""
    query = (
        select(Intervention)
        .where(Intervention.customer_id == customer)
        .order_by(col(Intervention.started_at).desc(), col(Intervention.id).desc())
    )
    return lines_of(session, list(session.exec(query)), now)


def lines_of(session: Session, rows: list[Intervention], now: datetime) -> tuple[InterventionLine, ...]:
    """The read models of these rows, in their order."""
    customers = customer_names(session, [row.customer_id for row in rows])
    owners = staff_names(session, [row.owner_id for row in rows])
    following = _next_steps(session, [row for row in rows if row.outcome is None], now)
    lines = []
    for row in rows:
        step = following.get(row.id)
        customer = customers[row.customer_id]
        lines.append(
            InterventionLine(
                **row.model_dump(
                    include=set(InterventionLine.model_fields) - {"playbook", "level", "customer"}
                ),
                customer=customer.name,
                customer_external_id=customer.external_id,
                playbook=f"{row.playbook}@{row.version}",
                level=Level(row.level) if row.level is not None else None,
                owner=owners.get(row.owner_id or "", ""),
                state=_state(row),
                standing=_standing(row),
                next_step=step.name if step else None,
                next_at=planned_moment(row, step.offset, now, step.deferred_until) if step else None,
            )
        )
    return tuple(lines)


def _state(row: Intervention) -> InterventionState:
    if row.outcome is not None:
        return InterventionState.ENDED
    return InterventionState.PAUSED if row.paused else InterventionState.OPEN


def _standing(row: Intervention) -> Standing:
    if row.outcome is not None:
        return Standing.ENDED
    if row.paused:
        return Standing.PAUSED
    if row.held_why:
        return Standing.HELD
    if row.responded_at is not None:
        return Standing.ANSWERED
    return Standing.ACKNOWLEDGED if row.acknowledged_by else Standing.OPEN


def _next_steps(session: Session, rows: list[Intervention], now: datetime) -> dict[str, InterventionStep]:
    """The step of each that comes first, of those that still have to run; one put off may come later."""
    known = {row.id: row for row in rows}
    ids, found = list(known), dict[str, list[InterventionStep]]()
    for start in range(0, len(ids), 500):
        query = (
            select(InterventionStep)
            .where(col(InterventionStep.intervention_id).in_(ids[start : start + 500]))
            .where(col(InterventionStep.state).in_(OPEN))
        )
        for step in session.exec(query):
            found.setdefault(step.intervention_id, []).append(step)

    def comes(step: InterventionStep) -> tuple[datetime, int]:
        row = known[step.intervention_id]
        return planned_moment(row, step.offset, now, step.deferred_until), step.position

    return {one: min(steps, key=comes) for one, steps in found.items()}
