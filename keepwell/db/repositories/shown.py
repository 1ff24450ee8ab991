"""What a customer may read about itself: only metrics that the scorecard has words for customers for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from keepwell.contracts.rendering import MetricFigure
from keepwell.contracts.shown import ShownFigure, ShownFigures, ShownStep
from keepwell.db.repositories.figures import (
    GOOD,
    SHOWN,
    Measured,
    costliest,
    known_columns,
    most_improved,
    strongest,
)
from keepwell.db.repositories.wording import UNCHANGED
from scoring.factors import goal_words
from scoring.scorecard import ForCustomers, Owner, Scorecard
from scoring.units import Unit

NOT_A_USE = (Unit.PERCENT_CHANGE, Unit.SENTIMENT, Unit.RATING)
"""Units of trends and moods, which do not count a use."""


@dataclass(frozen=True, slots=True)
class ShownColumns:
    """Which metrics a message to the customer shows, as columns, the most telling first."""

    steps: list[int]
    strengths: list[int]
    improved: list[int]
    unused: list[int]
    used: list[int]

    @property
    def all(self) -> set[int]:
        """Every column that is shown somewhere."""
        return {*self.steps, *self.strengths, *self.improved, *self.unused, *self.used}


def words_for_customers(card: Scorecard, column: int) -> ForCustomers | None:
    """The scorecard's words for customers about a metric; None where customers never read of it."""
    return card.metrics[column].customer


def choose_shown(measured: Measured) -> ShownColumns:
    """Of the metrics that customers may read about: what to work on, what stands well, rose, lies unused.

    At most three of each. An unused one has an area and less than 60 points, and is not the first of the
    steps, which is dealt with before. What is used are the others that count a use, no trend and no mood.
    """
    card, points = measured.card, measured.points
    told = {c: words for c in known_columns(measured) if (words := words_for_customers(card, c))}
    steps = costliest(measured, (c for c in told if told[c].step))
    low = [c for c in told if told[c].area and points[c] < GOOD and c not in steps[:1]]
    unused = sorted(low, key=lambda c: -measured.lost[c])[:SHOWN]
    used = [c for c in told if card.metrics[c].unit not in NOT_A_USE and c not in (*steps, *unused)]
    return ShownColumns(
        steps=steps,
        strengths=strongest(measured, (c for c in told if c not in steps)),
        improved=most_improved(measured, told),
        unused=unused,
        used=sorted(used, key=lambda c: (-points[c], -card.metrics[c].weight))[:SHOWN],
    )


def shown_figures(
    measured: Measured,
    columns: ShownColumns,
    figures: Mapping[int, MetricFigure],
    who: Mapping[Owner, str],
    today: date,
) -> ShownFigures:
    """The figures of these columns in the words for customers; `figures` has each of them for staff."""
    card = measured.card
    shown = {column: _figure(card, column, figures[column]) for column in columns.all}

    def step(column: int) -> ShownStep:
        metric, words = card.metrics[column], words_for_customers(card, column)
        return ShownStep(
            figure=shown[column],
            step=(words and words.step) or "",
            goal=goal_words(card, metric.name),
            area=(words and words.area) or "",
            owner=who[metric.owner],
            due=today + timedelta(days=metric.due_days),
        )

    return ShownFigures(
        steps=tuple(step(column) for column in columns.steps),
        strengths=tuple(shown[column] for column in columns.strengths),
        improved=tuple(shown[column] for column in columns.improved),
        unused=tuple(step(column) for column in columns.unused),
        used=tuple(shown[column] for column in columns.used),
    )


def shown_in(measured: Measured, column: int) -> bool:
    """Whether customers may read about a metric and there is a usable value of it."""
    return not np.isnan(measured.points[column]) and words_for_customers(measured.card, column) is not None


def _figure(card: Scorecard, column: int, figure: MetricFigure) -> ShownFigure:
    words = words_for_customers(card, column)
    if words is None:  # chosen by choose_shown, so this would be a mistake of ours
        raise ValueError(f"scorecard {card.name} has no words for customers about {figure.name}")
    trend = card.metrics[column].unit is Unit.PERCENT_CHANGE
    return ShownFigure(
        name=figure.name,
        label=words.label,
        value=figure.value,
        before=figure.before,
        # A trend is a change already: what became of it since would be one too many.
        change="" if trend or figure.change == UNCHANGED else figure.change,
        good=figure.points >= GOOD,
        history=figure.history,
    )
