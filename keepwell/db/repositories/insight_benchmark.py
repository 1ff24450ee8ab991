"""Where a customer stands among similar ones: its score, categories and metrics, as percentiles.

All figures are those of at most `SAMPLE` similar customers: of more of them, every n-th by their ids, which
follow the time of their making, so that all ages are in it. An index on `customer` counts and chooses them,
so that a comparison among a hundred thousand reads the scores and metrics of no more than a thousand.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import ColumnElement, Select, func, select
from sqlmodel import Session, col

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.figures import Measured
from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.peers import likenesses_of, said
from keepwell.db.repositories.scores_read import latest_values
from keepwell.db.repositories.wording import value_words
from keepwell.db.tables import Customer, Health, Organisation, Score
from scoring.arrays import FloatArray
from scoring.benchmark import FEWEST, in_good_direction, percentile, percentile_ranks
from scoring.kernel import score_many

SAMPLE = 1_000
"""Similar customers whose figures are read: a percentile is then within about 3 points of that of all."""
SAME = 5e-7
"""Scores that differ by less are equal, as borders see them."""


class Place(Frozen):
    """A figure beside those of others. `percentile` is the share of them who are worse, equal ones half.

    It is None where fewer than five others have the figure. `yours` and `median` are in words as well.
    """

    name: str
    title: str
    category: str = ""
    yours: float
    median: float | None
    percentile: float | None
    others: int
    yours_words: str
    median_words: str


class Comparison(Frozen):
    """A customer among similar ones.

    `segment` says which, `customers` how many they are and `sampled` of how many the figures are: all who
    have a score by the same scorecard, or where they are more than `SAMPLE`, those of every n-th customer
    (`customers` then counts those without a score, too). Where even all customers are too few, `customers` is
    0 and `why` says so.
    """

    segment: str
    customers: int
    sampled: int
    why: str
    score: Place | None
    categories: tuple[Place, ...]
    metrics: tuple[Place, ...]


def comparison(
    session: Session, organisation: Organisation, customer: Customer, score: Score, measured: Measured
) -> Comparison:
    """The customer among the closest similar customers of whom at least five have a score.

    score: the customer's last one; measured: its metrics as of that moment.
    """
    own = _own(score)
    for likeness, others in likenesses_of(customer):
        chosen = _chosen(session, score.scorecard, others, list(own))
        if len(chosen.customers) >= FEWEST:
            segment = said(likeness, organisation, customer)[1]
            return _compared(session, segment, own, measured, chosen)
    why = f"fewer than {FEWEST} other customers have a score by this scorecard"
    return Comparison(segment="", customers=0, sampled=0, why=why, score=None, categories=(), metrics=())


class _Chosen(NamedTuple):
    """How many are similar, the ids of those who are compared with, and their known figures by label."""

    similar: int
    customers: tuple[str, ...]
    figures: dict[str, FloatArray]


def _own(score: Score) -> dict[str, float]:
    """The customer's own figures by label: "score", and "category/NAME"."""
    own = {} if score.score is None else {"score": score.score}
    return {**own, **{f"category/{name}": float(value) for name, value in score.categories.items()}}


def _figure(label: str) -> ColumnElement[float]:
    kind, _, name = label.partition("/")
    if kind == "score":
        return col(Score.score)  # type: ignore[return-value]  # it may be NULL, as any figure may
    figure: ColumnElement[float] = table("score").c.categories[name].as_float()
    return figure


def _chosen(
    session: Session, scorecard: str, others: Sequence[ColumnElement[bool]], labels: Sequence[str]
) -> _Chosen:
    """Those of the others, or of a sample of them, who have a score by that scorecard now."""
    connection, ids = session.connection(), col(Customer.id)
    similar = connection.execute(select(func.count()).select_from(Customer).where(*others)).scalar_one()
    step = max(1, math.ceil(similar / SAMPLE))
    place = func.row_number().over(order_by=ids).label("place")
    numbered = select(ids.label("id"), place).where(*others).subquery().c
    figures: list[ColumnElement[Any]] = [_figure(label).label(label) for label in labels]
    query = (
        select(numbered.id, *figures)
        .join(Health, col(Health.customer_id) == numbered.id)
        .join(Score, col(Score.id) == col(Health.score_id))
        .where((numbered.place - 1) % step == 0)
        .where(col(Score.scorecard) == scorecard, col(Score.score).is_not(None))
    )
    rows = connection.execute(query).all()
    customers, *columns = zip(*rows, strict=True) if rows else ((), *((),) * len(labels))
    return _Chosen(
        similar if step > 1 else len(rows),
        tuple(customers),
        {
            label: np.array([value for value in column if value is not None], dtype=np.float64)
            for label, column in zip(labels, columns, strict=True)
        },
    )


def _compared(
    session: Session, segment: str, own: dict[str, float], measured: Measured, chosen: _Chosen
) -> Comparison:
    titles = {f"category/{one.name}": (one.name, one.title) for one in measured.card.categories}
    places = {
        label: _place(*titles.get(label, ("score", "Score")), value, chosen.figures[label])
        for label, value in own.items()
        if label == "score" or label in titles
    }
    return Comparison(
        segment=segment,
        customers=chosen.similar,
        sampled=len(chosen.customers),
        why="",
        score=places.pop("score", None),
        categories=tuple(places[label] for label in titles if label in places),
        metrics=_metrics(session, chosen.customers, measured),
    )


def _place(name: str, title: str, value: float, theirs: FloatArray) -> Place:
    """One figure beside theirs; none of so few is told, it would give them away."""
    worse, near = int((theirs < value - SAME).sum()), int((np.abs(theirs - value) <= SAME).sum())
    median = float(np.median(theirs)) if len(theirs) >= FEWEST else None
    return Place(
        name=name,
        title=title,
        yours=value,
        median=median,
        percentile=percentile(worse, near, len(theirs)),
        others=len(theirs),
        yours_words=f"{value:.1f}",
        median_words="" if median is None else f"{median:.1f}",
    )


def _metrics(session: Session, sample: Sequence[str], measured: Measured) -> tuple[Place, ...]:
    """The customer's usable metrics among those of the sample, in the scorecard's order."""
    card = measured.card
    ids = col(Customer.id)
    who: Select[str] = select(ids).where(ids.in_(sample)).order_by(ids)
    latest = latest_values(session, who, card.metric_names, measured.at)
    usable = ~np.isnan(score_many(card, latest.values, latest.ages).points)
    values: FloatArray = np.vstack(
        (
            np.where(np.isnan(measured.points), np.nan, measured.values),
            np.where(usable, latest.values, np.nan),
        )
    )
    ranks = percentile_ranks(in_good_direction(card, values), np.zeros(len(values)), FEWEST)[0]
    places = []
    for column, metric in enumerate(card.metrics):
        own, theirs = float(values[0, column]), values[1:, column]
        theirs = theirs[~np.isnan(theirs)]
        if math.isnan(own):
            continue
        median = float(np.median(theirs)) if len(theirs) >= FEWEST else None
        places.append(
            Place(
                name=metric.name,
                title=metric.title,
                category=metric.category,
                yours=own,
                median=median,
                percentile=None if math.isnan(ranks[column]) else float(ranks[column]),
                others=len(theirs),
                yours_words=value_words(metric, own, measured.currency),
                median_words="" if median is None else value_words(metric, median, measured.currency),
            )
        )
    return tuple(places)
