"""All metrics of a customer's last score: what each has earned of what it could, and why it has not."""

from __future__ import annotations

import math

import numpy as np

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.views_customer import Standing
from keepwell.db.repositories.views_customer_category import MetricLine, metric_line
from scoring.kernel import score_many


class CategoryLine(Frozen):
    """A category with its metrics, what costs most first, what has no points last.

    `possible` are the points of the score that it could bring, of 100 in all; `earned` what it brings, None
    where nothing of it was measured; `coverage` the share of its weight that was measured, 0 to 1.
    """

    name: str
    title: str
    possible: float
    earned: float | None
    coverage: float
    metrics: tuple[MetricLine, ...]


def metrics_of(standing: Standing | None) -> tuple[CategoryLine, ...]:
    """The categories of a customer's scorecard, by where the customer stands; none if it was never scored."""
    if standing is None:
        return ()
    _, score, measured = standing
    card = measured.card
    scores = score_many(card, measured.values[np.newaxis], measured.ages[np.newaxis])
    lines = [
        metric_line(measured, scores, at, float(measured.ages[at]), None) for at in range(len(card.metrics))
    ]
    found = []
    for column, category in enumerate(card.categories):
        own = [
            line for line, metric in zip(lines, card.metrics, strict=True) if metric.category == category.name
        ]
        points = score.categories.get(category.name)
        found.append(
            CategoryLine(
                name=category.name,
                title=category.title,
                possible=category.weight,
                earned=None if points is None else points * category.weight / 100.0,
                coverage=_share(float(scores.category_coverage[0, column])),
                metrics=tuple(
                    sorted(own, key=lambda one: (one.points is None, -(one.lost or 0.0), -one.weight))
                ),
            )
        )
    return tuple(found)


def _share(number: float) -> float:
    return number if math.isfinite(number) else 0.0
