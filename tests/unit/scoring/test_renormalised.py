"""Scores worked out a second time, one customer and one metric after the other, in plain Python.

Whatever is missing, too old or out of range: its weight is left out of the division, and nothing else.
"""

import math
import sys
from bisect import bisect_right
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.kernel import score_many
from scoring.load import builtin, builtin_names, parse_scorecard
from scoring.normalise import HalfLife, Logarithm, Rule, Steps
from scoring.scorecard import Metric, Scorecard
from scoring.summary import summarise

NAN = math.nan
HEAD = """
name = "kinds"
version = 1
title = "One metric of each kind"
description = "For values that decay, grow old or were never there."
coverage_minimum = 0.4
bands = [{ name = "Good", from = 50, level = "HEALTHY", action = "None." },
         { name = "Bad", from = 0, level = "CRITICAL", action = "Call." }]
[categories.waits]
title = "Waits"
weight = 55
[categories.rest]
title = "Rest"
weight = 45
"""
METRIC = """
[metrics.{name}]
category = "{category}"
weight = {weight}
title = "{name}"
unit = "days"
low = "low"
action = "Act."
success = "{{target}}"
owner = "csm"
due_days = 7
normalise = {rule}
{more}
"""
RULES = (
    ("reply", "waits", 30, '{ kind = "half_life", half_life = 4 }', "minimum = 0\nmax_age_days = 7"),
    ("visit", "waits", 20, '{ kind = "half_life", half_life = 30 }', "max_age_days = 30.5"),
    ("login", "waits", 5, '{ kind = "steps", better = "lower", points = [[1, 100], [7, 40]] }', ""),
    ("income", "rest", 25, '{ kind = "logarithm", worst = 0, best = 1000 }', "minimum = 0\ndefault = 30"),
    ("share", "rest", 13, '{ kind = "linear", worst = 10, best = 90 }', "maximum = 100\nmax_age_days = 14"),
    (
        *("change", "rest", 7),
        '{ kind = "table", points = [[-50, 100], [0, 40], [25, 40], [80, 0]] }',
        "max_age_days = 1",
    ),
)
KINDS = parse_scorecard(
    HEAD
    + "".join(
        METRIC.format(name=name, category=category, weight=weight, rule=rule, more=more)
        for name, category, weight, rule, more in RULES
    ),
    "kinds.toml",
)
CARDS = {"kinds": KINDS, **{name: builtin(name) for name in builtin_names()}}


class Expected(NamedTuple):
    """One customer: of everything and by category, what is there of the weight, and what the score is."""

    score: float
    coverage: float
    categories: list[float]
    rejected: int
    points: list[float]


def points_by_hand(rule: Rule, raw: float) -> float:
    if isinstance(rule, Steps):
        side = 1 if rule.better == "higher" else -1
        return max((got for border, got in rule.points if (raw - border) * side >= 0), default=rule.otherwise)
    if isinstance(rule, HalfLife):
        return 100 * float(np.exp2(-max(raw, 0) / rule.half_life))
    if isinstance(rule, Logarithm):
        least, most = sorted((rule.worst, rule.best))
        low, high = math.log1p(rule.worst), math.log1p(rule.best)
        return 100 * (math.log1p(min(max(raw, least), most)) - low) / (high - low)
    corners = rule.corners
    place = bisect_right([corner for corner, _ in corners], raw)
    if place in (0, len(corners)):
        return corners[max(0, place - 1)][1]
    (left, low), (right, high) = corners[place - 1 : place + 1]
    return low + (raw - left) / (right - left) * (high - low)


def is_usable(metric: Metric, value: float, age: float) -> bool:
    least = -sys.float_info.max if metric.minimum is None else metric.minimum
    greatest = sys.float_info.max if metric.maximum is None else metric.maximum
    fresh = metric.max_age_days is None or age <= metric.max_age_days
    return least <= value <= greatest and fresh


def by_hand(card: Scorecard, values: list[float], ages: list[float]) -> Expected:
    gained, weights, known = [0.0] * len(card.categories), [0.0] * len(card.categories), 0.0
    points, rejected = [], 0
    for metric, value, age in zip(card.metrics, values, ages, strict=True):
        got = NAN
        if is_usable(metric, value, age):
            got = points_by_hand(metric.normalise, value)
            known += metric.weight
        elif not math.isnan(value):
            rejected += 1
        elif metric.default is not None:
            got = metric.default
        if not math.isnan(got):
            gained[card.category_names.index(metric.category)] += metric.weight * got
            weights[card.category_names.index(metric.category)] += metric.weight
        points.append(got)
    coverage = known / math.fsum(metric.weight for metric in card.metrics)
    enough = known > 0 and round(coverage, 9) >= card.coverage_minimum
    return Expected(
        score=sum(gained) / sum(weights) if enough else NAN,
        coverage=coverage,
        categories=[got / weight if weight else NAN for got, weight in zip(gained, weights, strict=True)],
        rejected=rejected,
        points=points,
    )


