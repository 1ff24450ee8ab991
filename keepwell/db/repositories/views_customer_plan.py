"""What the open interventions of a customer will do next, dated as the gate lets it through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    PlanOfOne,
)
from keepwell.db.repositories.views_customer_told import offers_of
from keepwell.db.repositories.views_interventions import LAST, lines_of
from keepwell.db.repositories.views_outlines import (
    CustomerOutline,
    customer_in,
    customers_of,
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
    customer_in(session, organisation, customer)
    home = found(session, Organisation, organisation, "organisation")
    runs = running(session, organisation, customer=customer)
    runs.sort(key=lambda run: FAMILIES.index(run.family))
    outlook = Outlook(session, home, now, LAST, People(session, home, now, now + LOOKED_AHEAD))
    customers = customers_of(session, [customer])
    plans = tuple(_plan(session, home, run, outlook, customers, now) for run in runs)
    lines = sorted((line for plan in plans for line in plan.lines), key=lambda line: (line.at, line.id))
    return CustomerPlan(interventions=plans, lines=tuple(lines))


def _plan(
    session: Session,
    home: Organisation,
    run: Intervention,
    outlook: Outlook,
    customers: Mapping[str, CustomerOutline],
    now: datetime,
) -> PlanOfOne:
    still, coming = stands_still(run), outlook.coming([run], customers)
    messages, drafts = _messages(session, run.id), _drafts(session, run.id)
    query = select(InterventionStep).where(InterventionStep.intervention_id == run.id)
    steps = session.exec(query.order_by(col(InterventionStep.position))).all()
    ends = lines_ahead(session, run, outlook.playbook(run), steps, now)
    lines = [
        *(_of_step(one, messages.get(one.name), drafts.get(one.name)) for one in coming),
        *(_of_plan(run, line) for line in ends),
        *_offer_ends(session, run),
    ]
    lines.sort(key=lambda line: (line.at, line.id))
    return PlanOfOne(
        intervention=lines_of(session, [run], now)[0],
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


def _of_step(one: Coming, message: DeliveryLine | None, draft: str | None) -> HistoryLine:
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
        message=message,
        draft=draft,
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


def _offer_ends(session: Session, run: Intervention) -> list[HistoryLine]:
    offer = offers_of(session, [run.id]).get(run.id)
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


def _messages(session: Session, run: str) -> dict[str, DeliveryLine]:
    """The messages of steps that have been put off or wait for somebody's word, by step."""
    waiting = (DeliveryState.DEFERRED.value, DeliveryState.DRAFT.value)
    query = select(Delivery).where(Delivery.intervention_id == run, col(Delivery.state).in_(waiting))
    rows = session.exec(query.order_by(col(Delivery.planned_at))).all()
    return {row.step: line for row, line in zip(rows, delivery_lines(session, rows), strict=True)}


def _drafts(session: Session, run: str) -> dict[str, str]:
    query = select(Draft.step, Draft.id).where(
        Draft.intervention_id == run, Draft.state == DraftState.WAITING.value
    )
    return dict(session.exec(query).all())
