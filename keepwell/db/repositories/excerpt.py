"""What a rehearsal of one customer reads, as rows: enough for scores, messages and tasks to be the real ones.

Bounded: of the other customers only those a comparison may name, and of them the last values alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlmodel import Session, col

from keepwell.contracts.alerts import LIVE_ALERTS
from keepwell.contracts.drafts import Mode
from keepwell.db.repositories.growth import YEAR
from keepwell.db.repositories.lookup import found, table
from keepwell.db.repositories.peers import LEAST_CLIMB, STORY, similar_to
from keepwell.db.repositories.scorecards import DEFAULT, scorecard_by_hash
from keepwell.db.repositories.scores_read import latest_rows
from keepwell.db.repositories.suppressing import same
from keepwell.db.tables import Customer, Organisation, Staff
from scoring.load import builtin, builtin_names
from scoring.signal import Signal

Plain = dict[str, Any]
Excerpt = dict[str, list[Plain]]

HISTORY = timedelta(days=400)
"""How far back the customer's own figures and scores go: what messages show of the past is 120 days."""


def excerpt_of(
    session: Session,
    customer: str,
    now: datetime,
    templates: Sequence[str] = (),
    signal: Signal | None = None,
) -> Excerpt:
    """Rows by the names of their tables, in an order in which they can be inserted.

    `templates` are the hashes of pinned templates to take along. `signal` is the one a campaign is for:
    messages of it say how many others upgraded. Interventions and what belongs to them stay behind: a
    rehearsal asks what would happen if nothing stood in its way.

    Raises:
        NotFoundError: the customer is unknown.
    """
    row = found(session, Customer, customer, "customer")
    organisation = found(session, Organisation, row.organisation_id, "organisation")
    alike = similar_to(session, row)
    similar = alike[1] if alike is not None else []
    upgraded = _upgrades(row, signal, now)
    who_upgraded = select(table("opportunity").c.customer_id).where(*upgraded)
    health = _rows(session, "health", table("health").c.customer_id == customer)
    others_health = _rows(session, "health", table("health").c.customer_id.in_(who_upgraded))
    # Messages compare as of the last score, which may be some days old.
    since = min([now, *(one["scored_at"] for one in health)])
    scores = _each_once(
        *_scores(session, customer, now - HISTORY),
        *_peer_scores(session, similar, since - STORY),
        *_standing_scores(session, who_upgraded),
    )
    cards = {organisation.scorecard or DEFAULT, *(score["scorecard"] for score in scores)}
    names = _metric_names(session, cards)
    tasks = _open_tasks(session, row)
    contacts = _rows(session, "contact", table("contact").c.customer_id == customer)
    known, rows = {customer, *similar, *(task["customer_id"] for task in tasks)}, table("customer").c
    return {
        **_house(session, organisation.id),
        "customer": _rows(session, "customer", rows.id.in_(known) | rows.id.in_(who_upgraded)),
        "contact": contacts,
        **_wishes(session, contacts),
        "scorecard": _rows(session, "scorecard", table("scorecard").c.hash.in_(cards)),
        "metric": _metrics(session, customer, similar, names, since, now),
        "score": [{**score, "run_id": None} for score in scores],
        "health": [*health, *others_health],
        "opportunity": [{**one, **_UNTOLD} for one in _rows(session, "opportunity", *upgraded)],
        "alert": [{**one, **_UNDECIDED} for one in _alerts(session, customer)],
        "task": tasks,
        "template": _rows(session, "template", table("template").c.hash.in_(templates)),
    }


def _house(session: Session, organisation: str) -> Excerpt:
    """The organisation with its people, days and rules."""
    return {
        "organisation": _automatic(session, organisation),
        **{
            name: _rows(session, name, table(name).c.organisation_id == organisation)
            for name in ("closed_day", "staff", "absence", "alert_rule")
        },
    }


def _metrics(
    session: Session,
    customer: str,
    similar: Sequence[str],
    names: Sequence[str],
    since: datetime,
    now: datetime,
) -> list[Plain]:
    """The customer's own values with their past, and of customers like it as much as is compared."""
    climbing = _climbing(session, similar, since - STORY)
    others = [one for one in similar if one not in climbing]
    return [
        *_metrics_since(session, [customer], names, now - HISTORY),
        *_metrics_since(session, climbing, names, since - STORY),
        *_metrics_since(session, others, names, since),
    ]


def _automatic(session: Session, organisation: str) -> list[Plain]:
    """The organisation. A rehearsal shows every message: nobody is there who could approve it."""
    rows = _rows(session, "organisation", table("organisation").c.id == organisation)
    return [{**row, "new_playbooks": Mode.AUTOMATIC.value} for row in rows]


