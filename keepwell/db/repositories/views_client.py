"""A customer's own success page: its score in its own words, what it did in 30 days, and insights."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache
from math import ceil
from typing import Any, Literal

import numpy as np
from sqlmodel import Session

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.client_insights import InsightLine, insights, unread_insights
from keepwell.db.repositories.lookup import found
from keepwell.db.repositories.scorecards_beside import cards_beside
from keepwell.db.repositories.scores_read import latest_of
from keepwell.db.repositories.views_customer_sources import active_days
from keepwell.db.repositories.views_outlines import customer_in
from keepwell.db.repositories.zones import first_zone, local_day
from keepwell.db.tables import Customer, Organisation
from scoring.kernel import Scores, score_many
from scoring.load import builtin
from scoring.momentum import NO_ACTIVITY
from scoring.scorecard import Scorecard

MOMENTUM = "momentum"
"""The scorecard of a customer's own page: all of it is counted from what the customer itself did. That of the
staff is not told to customers (ADR 0013)."""

DAY, WEEK = timedelta(days=1), timedelta(days=7)
DAYS = 30
SHADES = 4

RANGES = {
    "Excellent": "You are getting a lot out of it. Keep going.",
    "Good": "You are well on your way.",
    "Needs attention": "There is more in it for you: the parts below show where.",
    "At risk": "It has been quiet lately. We are glad to help you pick it up again.",
}
"""What a range says to the customer; a scorecard's own action is for staff."""

COMPONENTS = {
    "engagement": "How often you come by, and what you get done.",
    "activation": "How far the set-up has come.",
    "progress": "What you have made in the last 30 days.",
    "satisfaction": "What you told us in your feedback.",
    "momentum": "This week compared with the week before.",
}

ClientTrend = Literal["rising", "stable", "declining", "unknown"]


class ClientComponent(Frozen):
    """A part of the score: points 0 to 100 and weight in percent.

    `measured` is False where the points are a default because nothing was measured of it yet (satisfaction
    before the first feedback); points are None where there is neither. `words` say what it counts.
    """

    name: str
    title: str
    points: float | None
    weight: float
    measured: bool
    words: str


class ClientScore(Frozen):
    """The score, 0 to 100, or None with `why` in a sentence where too little is known.

    `range` is the name of its range: Excellent, Good, Needs attention, At risk; `range_key` the same as a
    key (excellent, good, needs_attention, at_risk), "" where there is no score. `change` is the difference to
    `before`, the score at `before_on` about a week earlier; the trend goes by five points of it.
    """

    score: float | None
    why: str = ""
    range: str = ""
    range_key: str = ""
    words: str = ""
    at: datetime | None
    trend: ClientTrend = "unknown"
    change: float | None = None
    before: float | None = None
    before_on: date | None = None
    components: tuple[ClientComponent, ...] = ()


class ActivityDay(Frozen):
    """What the customer did on a day of its own time zone; `level` is 0 (nothing) to 4 (its busiest days)."""

    day: date
    count: int
    level: int


class Activity(Frozen):
    """The last 30 days with today, oldest first. `average` is events a day over all of them."""

    zone: str
    days: tuple[ActivityDay, ...]
    total: int
    active_days: int
    average: float
    most: int


class ClientSuccess(Frozen):
    """All of a customer's own page but the notification feed, which is a contact's (`feed.feed_page`)."""

    customer_id: str
    customer: str
    product: str
    score: ClientScore
    activity: Activity
    insights: tuple[InsightLine, ...]
    unread: int


def client_success(session: Session, organisation: str, customer: str, now: datetime) -> ClientSuccess:
    """A customer's own page. Raises NotFoundError where the organisation has no such customer."""
    row = customer_in(session, organisation, customer)
    home = found(session, Organisation, organisation, "organisation")
    return ClientSuccess(
        customer_id=row.id,
        customer=row.name,
        product=home.product,
        score=_score(session, home, row, now),
        activity=_activity(session, row, first_zone(row.time_zone, home.time_zone), now),
        insights=insights(session, organisation, customer, now),
        unread=unread_insights(session, organisation, customer, now),
    )


def _score(session: Session, home: Organisation, row: Customer, now: datetime) -> ClientScore:
    """The momentum score of what is known now, and of what was known a week before."""
    card = _card(session, home, now)
    figures = score_many(card, *_vectors(session, card, row.id, now, now - WEEK))
    score, before = (None if np.isnan(one) else round(float(one), 1) for one in figures.score)
    components = tuple(_components(card, figures))
    if score is None:
        why = "Too little is known of your activity yet: the score comes with your first days of use."
        return ClientScore(score=None, why=why, at=None, components=components)
    band = card.band_of(score).name
    change = None if before is None else round(score - before, 1)
    return ClientScore(
        score=score,
        range=band,
        range_key=band.lower().replace(" ", "_"),
        words=RANGES.get(band, ""),
        at=now,
        trend=_trend(change, card.trend_threshold),
        change=change,
        before=before,
        before_on=None if before is None else local_day(now - WEEK, row.time_zone, home.time_zone),
        components=components,
    )


def _card(session: Session, home: Organisation, now: datetime) -> Scorecard:
    """The organisation's own momentum scorecard where it computes one beside, else the built-in one."""
    own = (card for _, card in cards_beside(session, home, now) if card.name == MOMENTUM)
    return next(own, None) or _built_in()


@cache
def _built_in() -> Scorecard:
    return builtin(MOMENTUM)


def _vectors(session: Session, card: Scorecard, customer: str, *moments: datetime) -> tuple[Any, Any]:
    known = [latest_of(session, customer, card.metric_names, at) for at in moments]
    return np.vstack([one.values for one in known]), np.vstack([one.ages for one in known])


def _components(card: Scorecard, figures: Scores) -> Iterator[ClientComponent]:
    for at, category in enumerate(card.categories):
        points = float(figures.category_scores[0, at])
        yield ClientComponent(
            name=category.name,
            title=category.title,
            points=None if np.isnan(points) else round(points, 1),
            weight=category.weight,
            measured=bool(figures.category_coverage[0, at] > 0),
            words=COMPONENTS.get(category.name, ""),
        )


def _trend(change: float | None, threshold: float) -> ClientTrend:
    if change is None:
        return "unknown"
    if abs(change) < threshold:
        return "stable"
    return "rising" if change > 0 else "declining"


def _activity(session: Session, row: Customer, zone: str, now: datetime) -> Activity:
    """What was counted from the customer's own events; what happens to it (a payment, say) is none of it."""
    last = local_day(now, zone)
    first = last - (DAYS - 1) * DAY
    counts = {
        one.day: sum(number for kind, number in one.kinds.items() if kind not in NO_ACTIVITY)
        for _, one in active_days(session, row.id, first, last, None, zone)
    }
    days = [(day, counts.get(day, 0)) for day in (first + number * DAY for number in range(DAYS))]
    total, most = sum(count for _, count in days), max(count for _, count in days)
    return Activity(
        zone=zone,
        days=tuple(
            ActivityDay(day=day, count=count, level=ceil(SHADES * count / most) if most else 0)
            for day, count in days
        ),
        total=total,
        active_days=sum(count > 0 for _, count in days),
        average=round(total / DAYS, 2),
        most=most,
    )
