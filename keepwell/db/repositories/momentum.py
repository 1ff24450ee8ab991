"""The metrics of the momentum scorecard out of engagement events, written like any other metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import ColumnElement, Float, and_, case, cast, func, select
from sqlmodel import Session

from keepwell.db.repositories.engagement import ACTIVITY, LAUNCH_KIT, ONBOARDING, ONCE, TASK
from keepwell.db.repositories.lookup import found, table
from keepwell.db.repositories.metrics_latest import store_metrics
from keepwell.db.repositories.scorecards import scorecard_in_force
from keepwell.db.repositories.scorecards_beside import cards_beside
from keepwell.db.repositories.scores_read import latest_values
from keepwell.db.repositories.zones import local_midnight, organisation_day
from keepwell.db.tables import Organisation
from scoring.arrays import FloatArray
from scoring.momentum import (
    FEEDBACK_DAYS,
    HIGH_VALUE,
    MOMENTUM_METRICS,
    MONTH_DAYS,
    NO_ACTIVITY,
    WEEK_DAYS,
    Activity,
    momentum_values,
)
from scoring.scorecard import Scorecard

MOMENT = timedelta(microseconds=1)
"""What has happened by now includes what happens now."""

Known = dict[str, tuple[datetime, datetime]]
"""When the first and the newest event of each customer was."""

SIGN = "active_days_7"
"""A scorecard with this metric is one of momentum, whatever it is called."""


def momentum_card(session: Session, organisation: str, now: datetime) -> Scorecard | None:
    """The scorecard that takes its metrics from engagement events: the one in force, or one beside it."""
    row = found(session, Organisation, organisation, "organisation")
    _, card = scorecard_in_force(session, row, None, now)
    cards = (card, *(beside for _, beside in cards_beside(session, row, now)))
    return next((one for one in cards if SIGN in one.metric_names), None)


@dataclass(frozen=True, slots=True)
class _Window:
    """The time that figures are counted over, up to `end` and without it, on the clock of a zone."""

    end: datetime
    zone: ZoneInfo

    def ago(self, days: int) -> datetime:
        """The same time of the clock on the wall so many days before; after a change of the clocks, too."""
        return (self.end.astimezone(self.zone) - timedelta(days=days)).astimezone(UTC)

    def week(self) -> list[datetime]:
        """The borders of the calendar's days in the last 7 days, with both ends: 8 or 9 moments, rising."""
        begin = self.ago(WEEK_DAYS)
        first = begin.astimezone(self.zone).date()
        days = (first + timedelta(days=number) for number in range(1, WEEK_DAYS + 1))
        midnights = (datetime.combine(day, time(), self.zone).astimezone(UTC) for day in days)
        return [begin, *(one for one in midnights if begin < one < self.end), self.end]

    def days_since(self, moment: datetime) -> float:
        """Days on the clock on the wall, by which a day has 24 hours also when the clocks change."""
        wall = [at.astimezone(self.zone).replace(tzinfo=None) for at in (self.end, moment)]
        return (wall[0] - wall[1]) / timedelta(days=1)


def write_day(
    session: Session,
    card: Scorecard,
    customers: Sequence[str],
    midnight: datetime,
    zone: str,
    received_at: datetime,
) -> int:
    """Write the figures of the day that begins at `midnight`, as of then; how many customers had one.

    Values that have not changed are written, too: they would grow too old. Of customers who never had an
    event nothing is known, and nothing is written.
    """
    known = _known(session, customers)
    records = _records(session, card, known, _Window(midnight, ZoneInfo(zone)), midnight, received_at)
    store_metrics(session, records)
    return len({record["customer_id"] for record in records})


def write_after_events(session: Session, organisation: str, customers: Sequence[str], now: datetime) -> None:
    """Write anew the figures that events which have just come in have changed, where a scorecard takes them.

    Whose newest event is of today has figures as of now. Whoever has brought older events alone has those of
    the day's beginning: when a file of them is read must not make a customer look more silent than it was.
    """
    card = momentum_card(session, organisation, now)
    if card is None:
        return
    home = session.get_one(Organisation, organisation)
    midnight = local_midnight(organisation_day(now, home.time_zone, home.key), home.time_zone)
    known = _known(session, customers)
    today = {customer: moments for customer, moments in known.items() if moments[1] >= midnight}
    before = {customer: moments for customer, moments in known.items() if customer not in today}
    zone = ZoneInfo(home.time_zone)
    for theirs, as_of, end in ((before, midnight, midnight), (today, now, now + MOMENT)):
        records = _records(session, card, theirs, _Window(end, zone), as_of, now)
        store_metrics(session, _changed(session, records, as_of))


def _records(
    session: Session,
    card: Scorecard,
    known: Known,
    window: _Window,
    as_of: datetime,
    received_at: datetime,
) -> list[dict[str, Any]]:
    """The metrics of customers as of a moment, of those that the scorecard takes and that are known."""
    names = [name for name in MOMENTUM_METRICS if name in card.metric_names]
    if not known or not names:
        return []
    ids = sorted(known)
    values = momentum_values(_activity(session, ids, known, window))
    values = values[:, [MOMENTUM_METRICS.index(name) for name in names]]
    return [
        {
            "customer_id": ids[row],
            "name": names[column],
            "measured_at": as_of,
            "value": float(values[row, column]),
            "received_at": received_at,
        }
        for row, column in np.argwhere(np.isfinite(values)).tolist()
    ]


