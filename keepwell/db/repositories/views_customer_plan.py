"""What the open interventions of a customer will do next, dated as the gate lets it through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from keepwell.contracts.delivery import DeliveryState
from keepwell.contracts.drafts import DraftState
from keepwell.contracts.intervention import StepState
from keepwell.contracts.offers import OPEN_OFFER, OfferState
from keepwell.contracts.playbook import Playbook
from keepwell.db.repositories.lookup import found
from keepwell.db.repositories.views_ahead import Coming, Outlook
from keepwell.db.repositories.views_customer_lines import (
    Cancelled,
    CustomerPlan,
    HistoryLine,
    LineKind,
    OfferTold,
    PlanOfOne,
)
from keepwell.db.repositories.views_customer_told import offers_of
from keepwell.db.repositories.views_interventions import LAST, InterventionLine, lines_of
from keepwell.db.repositories.views_outlines import (
    CustomerOutline,
    customer_in,
    running,
    stands_still,
)
from keepwell.db.repositories.views_people import People
from keepwell.db.repositories.views_timeline import (
    DeliveryLine,
    TimelineLine,
    delivery_lines,
    lines_ahead,
    step_words,
)
from keepwell.db.tables import Delivery, Draft, Intervention, InterventionStep, Organisation
from keepwell.moments import minute_words

LOOKED_AHEAD = timedelta(days=60)
"""So far it is asked who is away."""

KINDS = {
    "send": LineKind.MESSAGE,
    "task": LineKind.TASK,
    "escalate": LineKind.TASK,
    "offer": LineKind.OFFER,
}
FAMILIES = ("risk", "expansion", "event")


def customer_plan(session: Session, organisation: str, customer: str, now: datetime) -> CustomerPlan:
    """What the open interventions of a customer will do next.

    Raises NotFoundError where the organisation has no such customer.
    """
    row = customer_in(session, organisation, customer)
    home = found(session, Organisation, organisation, "organisation")
    runs = running(session, organisation, customer=customer)
    if not runs:
        return CustomerPlan(interventions=(), lines=())
    runs.sort(key=lambda run: FAMILIES.index(run.family))
    owners = {run.owner_id for run in runs if run.owner_id}
    people = People(session, home, now, now + LOOKED_AHEAD, owners=owners)
    outlook = Outlook(session, home, now, LAST, people)
    customers = {customer: CustomerOutline(*(getattr(row, name) for name in CustomerOutline._fields))}
    beside = _beside(session, runs, now)
    plans = tuple(_plan(session, home, run, outlook, customers, beside, now) for run in runs)
    lines = sorted((line for plan in plans for line in plan.lines), key=lambda line: (line.at, line.id))
    return CustomerPlan(interventions=plans, lines=tuple(lines))


@dataclass(frozen=True, slots=True)
class _Beside:
    """What is read for all the interventions at once: steps, offers and lines by intervention, messages and
    drafts by intervention and step."""

    steps: Mapping[str, Sequence[InterventionStep]]
    messages: Mapping[tuple[str, str], DeliveryLine]
    drafts: Mapping[tuple[str, str], str]
    offers: Mapping[str, OfferTold]
    lines: Mapping[str, InterventionLine]


def _beside(session: Session, runs: list[Intervention], now: datetime) -> _Beside:
    ids = [run.id for run in runs]
    query = select(InterventionStep).where(col(InterventionStep.intervention_id).in_(ids))
    steps: dict[str, list[InterventionStep]] = {one: [] for one in ids}
    for row in session.exec(query.order_by(col(InterventionStep.position))):
        steps[row.intervention_id].append(row)
    return _Beside(
        steps=steps,
        messages=_messages(session, ids),
        drafts=_drafts(session, ids),
        offers=offers_of(session, ids),
        lines={line.id: line for line in lines_of(session, runs, now)},
    )


def _plan(
    session: Session,
    home: Organisation,
    run: Intervention,
    outlook: Outlook,
    customers: Mapping[str, CustomerOutline],
    beside: _Beside,
    now: datetime,
) -> PlanOfOne:
    still, coming = stands_still(run), outlook.coming([run], customers)
    steps = beside.steps[run.id]
    ends = lines_ahead(session, run, outlook.playbook(run), steps, now)
    lines = [
        *(_of_step(one, beside) for one in coming),
        *(_of_plan(run, line) for line in ends),
        *_offer_ends(run, beside.offers.get(run.id)),
    ]
    lines.sort(key=lambda line: (line.at, line.id))
    return PlanOfOne(
        intervention=beside.lines[run.id],
        stands=still or _pause_words(run, home.time_zone),
        dated=not still,
        waiting=tuple(
            f"{one.name}: {one.why}" for one in coming if one.state == StepState.DEFERRED and one.why
        ),
        lines=tuple(lines),
        cancelled=_cancelled(outlook.playbook(run), steps),
    )


def _cancelled(playbook: Playbook, steps: Sequence[InterventionStep]) -> tuple[Cancelled, ...]:
    """The cancelled steps, those with the same reason together."""
    titles = {step.name: step_words(step) for step in playbook.all_steps}
    found: dict[str, list[InterventionStep]] = {}
    for row in steps:
        if row.state == StepState.CANCELLED:
            found.setdefault(row.why, []).append(row)
    return tuple(
        Cancelled(at=rows[0].at, why=why, titles=tuple(titles.get(row.name, row.name) for row in rows))
        for why, rows in found.items()
    )


def _pause_words(run: Intervention, zone: str) -> str:
    if not run.paused or run.paused_until is None:
        return ""
    reason = f": {run.pause_reason}" if run.pause_reason else ""
    return f"paused until {minute_words(run.paused_until, zone)}{reason}"


def _of_step(one: Coming, beside: _Beside) -> HistoryLine:
    own = one.run.id, one.name
    title = step_words(one.step) if one.step is not None else one.kind
    why = one.step.why if one.step is not None else one.why
    whom = f" ({one.reaches.name})" if one.reaches is not None else ""
    return _line(
        one.run,
        id=f"step:{one.run.id}/{one.name}",
        at=one.at,
        kind=KINDS.get(one.kind, LineKind.INTERVENTION),
        event=one.kind,
        title=f"{title}{whom}",
        why=why,
        step=one.name,
        state=one.state,
        message=beside.messages.get(own),
        draft=beside.drafts.get(own),
        moved_why=one.moved_why,
        hindered=one.hindered,
    )


def _of_plan(run: Intervention, line: TimelineLine) -> HistoryLine:
    return _line(
        run,
        id=f"{line.kind}:{run.id}",
        at=line.at,
        kind=LineKind.INTERVENTION,
        event=line.kind,
        title=line.title,
        why=line.why,
        state=line.state,
    )


def _offer_ends(run: Intervention, offer: OfferTold | None) -> list[HistoryLine]:
    if offer is None or offer.state not in OPEN_OFFER:
        return []
    title = f"the offer ends, if nobody decides: {', '.join(offer.options)}"
    why = "the customer has seen it" if offer.state is OfferState.SEEN else "the customer has not seen it yet"
    return [
        _line(
            run,
            id=f"offer:{offer.id}",
            at=offer.valid_until,
            kind=LineKind.OFFER,
            event="offer_ends",
            title=title,
            why=why,
            state=offer.state.value,
            offer=offer,
        )
    ]


def _line(run: Intervention, **fields: Any) -> HistoryLine:
    label = f"{run.playbook}@{run.version}"
    own = {"intervention": run.id, "playbook": label, "workflow_id": run.workflow_id}
    return HistoryLine(planned=True, **own, **fields)


def _messages(session: Session, runs: Sequence[str]) -> dict[tuple[str, str], DeliveryLine]:
    """The messages of steps that have been put off or wait for somebody's word, by intervention and step."""
    waiting = (DeliveryState.DEFERRED.value, DeliveryState.DRAFT.value)
    query = select(Delivery).where(col(Delivery.intervention_id).in_(runs), col(Delivery.state).in_(waiting))
    rows = session.exec(query.order_by(col(Delivery.planned_at))).all()
    return {
        (row.intervention_id, row.step): line
        for row, line in zip(rows, delivery_lines(session, rows), strict=True)
    }


def _drafts(session: Session, runs: Sequence[str]) -> dict[tuple[str, str], str]:
    query = select(Draft.intervention_id, Draft.step, Draft.id).where(
        col(Draft.intervention_id).in_(runs), Draft.state == DraftState.WAITING.value
    )
    return {(run, step): own for run, step, own in session.exec(query).all()}
