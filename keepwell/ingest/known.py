"""Which metrics an import takes: those of the scorecards, of expansion signals and of churn models."""

from __future__ import annotations

from collections.abc import Iterable

from scoring.churn.features import FEATURES
from scoring.scorecard import Metric, Scorecard
from scoring.signals import SIGNAL_METRICS, SignalMetric
from scoring.units import Unit

Known = Metric | SignalMetric


def known_metrics(card: Scorecard, beside: Iterable[Scorecard] = ()) -> dict[str, Known]:
    """Metrics by name: of the scorecard in force, of signals, of churn models, of the scorecards beside.

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
    return known