def _changed(session: Session, records: Sequence[dict[str, Any]], as_of: datetime) -> list[dict[str, Any]]:
    """Of values to be written, those that are not the newest that are stored already."""
    ids = sorted({record["customer_id"] for record in records})
    if not ids:
        return []
    own = table("customer").c.id
    query = select(own).where(own.in_(ids)).order_by(own)
    latest = latest_values(session, query, MOMENTUM_METRICS, as_of)
    place = {customer: row for row, customer in enumerate(latest.customers)}
    column = {name: number for number, name in enumerate(MOMENTUM_METRICS)}
    return [
        record
        for record in records
        if latest.values[place[record["customer_id"]], column[record["name"]]] != record["value"]
    ]


def _known(session: Session, customers: Sequence[str]) -> Known:
    """When the first and the newest event of each customer was; those who never had one are missing."""
    watch = table("watch").c
    query = select(watch.customer_id, watch.first_at, watch.last_at).where(
        watch.customer_id.in_(customers), watch.what == ACTIVITY
    )
    return {customer: (first, last) for customer, first, last in session.connection().execute(query)}


def _activity(session: Session, ids: Sequence[str], known: Known, window: _Window) -> Activity:
    counts = {row.customer_id: row for row in _counts(session, ids, window)}
    marks = {row.customer_id: row for row in _marks(session, ids)}
    feedback = _feedback(session, ids, window)

    def column(rows: dict[str, Any], name: str) -> FloatArray:
        counted = (getattr(rows[one], name) if one in rows else 0 for one in ids)
        return np.array([float(value or 0) for value in counted])

    return Activity(
        active_days=column(counts, "active_days"),
        events=column(counts, "events"),
        events_before=column(counts, "events_before"),
        high_value=column(counts, "high_value"),
        content=column(counts, "content"),
        visuals=column(counts, "visuals"),
        tasks=column(marks, "tasks"),
        tasks_done=column(marks, "tasks_done"),
        launch_kit=column(marks, "launch_kit") > 0,
        feedback=np.array([feedback.get(one, np.nan) for one in ids]),
        known_days=np.array([window.days_since(known[one][0]) for one in ids]),
    )


def _counts(session: Session, ids: Sequence[str], window: _Window) -> list[Any]:
    """Events of the last 30 days, counted by the database: one row a customer."""
    event = table("engagement_event").c
    week, before = window.ago(WEEK_DAYS), window.ago(2 * WEEK_DAYS)
    active = event.kind.not_in(NO_ACTIVITY)

    def number(*conditions: ColumnElement[bool]) -> ColumnElement[Any]:
        return func.sum(case((and_(*conditions), 1), else_=0))

    # A day counts once, however much happened in it: one maximum for each.
    active_days: ColumnElement[Any] = sum(
        (
            func.max(case((and_(active, event.at >= begin, event.at < end), 1), else_=0))
            for begin, end in pairwise(window.week())
        ),
        start=cast(0, Float),
    )
    query = (
        select(
            event.customer_id,
            active_days.label("active_days"),
            number(active, event.at >= week).label("events"),
            number(active, event.at >= before, event.at < week).label("events_before"),
            number(event.kind.in_(HIGH_VALUE), event.at >= week).label("high_value"),
            number(event.kind == "content_generated").label("content"),
            number(event.kind == "visual_created").label("visuals"),
        )
        .where(event.customer_id.in_(ids))
        .where(event.at >= window.ago(MONTH_DAYS), event.at < window.end)
        .group_by(event.customer_id)
    )
    return list(session.connection().execute(query))


def _marks(session: Session, ids: Sequence[str]) -> list[Any]:
    """Onboarding tasks, and whether the launch kit was opened."""
    watch = table("watch").c
    task = and_(watch.what == TASK, watch.detail == ONBOARDING)
    kit = and_(watch.what == ONCE, watch.name == LAUNCH_KIT)
    query = (
        select(
            watch.customer_id,
            func.sum(case((task, 1), else_=0)).label("tasks"),
            func.sum(case((and_(task, watch.done), 1), else_=0)).label("tasks_done"),
            func.sum(case((kit, 1), else_=0)).label("launch_kit"),
        )
        .where(watch.customer_id.in_(ids), watch.what.in_((TASK, ONCE)))
        .group_by(watch.customer_id)
    )
    return list(session.connection().execute(query))


def _feedback(session: Session, ids: Sequence[str], window: _Window) -> dict[str, float]:
    """The mean of the feedback of the last 180 days."""
    event = table("engagement_event").c
    query = select(event.customer_id, event.data).where(
        event.customer_id.in_(ids),
        event.kind == "feedback_given",
        event.at >= window.ago(FEEDBACK_DAYS),
        event.at < window.end,
    )
    given: dict[str, list[float]] = {}
    for customer, data in session.connection().execute(query):
        if isinstance(data.get("score"), int | float):
            given.setdefault(customer, []).append(float(data["score"]))
    return {customer: sum(scores) / len(scores) for customer, scores in given.items()}
