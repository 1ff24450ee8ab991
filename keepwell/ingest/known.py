"""Which metrics an import takes: of the scorecards, of expansion signals, of churn models, and of figures."""

from __future__ import annotations

from collections.abc import Iterable

from scoring.churn.features import FEATURES
from scoring.scorecard import Metric, Scorecard
from scoring.signals import SIGNAL_METRICS, SignalMetric
from scoring.units import Unit

Known = Metric | SignalMetric

FIGURE_METRICS = (
    SignalMetric("nps", Unit.RATING, "net promoter score of the last survey", maximum=100.0, minimum=-100.0),
    SignalMetric("csat", Unit.PERCENT, "share of answers that said satisfied", maximum=100.0),
    SignalMetric("time_to_value", Unit.MONTHS, "from the start to the first agreed result", maximum=1200.0),
)
"""Metrics whose means are key figures of the dashboard, whether the scorecard in force has them or not."""


def known_metrics(card: Scorecard, beside: Iterable[Scorecard] = ()) -> dict[str, Known]:
    """Metrics by name: of the scorecard in force, of signals, churn models, scorecards beside, figures.

    Where several have one of that name, the first in this order says what it means.
    """
    known: dict[str, Known] = {metric.name: metric for metric in card.metrics}
    for sign in SIGNAL_METRICS:
        known.setdefault(sign.name, sign)
    for feature in FEATURES:
        highest = 100.0 if feature.unit is Unit.PERCENT else None
        known.setdefault(
            feature.name, SignalMetric(feature.name, feature.unit, feature.title, maximum=highest)
        )
    for other in beside:
        for metric in other.metrics:
            known.setdefault(metric.name, metric)
    for figure in FIGURE_METRICS:
        known.setdefault(figure.name, figure)
    return known
