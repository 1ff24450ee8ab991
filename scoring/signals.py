"""Expansion signals: signs that a customer could use more than it has, found for many customers at once.

A yearly value is in the customer's own currency, or None where the figures it follows from are unknown:

- USAGE_LIMIT_APPROACHING, POWER_USER_BEHAVIOR: (price of the next plan - monthly revenue) x 12.
- CONSISTENT_OVERAGE: average overage of a month x 12.
- TEAM_EXPANSION_OPPORTUNITY: estimated team size x 30 a month and person, x 12.
- INTEGRATION_EXPANSION, API_SCALING_OPPORTUNITY: 300 and 600, what such an upgrade brings in a year.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.arrays import FloatArray, judged
from scoring.signal import Signal, Urgency
from scoring.units import Unit, format_value

USAGE_ABOVE = 80.0
OVERAGE_MONTHS = 3.0
ADVANCED_ABOVE = 0.7
SEVERAL_USERS = 2.0
API_GROWTH_ABOVE = 1.5
PERSON_A_MONTH = 30.0
INTEGRATION_A_YEAR = 300.0
API_A_YEAR = 600.0
MONTHS = 12.0
MOST = 1e12
"""No figure is greater: what an import takes at most."""


@dataclass(frozen=True, slots=True)
class SignalMetric:
    """A metric that signals read: its unit, range (None is no border) and how old it may be.

    Whoever does not measure it leaves it out; a value outside the range or too old counts as missing.
    """

    name: str
    unit: Unit
    meaning: str
    maximum: float | None = None
    minimum: float = 0.0
    max_age_days: float = 90.0


SIGNAL_METRICS = (
    SignalMetric("usage_percentage", Unit.PERCENT, "use of what the plan allows; above 100 is beyond it"),
    SignalMetric("overage_months", Unit.COUNT, "months with use beyond the plan"),
    SignalMetric("average_overage", Unit.MONEY, "paid for use beyond the plan, a month on average"),
    SignalMetric("advanced_feature_usage", Unit.RATIO, "share of the advanced features in use", maximum=1.0),
    SignalMetric("active_users", Unit.COUNT, "people who use it"),
    SignalMetric("team_size_estimate", Unit.COUNT, "people in the team that could use it"),
    SignalMetric("integration_requests", Unit.COUNT, "integrations that were asked for"),
    SignalMetric("api_usage_growth_rate", Unit.RATIO, "API calls divided by those of the period before"),
    SignalMetric("next_plan_price", Unit.MONEY, "price of the next plan, a month", max_age_days=366.0),
)
SIGNAL_METRIC_NAMES = tuple(metric.name for metric in SIGNAL_METRICS)


@dataclass(frozen=True, slots=True)
class FoundSignal:
    """A signal of the customer in row `row` of what was given.

    value: what it may bring in a year, above 0, or None where nobody knows. evidence: the figures behind
    signal and value, by name. words: one sentence, without money, as the currency is not known here.
    """

    row: int
    signal: Signal
    urgency: Urgency
    value: float | None
    action: str
    words: str
    evidence: Mapping[str, float]


Figures = Mapping[str, FloatArray]
Row = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Rule:
    """How one signal is found; `evidence` names what is kept of the figures, where it is known."""

    signal: Signal
    urgency: Urgency
    action: str
    holds: Callable[[Figures], NDArray[np.bool_]]
    value: Callable[[Figures], FloatArray]
    words: Callable[[Row], str]
    evidence: tuple[str, ...]


def detect_signals(
    values: ArrayLike, monthly_revenue: ArrayLike, ages_days: ArrayLike | None = None
) -> tuple[FoundSignal, ...]:
    """The signals of n customers, by row and within a row in the order of `Signal`.

    values: (n, 9) in the order of SIGNAL_METRIC_NAMES, NaN where not measured. monthly_revenue: (n,) money
    a month, NaN where unknown. ages_days: (n, 9) how old each value is, or None if all are fresh; NaN is
    too old. A customer's signals do not depend on who else is given. Raises ValueError for other shapes.
    """
    figures = _figures(values, monthly_revenue, ages_days)
    found: list[tuple[int, int, FoundSignal]] = []
    for order, rule in enumerate(_RULES):
        worth = rule.value(figures)
        for row in np.flatnonzero(rule.holds(figures)).tolist():
            seen = {name: float(figures[name][row]) for name in rule.evidence}
            seen = {name: figure for name, figure in seen.items() if not np.isnan(figure)}
            signal = FoundSignal(
                row=row,
                signal=rule.signal,
                urgency=rule.urgency,
                value=round(float(worth[row]), 2) if worth[row] > 0 else None,
                action=rule.action,
                words=rule.words(seen),
                evidence=seen,
            )
            found.append((row, order, signal))
    return tuple(signal for _, _, signal in sorted(found, key=lambda one: one[:2]))


def _figures(values: ArrayLike, monthly_revenue: ArrayLike, ages_days: ArrayLike | None) -> Figures:
    """Each figure as an array (n,), NaN wherever it cannot be used."""
    raw = np.asarray(values, dtype=np.float64)
    revenue = np.asarray(monthly_revenue, dtype=np.float64)
    ages = None if ages_days is None else np.asarray(ages_days, dtype=np.float64)
    if raw.ndim != 2 or raw.shape[1] != len(SIGNAL_METRICS):
        raise ValueError(f"values has the shape {raw.shape}; it must be (customers, {len(SIGNAL_METRICS)})")
    if revenue.shape != raw.shape[:1] or (ages is not None and ages.shape != raw.shape):
        raise ValueError("monthly_revenue and ages_days must be of the same customers as values")
    figures = {"monthly_revenue": np.where((revenue >= 0) & (revenue <= MOST), revenue, np.nan)}
    for column, metric in enumerate(SIGNAL_METRICS):
        value = raw[:, column]
        usable = np.isfinite(value) & (value >= metric.minimum)
        usable &= value <= (MOST if metric.maximum is None else metric.maximum)
        if ages is not None:
            usable &= ages[:, column] <= metric.max_age_days
        figures[metric.name] = np.where(usable, judged(np.where(usable, value, 0.0)), np.nan)
    return figures


def _above(name: str, border: float) -> Callable[[Figures], NDArray[np.bool_]]:
    return lambda figures: np.asarray(figures[name] > border, dtype=np.bool_)


def _at_least(name: str, border: float) -> Callable[[Figures], NDArray[np.bool_]]:
    return lambda figures: np.asarray(figures[name] >= border, dtype=np.bool_)


def _times(name: str, factor: float) -> Callable[[Figures], FloatArray]:
    return lambda figures: np.asarray(figures[name] * factor, dtype=np.float64)


def _flat(name: str, amount: float) -> Callable[[Figures], FloatArray]:
    return lambda figures: np.full(figures[name].shape, amount)


def _upgrade(figures: Figures) -> FloatArray:
    """What the next plan costs more in a year; NaN unless both prices are known and above 0."""
    price, revenue = figures["next_plan_price"], figures["monthly_revenue"]
    known = (price > 0) & (revenue > 0)
    return np.where(known, (price - revenue) * MONTHS, np.nan)


def _usage_words(row: Row) -> str:
    return f"usage is at {format_value(row['usage_percentage'], Unit.PERCENT)} of the plan's limit"


def _overage_words(row: Row) -> str:
    return f"usage went beyond the plan in {_count(row['overage_months'])} months"


def _advanced_words(row: Row) -> str:
    share = format_value(row["advanced_feature_usage"] * 100, Unit.PERCENT)
    return f"{share} of the advanced features are in use"


def _team_words(row: Row) -> str:
    users, team = row["active_users"], row.get("team_size_estimate", 0.0)
    return f"{_count(users)} people use it" + (f", of a team of about {_count(team)}" if team > users else "")


def _integration_words(row: Row) -> str:
    number = row["integration_requests"]
    asked = "integration was" if number == 1 else "integrations were"
    return f"{_count(number)} {asked} asked for"


def _api_words(row: Row) -> str:
    return f"API use is {format_value(row['api_usage_growth_rate'], Unit.RATIO)} times what it was before"


def _count(number: float) -> str:
    return format_value(number, Unit.COUNT)


_PRICES = ("next_plan_price", "monthly_revenue")
_RULES = (
    _Rule(
        Signal.USAGE_LIMIT_APPROACHING,
        Urgency.HIGH,
        "PROACTIVE_UPGRADE_OUTREACH",
        _above("usage_percentage", USAGE_ABOVE),
        _upgrade,
        _usage_words,
        ("usage_percentage", *_PRICES),
    ),
    _Rule(
        Signal.CONSISTENT_OVERAGE,
        Urgency.MEDIUM,
        "ROI_BASED_UPGRADE_PRESENTATION",
        _at_least("overage_months", OVERAGE_MONTHS),
        _times("average_overage", MONTHS),
        _overage_words,
        ("overage_months", "average_overage"),
    ),
    _Rule(
        Signal.POWER_USER_BEHAVIOR,
        Urgency.MEDIUM,
        "BUSINESS_TIER_PREVIEW_OFFER",
        _above("advanced_feature_usage", ADVANCED_ABOVE),
        _upgrade,
        _advanced_words,
        ("advanced_feature_usage", *_PRICES),
    ),
    _Rule(
        Signal.TEAM_EXPANSION_OPPORTUNITY,
        Urgency.HIGH,
        "TEAM_PLAN_DEMO_SCHEDULING",
        _at_least("active_users", SEVERAL_USERS),
        _times("team_size_estimate", PERSON_A_MONTH * MONTHS),
        _team_words,
        ("active_users", "team_size_estimate"),
    ),
    _Rule(
        Signal.INTEGRATION_EXPANSION,
        Urgency.MEDIUM,
        "INTEGRATION_CAPABILITIES_SHOWCASE",
        _at_least("integration_requests", 1.0),
        _flat("integration_requests", INTEGRATION_A_YEAR),
        _integration_words,
        ("integration_requests",),
    ),
    _Rule(
        Signal.API_SCALING_OPPORTUNITY,
        Urgency.LOW,
        "DEVELOPER_SUCCESS_OUTREACH",
        _above("api_usage_growth_rate", API_GROWTH_ABOVE),
        _flat("api_usage_growth_rate", API_A_YEAR),
        _api_words,
        ("api_usage_growth_rate",),
    ),
)
