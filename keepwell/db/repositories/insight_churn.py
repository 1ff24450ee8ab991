"""What speaks for a customer leaving: the signs of the rule of thumb, and the churn model's prediction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlmodel import Session, col

from keepwell.contracts.intervention import Outcome
from keepwell.db.repositories.directory import NOT_REACHED
from keepwell.db.repositories.scores_read import Latest, latest_at
from keepwell.db.repositories.zones import local_day
from keepwell.db.tables import Customer, Delivery, EngagementEvent, Intervention, Organisation
from scoring.churn_risk import ChurnRisk, Figure, Observation, churn_risk
from scoring.churn_signs import COMPARED_DAYS, EVENT_DAYS, EVENT_FAMILIES, READINGS, SIGN_METRICS, Reads
from scoring.scorecard import Scorecard

_KINDS = sorted(kind for family in EVENT_FAMILIES for kind in family)
_ANSWERED = tuple(one.value for one in (Outcome.RESPONDED, Outcome.ACCEPTED, Outcome.CONVERTED))
_VALUES = {one.what: one.unit for one in READINGS if one.reads is Reads.VALUE}


def churn_signs(
    session: Session, organisation: Organisation, customer: Customer, card: Scorecard | None, now: datetime
) -> ChurnRisk:
    """The rule-of-thumb figure for one customer as of a moment, with the reason for every part of it.

    `card` is the scorecard in force: its ranges decide which values are usable, and a metric that it has in
    another unit than a sign reads means something else.
    """
    names = _readable(card)
    moments = (now, now - timedelta(days=COMPARED_DAYS))
    at_now, before = latest_at(session, customer.id, names, moments)
    renews_on = customer.renews_on
    today = local_day(now, customer.time_zone, organisation.time_zone)
    return churn_risk(
        Observation(
            now=_figures(at_now, names, card),
            earlier=_figures(before, names, card),
            events=_events(session, customer.id, now),
            days_to_renewal=None if renews_on is None else float((renews_on - today).days),
        )
    )


def _readable(card: Scorecard | None) -> tuple[str, ...]:
    units = {} if card is None else {metric.name: metric.unit for metric in card.metrics}
    return tuple(
        name
        for name in SIGN_METRICS
        if name not in _VALUES or units.get(name, _VALUES[name]) is _VALUES[name]
    )


def _figures(latest: Latest, names: Sequence[str], card: Scorecard | None) -> dict[str, Figure]:
    ranges = (
        {} if card is None else {metric.name: (metric.minimum, metric.maximum) for metric in card.metrics}
    )
    found = {}
    for column, name in enumerate(names):
        value = float(latest.values[0, column])
        least, most = ranges.get(name, (None, None))
        if (least is None or value >= least) and (most is None or value <= most):
            found[name] = Figure(value, float(latest.ages[0, column]))
    return found


def _events(session: Session, customer: str, now: datetime) -> dict[str, int]:
    """Events of the last 90 days by kind, and playbooks that reached a contact and ended in that time."""
    since = now - timedelta(days=EVENT_DAYS)
    connection = session.connection()
    query = (
        select(col(EngagementEvent.kind), func.count())
        .where(col(EngagementEvent.customer_id) == customer)
        .where(col(EngagementEvent.at) > since, col(EngagementEvent.at) <= now)
        .where(col(EngagementEvent.kind).in_(_KINDS))
        .group_by(col(EngagementEvent.kind))
    )
    counted = {kind: int(number) for kind, number in connection.execute(query)}
    reached = (
        select(col(Delivery.key))
        .where(col(Delivery.intervention_id) == col(Intervention.id))
        .where(col(Delivery.recipient_kind) == "contact")
        .where(col(Delivery.state).not_in([state.value for state in NOT_REACHED]))
        .exists()
    )
    ended = (
        select(col(Intervention.outcome), col(Intervention.responded_at).is_not(None), func.count())
        .where(col(Intervention.customer_id) == customer, reached)
        .where(col(Intervention.ended_at) > since, col(Intervention.ended_at) <= now)
        .group_by(col(Intervention.outcome), col(Intervention.responded_at).is_not(None))
    )
    for outcome, responded, number in connection.execute(ended):
        # One that was taken over, stopped or needless by recovery did not wait for its answer to the end.
        if responded or outcome in _ANSWERED:
            counted["playbook_answered"] = counted.get("playbook_answered", 0) + int(number)
        elif outcome == Outcome.COMPLETED.value:
            counted["playbook_unanswered"] = counted.get("playbook_unanswered", 0) + int(number)
    return counted
