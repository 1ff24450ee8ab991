"""Similar customers: the comparison with them, and the story of one that found its way up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session, col

from keepwell.contracts.shown import Benchmark, Peers, PeerStory, PeerUse
from keepwell.db.repositories.figures import GOOD, Measured
from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.scores_read import latest_values
from keepwell.db.repositories.shown import NOT_A_USE, choose_shown, shown_in, words_for_customers
from keepwell.db.repositories.wording import value_words
from keepwell.db.tables import Customer, Organisation
from scoring.arrays import FloatArray
from scoring.kernel import Scores, score_many
from scoring.levels import Level
from scoring.normalise import higher_is_better
from scoring.scorecard import Scorecard
from scoring.units import Unit

FEWEST = 5
"""Similar customers from which a comparison says something, and gives nobody away."""
MOST = 200
"""Similar customers compared with; of more, those who came first. Bounds the work for one message."""
BENCHMARKS = 5
STORY = timedelta(days=120)
LEAST_CLIMB = 15.0
_WELL = (Level.THRIVING.value, Level.HEALTHY.value)
NOBODY = Peers(count=0, likeness="", benchmarks=(), story=None)


class Likeness(NamedTuple):
    """By which columns customers are alike, and how that is said of one and of many."""

    columns: tuple[str, ...]
    one: str
    many: str


LIKENESSES = (
    Likeness(
        ("industry", "segment"),
        "one of our {segment} customers in {industry}",
        "{segment} customers in {industry}",
    ),
    Likeness(("segment",), "one of our {segment} customers", "{segment} customers"),
    Likeness(("industry",), "a customer in {industry}", "customers in {industry}"),
    Likeness(("plan",), "a customer on the {plan} plan", "customers on the {plan} plan"),
    Likeness((), "another customer of {organisation}", "customers of {organisation}"),
)
"""From the closest to the widest; the first one that at least five others share counts."""


def peers_of(
    session: Session, organisation: Organisation, customer: Customer, measured: Measured, fingerprint: str
) -> Peers:
    """The comparison with similar active customers of the organisation; none where fewer than five are.

    It is for the customer's eyes, so it is made of metrics that customers may read about.
    Scores count only where they come from the same scorecard (its hash is `fingerprint`).
    """
    found = similar_to(session, customer)
    if found is None:
        return NOBODY
    likeness, similar = found
    one, many = said(likeness, organisation, customer)
    values, scores = _values(session, measured.card, similar, measured.at)
    return Peers(
        count=len(similar),
        likeness=many,
        benchmarks=_benchmarks(measured, values, scores.points),
        story=_story(session, measured, fingerprint, similar, one),
        users=_users(measured, values, scores),
    )


def said(likeness: Likeness, organisation: Organisation, customer: Customer) -> tuple[str, str]:
    """A likeness in words, of one customer and of many."""
    words = {column: getattr(customer, column) for column in likeness.columns}
    return (
        likeness.one.format(organisation=organisation.name, **words),
        likeness.many.format(organisation=organisation.name, **words),
    )


def likenesses_of(customer: Customer) -> Iterator[tuple[Likeness, tuple[ColumnElement[bool], ...]]]:
    """The likenesses that a customer can have, from the closest on, and who the others of each are.

    Others are active customers of the same organisation; the conditions are on `customer`.
    """
    for likeness in LIKENESSES:
        if all(getattr(customer, column) for column in likeness.columns):
            yield (
                likeness,
                (
                    col(Customer.organisation_id) == customer.organisation_id,
                    col(Customer.active).is_(True),
                    col(Customer.id) != customer.id,
                    *(getattr(Customer, name) == getattr(customer, name) for name in likeness.columns),
                ),
            )


def similar_to(session: Session, customer: Customer) -> tuple[Likeness, list[str]] | None:
    """The closest likeness that at least five active customers share, and their ids; None where none is."""
    for likeness, others in likenesses_of(customer):
        query = select(col(Customer.id)).where(*others).order_by(col(Customer.id)).limit(MOST)
        similar = list(session.connection().execute(query).scalars())
        if len(similar) >= FEWEST:
            return likeness, similar
    return None


def _benchmarks(measured: Measured, values: FloatArray, points: FloatArray) -> tuple[Benchmark, ...]:
    """The customer beside n others, in at most five metrics: those that cost most, then the weightiest.

    values, points: (n, m) of the others, points NaN where a value is missing or unusable.
    """
    card = measured.card
    columns = [
        column
        for column, metric in enumerate(card.metrics)
        if metric.unit is not Unit.YES_NO
        and shown_in(measured, column)
        and np.count_nonzero(~np.isnan(points[:, column])) >= FEWEST
    ]
    columns.sort(key=lambda column: (-measured.lost[column], -card.metrics[column].weight))
    chosen = columns[:BENCHMARKS]
    return tuple(
        _benchmark(measured, column, values[~np.isnan(points[:, column]), column]) for column in chosen
    )


def _benchmark(measured: Measured, column: int, others: FloatArray) -> Benchmark:
    """Median and best quarter are values that somebody has: half, or a quarter, have this one or a better."""
    metric, yours = measured.card.metrics[column], float(measured.values[column])
    sign = 1.0 if higher_is_better(metric.normalise) else -1.0
    median, best = (float(sign * value) for value in np.percentile(sign * others, (50, 75), method="lower"))
    ahead = sign * yours > sign * median or sign * yours >= sign * best
    return Benchmark(
        metric=metric.name,
        label=metric.customer.label if metric.customer else "",
        yours=value_words(metric, yours, measured.currency),
        median=value_words(metric, median, measured.currency),
        best_quarter=value_words(metric, best, measured.currency),
        better=ahead,
    )


def _users(measured: Measured, values: FloatArray, scores: Scores) -> tuple[PeerUse, ...]:
    """For each metric that lies unused: those of the others who have 60 points in it, where five do."""
    card, found = measured.card, []
    for column in choose_shown(measured).unused:
        # A comparison with NaN is False: who has no value, or no score, is not among them.
        well = (scores.points[:, column] >= GOOD) & (scores.score >= 0)
        if np.count_nonzero(well) < FEWEST:
            continue
        metric = card.metrics[column]
        sign = 1.0 if higher_is_better(metric.normalise) else -1.0
        middle = sign * float(np.percentile(sign * values[well, column], 50, method="lower"))
        found.append(
            PeerUse(
                metric=metric.name,
                count=int(np.count_nonzero(well)),
                value=value_words(metric, middle, measured.currency),
            )
        )
    return tuple(found)


def _values(
    session: Session, card: Scorecard, customers: Sequence[str], at: datetime
) -> tuple[FloatArray, Scores]:
    """Raw values of n customers by m metrics, NaN where nothing was measured, and what they score."""
    query = select(col(Customer.id)).where(col(Customer.id).in_(customers)).order_by(col(Customer.id))
    latest = latest_values(session, query, card.metric_names, at)
    return latest.values, score_many(card, latest.values, latest.ages)


class _Climb(NamedTuple):
    customer: str
    since: datetime
    until: datetime


def _story(
    session: Session,
    measured: Measured,
    fingerprint: str,
    similar: Sequence[str],
    likeness: str,
) -> PeerStory | None:
    """The climb of 15 points or more, within 120 days and to HEALTHY or better, that was the greatest.

    It is told by the figure that rose most among those of use that customers may read about.
    """
    climb = _greatest_climb(session, measured, fingerprint, similar)
    if climb is None:
        return None
    card = measured.card
    before, scores_before = _values(session, card, [climb.customer], climb.since)
    after, scores_after = _values(session, card, [climb.customer], climb.until)
    rise = np.nan_to_num(scores_after.points[0] - scores_before.points[0], nan=0.0)
    told = {
        column: words
        for column, metric in enumerate(card.metrics)
        if (words := words_for_customers(card, column)) and metric.unit not in NOT_A_USE
    }
    column = max(told, key=lambda column: float(rise[column]), default=None)
    if column is None or rise[column] <= 0:
        return None
    metric = card.metrics[column]
    return PeerStory(
        likeness=likeness,
        label=told[column].label,
        value_from=value_words(metric, float(before[0, column]), measured.currency),
        value_to=value_words(metric, float(after[0, column]), measured.currency),
        days=max(1, (climb.until - climb.since).days),
        step=told[column].step or "",
    )


def _greatest_climb(
    session: Session, measured: Measured, fingerprint: str, similar: Sequence[str]
) -> _Climb | None:
    score = table("score").c
    window = (
        score.customer_id.in_(similar),
        score.scorecard == fingerprint,
        score.scored_at.between(measured.at - STORY, measured.at),
        score.score.is_not(None),
    )
    # Window functions: joined by the moment, SQLite would look through all scores of the same run.
    newest_first = (score.scored_at.desc(), score.id.desc())
    place = func.row_number().over(partition_by=score.customer_id, order_by=newest_first)
    low = func.min(score.score).over(partition_by=score.customer_id)
    columns = (score.customer_id, score.scored_at, score.score, score.level)
    ends = select(*columns, low.label("low"), place.label("place")).where(*window).subquery().c
    climb = ends.score - ends.low
    connection = session.connection()
    best = connection.execute(
        select(ends.customer_id, ends.low, ends.score, ends.scored_at)
        .where(ends.place == 1, ends.level.in_(_WELL), climb >= LEAST_CLIMB)
        .order_by(climb.desc(), ends.customer_id)
        .limit(1)
    ).first()
    if best is None:
        return None
    since = connection.execute(
        select(func.max(score.scored_at)).where(
            *window, score.customer_id == best.customer_id, score.score == best.low
        )
    ).scalar_one()
    return _Climb(best.customer_id, since, best.scored_at)
