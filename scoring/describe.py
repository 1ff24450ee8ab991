"""A scorecard's rules in words, for people who read it and never open the file."""

from __future__ import annotations

from typing import Any

from scoring.normalise import Corner, HalfLife, Linear, Logarithm, Steps, Table
from scoring.scorecard import Band, Metric, Scorecard
from scoring.units import format_value

_DECIMALS = 6
"""More than values are shown with: 99.99 % must not read 100 %."""


def normalisation_words(metric: Metric) -> str:
    """How raw values become points: "0 % → 0, 60 % → 100" is a straight line, flat beyond both ends."""
    rule = metric.normalise
    match rule:
        case Linear() | Table():
            return _pairs(metric, rule.corners)
        case Logarithm():
            pairs = _pairs(metric, ((rule.worst, 0.0), (rule.best, 100.0)))
            return f"{pairs}, each doubling worth the same"
        case Steps():
            side = "from {} on" if rule.better == "higher" else "up to {}"
            steps = [
                f"{side.format(_value(metric, border))} → {points:g}"
                for border, points in reversed(rule.towards_better())
            ]
            return f"{', '.join(steps)}, else {rule.otherwise:g}"
        case HalfLife():
            return f"0 → 100, halved by each {_value(metric, rule.half_life)}"


def default_words(metric: Metric) -> str:
    """What stands in for a value that was never measured; "" if nothing does."""
    return "" if metric.default is None else f"{metric.default:g} points until first measured"


def review_words(band: Band) -> str:
    """Every how many days a customer in the band is looked at; "" if the band says nothing."""
    match band.review_days:
        case None:
            return ""
        case 1:
            return "every day"
        case days:
            return f"every {days} days"


def _pairs(metric: Metric, corners: tuple[Corner, ...]) -> str:
    return ", ".join(f"{_value(metric, raw)} → {points:g}" for raw, points in corners)


def _value(metric: Metric, raw: float) -> str:
    return format_value(raw, metric.unit, decimals=_DECIMALS)


def in_full(card: Scorecard) -> dict[str, Any]:
    """The scorecard with its hash; each metric also with its direction, its rule in words and its source."""
    whole = card.model_dump(mode="json")
    for values, metric in zip(whole["metrics"], card.metrics, strict=True):
        values["better"] = metric.direction
        values["points"] = normalisation_words(metric)
        values["source"] = card.source_of(metric)
    for values, band in zip(whole["bands"], card.bands, strict=True):
        values["source"] = card.source_of(band)
    return {"hash": card.fingerprint(), **whole}
