"""All metrics of a customer's last score: what each has earned of what it could, and why it has not."""

from __future__ import annotations

import math

from sqlmodel import Session

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.scores_read import latest_of
from keepwell.db.repositories.views_customer import standing_of
from keepwell.db.repositories.views_customer_category import MetricLine, metric_line
from keepwell.db.tables import Customer, Organisation
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


def metrics_of(session: Session, organisation: str, customer: str) -> tuple[CategoryLine, ...]:
    """The categories of a customer's scorecard, by our id of the customer; none if it was never scored."""
    owner = session.get_one(Organisation, organisation)
    standing = standing_of(session, owner, session.get_one(Customer, customer))
    if standing is None:
        return ()
    _, score, measured = standing
    card = measured.card
    latest = latest_of(session, customer, card.metric_names, score.scored_at)
    scores = score_many(card, latest.values, latest.ages)
    lines = [
        metric_line(measured, scores, at, float(latest.ages[0, at]), None) for at in range(len(card.metrics))
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
