"""Which metrics an import takes: those of the scorecard, and those that expansion signals read."""

from __future__ import annotations

from scoring.scorecard import Metric, Scorecard
from scoring.signals import SIGNAL_METRICS, SignalMetric

Known = Metric | SignalMetric


def known_metrics(card: Scorecard) -> dict[str, Known]:
    """Metrics by name; where both have one of that name, the scorecard's rules count."""
    known: dict[str, Known] = {metric.name: metric for metric in card.metrics}
    for metric in SIGNAL_METRICS:
        known.setdefault(metric.name, metric)
    return known