def _wishes(session: Session, contacts: Sequence[Plain]) -> Excerpt:
    """What keeps these contacts from hearing of something."""
    said, closed = table("contact_preference").c, table("suppression").c
    addresses = {same(one["email"]) for one in contacts}
    organisations = {one["organisation_id"] for one in contacts}
    return {
        "contact_preference": _rows(
            session, "contact_preference", said.contact_id.in_([one["id"] for one in contacts])
        ),
        "suppression": _rows(
            session, "suppression", closed.organisation_id.in_(organisations), closed.address.in_(addresses)
        ),
    }


def _rows(session: Session, name: str, *where: ColumnElement[bool]) -> list[Plain]:
    rows = session.connection().execute(select(table(name)).where(*where))
    return [dict(row) for row in rows.mappings()]


def _scores(session: Session, customer: str, since: datetime) -> list[Plain]:
    """The customer's scores, and the one it stands on however old that is."""
    score, health = table("score").c, table("health").c
    standing = select(health.score_id).where(health.customer_id == customer).scalar_subquery()
    recent = (score.customer_id == customer) & (score.scored_at >= since)
    return _rows(session, "score", recent | (score.id == standing))


def _peer_scores(session: Session, similar: Sequence[str], since: datetime) -> list[Plain]:
    score = table("score").c
    return _rows(session, "score", score.customer_id.in_(similar), score.scored_at >= since)


def _metric_names(session: Session, cards: set[str]) -> tuple[str, ...]:
    """The metrics of the scorecards; a built-in one that was never used is not in the store yet."""
    found_cards = [
        builtin(card) if card in builtin_names() else scorecard_by_hash(session, card)
        for card in sorted(cards)
    ]
    return tuple(dict.fromkeys(name for card in found_cards for name in card.metric_names))


def _climbing(session: Session, similar: Sequence[str], since: datetime) -> list[str]:
    """Those whose way up may be told: their past counts as well as their last values."""
    score = table("score").c
    query = (
        select(score.customer_id)
        .where(score.customer_id.in_(similar), score.scored_at >= since)
        .group_by(score.customer_id)
        .having(func.max(score.score) - func.min(score.score) >= LEAST_CLIMB)
    )
    return list(session.connection().execute(query).scalars())


def _ids(customers: Sequence[str]) -> Select[str]:
    return select(col(Customer.id)).where(col(Customer.id).in_(customers)).order_by(col(Customer.id))


def _metrics_since(
    session: Session, customers: Sequence[str], names: Sequence[str], since: datetime
) -> list[Plain]:
    """All values since a moment, and of each metric the last one before it."""
    metric = table("metric").c
    rows = _rows(session, "metric", metric.customer_id.in_(customers), metric.measured_at > since)
    return [*_latest(session, customers, names, since), *rows]


def _latest(session: Session, customers: Sequence[str], names: Sequence[str], at: datetime) -> list[Plain]:
    if not customers:
        return []
    rows = session.connection().execute(latest_rows(_ids(customers), names, at))
    return [
        {
            "customer_id": customer,
            "name": name,
            "value": value,
            "measured_at": measured_at,
            "received_at": measured_at,
        }
        for customer, name, value, measured_at in rows
        if value is not None
    ]


_UNTOLD: Plain = {"words": "", "evidence": {}, "reason": "", "intervention_id": None}
"""Others' opportunities are counted, and nothing of them is told."""


_UNDECIDED: Plain = {"decision": None, "reason": "", "decided_at": None, "intervention_id": None}
"""What an alert has led to stays behind with the interventions."""


def _alerts(session: Session, customer: str) -> list[Plain]:
    """The customer's alerts whose cause is still there: an event playbook begins with their figures."""
    rows = table("alert").c
    return _rows(session, "alert", rows.customer_id == customer, rows.state.in_(LIVE_ALERTS))


def _upgrades(customer: Customer, signal: Signal | None, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Which opportunities of others led to an upgrade after this signal in the last year; none for none."""
    rows = table("opportunity").c
    return (
        rows.organisation_id == customer.organisation_id,
        rows.customer_id != customer.id,
        rows.signal == (signal.value if signal is not None else ""),
        rows.state == "converted",
        rows.closed_at >= now - YEAR,
    )


def _standing_scores(session: Session, customers: Select[str]) -> list[Plain]:
    """The scores that customers stand on."""
    health = table("health").c
    standing = select(health.score_id).where(health.customer_id.in_(customers))
    return _rows(session, "score", table("score").c.id.in_(standing))


def _each_once(*rows: Plain) -> list[Plain]:
    return list({row["id"]: row for row in rows}.values())


def _open_tasks(session: Session, customer: Customer) -> list[Plain]:
    """The open tasks of the staff, without their words, where somebody has yet to be found for the customer.

    They say whose load is least. With them come the rows of their customers, which tasks refer to.
    """
    owner = session.get(Staff, customer.owner_id) if customer.owner_id else None
    if owner is not None and owner.active:
        return []
    task = table("task").c
    rows = _rows(session, "task", task.organisation_id == customer.organisation_id, task.state == "open")
    blank = {"intervention_id": None, "title": "", "detail": "", "note": ""}
    return [{**row, **blank} for row in rows]