def cells(metric: Metric) -> st.SearchStrategy[tuple[float, float]]:
    """A value and its age: any, at and beside what is allowed, and nothing at all."""
    span = [bound for bound in (metric.minimum, metric.maximum) if bound is not None]
    oldest = metric.max_age_days if metric.max_age_days is not None else 20.0
    value = st.one_of(
        st.floats(-100, 200),
        st.floats(metric.minimum or 0, metric.maximum or 1000),
        st.sampled_from([NAN, NAN, math.inf, 0.0, *span, *(bound + 1e-6 for bound in span)]),
    )
    age = st.one_of(
        st.floats(-2, 60),
        st.floats(0, oldest),
        st.sampled_from([0.0, oldest, math.nextafter(oldest, math.inf), NAN]),
    )
    return st.tuples(value, age)


@pytest.mark.parametrize("name", CARDS)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_weights_are_renormalised_over_what_is_there(name: str, data: st.DataObject) -> None:
    card = CARDS[name]
    rows = data.draw(st.lists(st.tuples(*(cells(one) for one in card.metrics)), min_size=1, max_size=2))
    values = [[value for value, _ in row] for row in rows]
    ages = [[age for _, age in row] for row in rows]
    scores, summary = score_many(card, values, ages), summarise(card, values, ages)
    for row in range(len(rows)):
        wanted = by_hand(card, values[row], ages[row])
        for found in (scores, summary):
            np.testing.assert_allclose(found.score[row], wanted.score, rtol=0, atol=1e-9)
            np.testing.assert_allclose(found.coverage[row], wanted.coverage, rtol=1e-12)
            np.testing.assert_allclose(found.category_scores[row], wanted.categories, rtol=0, atol=1e-9)
            assert found.rejected[row] == wanted.rejected
        np.testing.assert_allclose(scores.points[row], wanted.points, rtol=0, atol=1e-9)


def ages_of(card: Scorecard, shift: float) -> list[list[float]]:
    """Every metric as old as it may be at most, and `shift` days more."""
    return [[(20.0 if one.max_age_days is None else one.max_age_days) + shift for one in card.metrics]]


@pytest.mark.parametrize("name", CARDS)
def test_a_value_counts_up_to_its_last_day_and_not_after(name: str) -> None:
    card = CARDS[name]
    values = [[1.0 for _ in card.metrics]]
    stale = np.array([one.max_age_days is not None for one in card.metrics])
    fresh = score_many(card, values)
    assert score_many(card, values, ages_of(card, 0)).points.tobytes() == fresh.points.tobytes()
    late = score_many(card, values, ages_of(card, 1e-6))
    assert np.isnan(late.points[0]).tolist() == stale.tolist()
    assert late.rejected.tolist() == [stale.sum()]
    assert not late.defaulted.any(), "what has grown old was measured once"


@given(days=st.floats(0, 200), half_life=st.floats(0.01, 400))
def test_what_decays_is_halved_by_each_half_life(days: float, half_life: float) -> None:
    wait, *others = KINDS.metrics
    decay = wait.model_copy(update={"normalise": HalfLife(half_life=half_life), "max_age_days": None})
    card = KINDS.model_copy(update={"metrics": (decay, *others), "coverage_minimum": 0.0})
    nothing = [NAN] * len(others)
    now, later = score_many(card, [[days, *nothing], [days + half_life, *nothing]]).points[:, 0].tolist()
    assert later == pytest.approx(now / 2, rel=1e-9)


@pytest.mark.parametrize("name", CARDS)
def test_without_a_category_the_others_share_its_weight(name: str) -> None:
    card = CARDS[name]
    rich = card.model_copy(update={"coverage_minimum": 0.0})
    for category in card.categories:
        values = [[NAN if one.category == category.name else 1.0 for one in card.metrics]]
        found, wanted = score_many(rich, values), by_hand(rich, values[0], [0.0] * len(card.metrics))
        np.testing.assert_allclose(found.score[0], wanted.score, atol=1e-9)
        np.testing.assert_allclose(found.coverage[0], 1 - category.weight / 100, atol=1e-12)
