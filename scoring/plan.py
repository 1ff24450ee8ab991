"""A scorecard made ready for the kernel: plain numbers in the order in which they are used."""

import sys
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from scoring.arrays import FloatArray, LevelArray, subset_sums
from scoring.normalise import Linear, Rule, Table
from scoring.ramps import Ramps, ramps_of
from scoring.scorecard import Metric, Scorecard

_BITS = 8
"""Metrics whose presence is looked up at once: a byte's bits, and a table of 256 sums that stays in cache."""


@dataclass(frozen=True, slots=True, eq=False)
class MetricPlan:
    """One metric.

    ramps: its straight lines, or None where `rule` is of another kind. least, greatest: the finite bounds
    within which a value is usable. oldest: days, or None. stand_in: the points a default falls short of 100,
    or None. category, group, bit: where its weight and its presence are counted.
    """

    rule: Rule
    ramps: Ramps | None
    weight: float
    least: float
    greatest: float
    oldest: float | None
    stand_in: float | None
    category: int
    group: int
    bit: int


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Up to eight metrics of a category: `sums` has their joint weight for each pattern of presence."""

    category: int
    sums: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A scorecard: `metrics` in its order, `whole` the weight of each category and `total` of all.

    weights: (m,) the metrics'. lowers, severities: the bands' borders and levels, from best to worst.
    """

    metrics: tuple[MetricPlan, ...]
    groups: tuple[Group, ...]
    weights: FloatArray
    whole: tuple[float, ...]
    total: float
    coverage_minimum: float
    lowers: tuple[float, ...]
    severities: LevelArray
    has_defaults: bool


@lru_cache(maxsize=64)
def plan_of(card: Scorecard) -> Plan:
    """The plan of a scorecard; made once for each."""
    places, groups = _grouped(card)
    whole = [0.0] * len(card.categories)
    for group in groups:
        whole[group.category] += float(group.sums[-1])
    total = 0.0
    for weight in whole:
        total += weight
    metrics = tuple(_metric(metric, place) for metric, place in zip(card.metrics, places, strict=True))
    return Plan(
        metrics=metrics,
        groups=groups,
        weights=np.array([metric.weight for metric in metrics]),
        whole=tuple(whole),
        total=total,
        coverage_minimum=card.coverage_minimum,
        lowers=tuple(band.lower for band in card.bands),
        severities=np.array([band.level.severity for band in card.bands], dtype=np.int8),
        has_defaults=any(metric.stand_in is not None for metric in metrics),
    )


def _grouped(card: Scorecard) -> tuple[list[tuple[int, int, int]], tuple[Group, ...]]:
    """For each metric its category, group and bit; and the groups."""
    places = [(0, 0, 0)] * len(card.metrics)
    groups: list[Group] = []
    for category, name in enumerate(card.category_names):
        own = [position for position, metric in enumerate(card.metrics) if metric.category == name]
        for start in range(0, len(own), _BITS):
            members = own[start : start + _BITS]
            for bit, position in enumerate(members):
                places[position] = category, len(groups), bit
            sums = subset_sums([card.metrics[position].weight for position in members])
            groups.append(Group(category, sums))
    return places, tuple(groups)


def _metric(metric: Metric, place: tuple[int, int, int]) -> MetricPlan:
    rule = metric.normalise
    category, group, bit = place
    return MetricPlan(
        rule=rule,
        ramps=ramps_of(rule.corners) if isinstance(rule, Linear | Table) else None,
        weight=metric.weight,
        # Finite bounds refuse infinity and NaN as well.
        least=-sys.float_info.max if metric.minimum is None else metric.minimum,
        greatest=sys.float_info.max if metric.maximum is None else metric.maximum,
        oldest=metric.max_age_days,
        stand_in=None if metric.default is None else 100.0 - metric.default,
        category=category,
        group=group,
        bit=bit,
    )
