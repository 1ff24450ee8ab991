"""Where a customer stands among similar ones: its score, categories and metrics, as percentiles.

Score and categories are compared with all similar customers who have a score of the same scorecard, by one
statement of sums. Metrics, and all medians, are of `SAMPLE` of them at most, evenly spread over their ids.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Row, Select, case, func, select
from sqlmodel import Session, col

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.figures import Measured
from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.peers import Likeness, likenesses_of, said
from keepwell.db.repositories.scores_read import latest_values
from keepwell.db.repositories.wording import value_words
from keepwell.db.tables import Customer, Health, Organisation, Score
from scoring.arrays import FloatArray
from scoring.benchmark import FEWEST, in_good_direction, percentile, percentile_ranks
from scoring.kernel import score_many

SAMPLE = 1_000
"""Similar customers whose metrics are read: a percentile is then within about 3 points of that of all."""
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

    `segment` says which, `customers` how many they are and `sampled` of how many the metrics and medians
    are. Where even all customers are too few, `customers` is 0 and `why` says so.
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
        query = _sums(own, score.scorecard, others)
        row = session.connection().execute(query).one()
        if row.others >= FEWEST:
            return _compared(session, organisation, customer, score, measured, (likeness, others, row))
    why = f"fewer than {FEWEST} other customers have a score by this scorecard"
    return Comparison(segment="", customers=0, sampled=0, why=why, score=None, categories=(), metrics=())


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


def _alike(
    columns: Sequence[ColumnElement[Any]], scorecard: str, others: Sequence[ColumnElement[bool]]
) -> Select[Any]:
    """Columns of the customers who are alike and have a score by that scorecard now."""
    return (
        select(*columns)
        .select_from(Customer)
        .join(Health, col(Health.customer_id) == col(Customer.id))
        .join(Score, col(Score.id) == col(Health.score_id))
        .where(*others, col(Score.scorecard) == scorecard, col(Score.score).is_not(None))
    )


def _sums(own: dict[str, float], scorecard: str, others: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """How many others there are; of each figure how many have it, are worse and are equal."""
    sums: list[ColumnElement[Any]] = [func.count().label("others")]
    for label, value in own.items():
        figure = _figure(label)
        near = (figure >= value - SAME) & (figure <= value + SAME)
        sums += [
            func.count(figure).label(f"{label}/have"),
            _how_many(figure < value - SAME).label(f"{label}/worse"),
            _how_many(near).label(f"{label}/equal"),
        ]
    return _alike(sums, scorecard, others)


def _how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _compared(
    session: Session,
    organisation: Organisation,
    customer: Customer,
    score: Score,
    measured: Measured,
    found: tuple[Likeness, tuple[ColumnElement[bool], ...], Row[Any]],
) -> Comparison:
    likeness, others, row = found
    numbered = _sample(score.scorecard, others, row.others)
    sample = tuple(session.connection().execute(numbered).scalars())
    own = _own(score)
    medians = _medians(session, sample, list(own))
    card = measured.card
    titles = {f"category/{one.name}": (one.name, one.title) for one in card.categories}
    places = {
        label: _place(*titles.get(label, ("score", "Score")), value, medians[label], row._mapping, label)
        for label, value in own.items()
        if label == "score" or label in titles
    }
    return Comparison(
        segment=said(likeness, organisation, customer)[1],
        customers=row.others,
        sampled=len(sample),
        why="",
        score=places.pop("score", None),
        categories=tuple(places[label] for label in titles if label in places),
        metrics=_metrics(session, sample, measured),
    )


def _place(name: str, title: str, value: float, median: float | None, sums: Any, label: str) -> Place:
    have = int(sums[f"{label}/have"])
    return Place(
        name=name,
        title=title,
        yours=value,
        median=median,
        percentile=percentile(int(sums[f"{label}/worse"]), int(sums[f"{label}/equal"]), have),
        others=have,
        yours_words=f"{value:.1f}",
        median_words="" if median is None else f"{median:.1f}",
    )


def _step(size: int) -> int:
    return max(1, math.ceil(size / SAMPLE))


def _sample(scorecard: str, others: Sequence[ColumnElement[bool]], size: int) -> Select[Any]:
    """Ids: every n-th of the others. They follow the time of their making, so that all ages are in it."""
    place = func.row_number().over(order_by=col(Customer.id)).label("place")
    numbered = _alike((col(Customer.id).label("id"), place), scorecard, others).subquery()
    return select(numbered.c.id).where((numbered.c.place - 1) % _step(size) == 0).order_by(numbered.c.id)


def _medians(session: Session, sample: Sequence[str], labels: Sequence[str]) -> dict[str, float | None]:
    """By label; None where fewer than five have the figure: a median of so few would give them away."""
    if not labels:
        return {}
    figures: Sequence[ColumnElement[Any]] = [_figure(label) for label in labels]
    query = (
        select(*figures)
        .select_from(Health)
        .join(Score, col(Score.id) == col(Health.score_id))
        .where(col(Health.customer_id).in_(sample))
    )
    columns = list(zip(*session.connection().execute(query), strict=True))
    known = [[value for value in column if value is not None] for column in columns]
    return {
        label: float(np.median(values)) if len(values) >= FEWEST else None
        for label, values in zip(labels, known, strict=True)
    }


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
