"""The read model of one category of a customer's score: its metrics, what they cost and how they changed."""

from __future__ import annotations

import math

import numpy as np
from sqlmodel import Session

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.figures import Measured
from keepwell.db.repositories.insight_benchmark import Comparison, Place, comparison
from keepwell.db.repositories.views import did_you_mean
from keepwell.db.repositories.views_customer import standing_of
from keepwell.db.repositories.wording import change_words, value_words
from keepwell.db.tables import Customer, Organisation
from keepwell.errors import InputError, NotFoundError
from scoring.kernel import Scores, score_many
from scoring.scorecard import Category, Metric, Scorecard

SAME = 0.05
"""Points of a category that its rounding may make."""


class MetricLine(Frozen):
    """A metric of the category. `value` is the raw one; `points` (0 to 100) and `lost` (of the score's 100)
    are None where it is missing or unusable, and `why` says which. `before` is 30 days earlier."""

    metric: str
    title: str
    weight: float
    value: float | None
    value_words: str
    before: float | None
    before_words: str
    change: str
    points: float | None
    points_change: float | None
    lost: float | None
    age_days: float | None
    why: str
    others: Place | None


class CategoryDetail(Frozen):
    """A category as of the customer's last score.

    `points` is as the score has kept it, `lost` how many of the score's 100 points the category costs.
    `outdated` says that values were stored or taken back since, so that the metrics no longer give `points`.
    """

    customer: str
    name: str
    title: str
    weight: float
    points: float | None
    lost: float | None
    coverage: float
    outdated: bool
    scorecard: str
    score: float | None
    metrics: tuple[MetricLine, ...]
    comparison: Comparison


def category_detail(session: Session, organisation: str, customer: str, category: str) -> CategoryDetail:
    """One category, by its name or the beginning of its name or title, of a customer by our id.

    Raises:
        NotFoundError: the customer was never scored.
        InputError: the scorecard has no such category.
    """
    owner = session.get_one(Organisation, organisation)
    row = session.get_one(Customer, customer)
    standing = standing_of(session, owner, row)
    if standing is None:
        raise NotFoundError(
            f"{row.name} has not been scored yet.", hint="Score everybody.", command="keepwell score"
        )
    _, score, measured = standing
    card = measured.card
    chosen = _category(card, category)
    compared = comparison(session, owner, row, score, measured)
    scores = score_many(card, measured.values[np.newaxis], measured.ages[np.newaxis])
    places = {place.name: place for place in compared.metrics}
    lines = [
        metric_line(measured, scores, at, float(measured.ages[at]), places.get(metric.name))
        for at, metric in enumerate(card.metrics)
        if metric.category == chosen.name
    ]
    points, column = score.categories.get(chosen.name), card.category_names.index(chosen.name)
    computed = _known(float(scores.category_scores[0, column]))
    return CategoryDetail(
        customer=row.name,
        name=chosen.name,
        title=chosen.title,
        weight=chosen.weight,
        points=points,
        lost=None if score.score is None else math.fsum(line.lost or 0.0 for line in lines),
        coverage=float(scores.category_coverage[0, column]),
        outdated=(computed is None) != (points is None) or abs((computed or 0.0) - (points or 0.0)) > SAME,
        scorecard=f"{card.name}@{card.version}",
        score=score.score,
        metrics=tuple(sorted(lines, key=lambda one: (one.points is None, -(one.lost or 0.0), -one.weight))),
        comparison=compared,
    )


def _category(card: Scorecard, text: str) -> Category:
    wanted = text.strip().casefold()
    for fits in (str.__eq__, str.startswith):
        found = [one for one in card.categories if wanted and fits(one.name.casefold(), wanted)] or [
            one for one in card.categories if wanted and fits(one.title.casefold(), wanted)
        ]
        if len(found) == 1:
            return found[0]
    names = list(card.category_names)
    raise InputError(
        f"Scorecard {card.name}@{card.version} has no category {text!r}{did_you_mean(text, names)}.",
        hint=f"It has: {', '.join(names)}.",
        place="category",
    )


def metric_line(measured: Measured, scores: Scores, at: int, age: float, others: Place | None) -> MetricLine:
    """The metric of column `at`; `scores` has the customer alone."""
    metric = measured.card.metrics[at]
    value, before = _known(float(measured.values[at])), _known(float(measured.earlier[at]))
    points, earlier = _known(float(scores.points[0, at])), _known(float(measured.earlier_points[at]))
    words = "" if value is None else value_words(metric, value, measured.currency)
    was = "" if before is None else value_words(metric, before, measured.currency)
    return MetricLine(
        metric=metric.name,
        title=metric.title,
        weight=metric.weight,
        value=value,
        value_words=words,
        before=before,
        before_words=was,
        change=change_words(was, words, rose=(value or 0.0) > (before or 0.0)) if was and words else "",
        points=points,
        points_change=None if value is None or points is None or earlier is None else points - earlier,
        lost=_known(float(scores.lost[0, at])),
        age_days=_known(age),
        why=_why(metric, value, points, age),
        others=others,
    )


def _why(metric: Metric, value: float | None, points: float | None, age: float) -> str:
    """Why a metric has no points of its own; "" where it has."""
    if value is None:
        return "not measured" if points is None else f"not measured: {points:g} points stand in by default"
    if points is not None:
        return ""
    if metric.max_age_days is not None and not age <= metric.max_age_days:
        return f"too old: {age:.0f} days, {metric.max_age_days:g} are allowed"
    return "out of range"


def _known(number: float) -> float | None:
    return number if math.isfinite(number) else None
