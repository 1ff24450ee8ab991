"""The rules of a scorecard that concern more than one of its fields."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from scoring.normalise import span

if TYPE_CHECKING:
    from scoring.scorecard import Band, Category, ForCustomers, Metric, Scorecard

_Part = TypeVar("_Part")
Path = tuple[str | int, ...]
Finding = tuple[Path, str]
"""Where in the scorecard (field names, and positions in lists), and what is wrong."""

# Weights are typed by people: a thousandth of a point is rounding (3 × 33.3333), a hundredth is a mistake.
_WEIGHT_TOLERANCE = 1e-3
_TARGET = "the sentence must contain {target}, where the value to reach is put in, and no other braces"


def scorecard_problems(card: "Scorecard") -> list[Finding]:
    """All broken rules of a scorecard, in the order of its parts; empty if it is sound."""
    return part_problems(card.bands, card.categories, card.metrics)


def part_problems(
    bands: Sequence["Band | None"],
    categories: Sequence["Category | None"],
    metrics: Sequence["Metric | None"],
) -> list[Finding]:
    """The broken rules among parts; what needs a part that could not be read (None) is left out."""
    parts: dict[str, Sequence[Band | Category | Metric | None]] = {
        "bands": bands,
        "categories": categories,
        "metrics": metrics,
    }
    empty: list[Finding] = [
        ((part,), f"there are none; a scorecard needs one or more {part}")
        for part, values in parts.items()
        if not values
    ]
    if empty:
        return empty
    found = [finding for part, values in parts.items() for finding in _repeated(part, values)]
    whole_bands, whole_categories, whole_metrics = _whole(bands), _whole(categories), _whole(metrics)
    if whole_bands is not None:
        found += _bands(whole_bands)
    if whole_categories is not None and whole_metrics is not None:
        found += _weights(whole_categories, whole_metrics)
    for index, metric in enumerate(metrics):
        if metric is not None:
            found += _metric(index, metric)
    return found


def _whole(parts: Sequence[_Part | None]) -> list[_Part] | None:
    sound = [part for part in parts if part is not None]
    return sound if len(sound) == len(parts) else None


def _repeated(part: str, values: Iterable["Band | Category | Metric | None"]) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value is not None:
            if value.name in seen:
                yield (part, index, "name"), f"{value.name!r} is there twice; each name may be used once"
            seen.add(value.name)


def _bands(bands: list["Band"]) -> Iterator[Finding]:
    for index, (upper, lower) in enumerate(pairwise(bands), start=1):
        if upper.lower == lower.lower:
            yield (
                ("bands", index, "lower"),
                f"{lower.name!r} begins at {lower.lower:g} like {upper.name!r}; "
                "each band needs its own border",
            )
        elif upper.lower < lower.lower:
            yield (
                ("bands", index, "lower"),
                f"{lower.name!r} begins at {lower.lower:g}, above {upper.name!r} at {upper.lower:g}; "
                "list the bands from the highest border to the lowest",
            )
        if lower.level.severity < upper.level.severity:
            yield (
                ("bands", index, "level"),
                f"{lower.level} is better than {upper.level} of the band above; levels may only get worse "
                "as scores fall",
            )
    yield from _reviews(bands)
    if min(band.lower for band in bands) > 0:
        last = len(bands) - 1
        yield (
            ("bands", last, "lower"),
            f"the lowest band begins at {bands[last].lower:g}, so lower scores have no band; "
            "the last band must begin at 0",
        )


def _reviews(bands: list["Band"]) -> Iterator[Finding]:
    reviewed = [
        (index, band, band.review_days) for index, band in enumerate(bands) if band.review_days is not None
    ]
    for (_, upper, sooner), (index, lower, later) in pairwise(reviewed):
        if later > sooner:
            yield (
                ("bands", index, "review_days"),
                f"{lower.name!r} is looked at again after {later} days, {upper.name!r} after {sooner}; "
                "a worse band must not wait longer than a better one",
            )


def _weights(categories: list["Category"], metrics: list["Metric"]) -> Iterator[Finding]:
    total = math.fsum(metric.weight for metric in metrics)
    if abs(total - 100) > _WEIGHT_TOLERANCE:
        yield ("metrics",), f"the weights of [metrics.*] add up to {_sum(total)}, they must add up to 100"
    known = [category.name for category in categories]
    for index, metric in enumerate(metrics):
        if metric.category not in known:
            yield (
                ("metrics", index, "category"),
                f"there is no category {metric.category!r}; there are {', '.join(known)}",
            )
    for index, category in enumerate(categories):
        own = math.fsum(metric.weight for metric in metrics if metric.category == category.name)
        if own == 0:
            yield (
                ("categories", index),
                "no metric belongs to this category; add one or leave the category out",
            )
        elif abs(own - category.weight) > _WEIGHT_TOLERANCE:
            yield (
                ("categories", index, "weight"),
                f"the weight is {_sum(category.weight)}, but its metrics' weights add up to {_sum(own)}; "
                "the two must be equal",
            )


def _metric(index: int, metric: "Metric") -> Iterator[Finding]:
    least = -math.inf if metric.minimum is None else metric.minimum
    greatest = math.inf if metric.maximum is None else metric.maximum
    low, high = span(metric.normalise)
    if least >= greatest:
        yield ("metrics", index, "minimum"), f"minimum {least:g} must be below maximum {greatest:g}"
    elif low < least or high > greatest:
        yield (
            ("metrics", index, "normalise"),
            f"it uses raw values from {low:g} to {high:g}, but only {least:g} to {greatest:g} are allowed "
            "(minimum, maximum); keep the first within the second",
        )
    if metric.better is not None and metric.better != metric.direction:
        yield (
            ("metrics", index, "better"),
            f"says that {metric.better} values are good, but normalise gives {metric.direction} ones more "
            "points; mend the one that is wrong",
        )
    if not _has_target(metric.success):
        yield ("metrics", index, "success"), _TARGET
    if metric.customer is not None:
        for key, reason in _for_customers(metric.customer):
            yield ("metrics", index, "customer", key), reason


def _for_customers(told: "ForCustomers") -> Iterator[tuple[str, str]]:
    if (told.step is None) != (told.goal is None):
        yield ("goal" if told.goal is None else "step"), "is missing; step and goal come together"
    if told.area is not None and told.step is None:
        yield "step", "is missing; an area needs a step that says how to begin"
    if told.goal is not None and not _has_target(told.goal):
        yield "goal", _TARGET
    texts = {"label": told.label, "step": told.step, "goal": told.goal, "area": told.area}
    for key, text in texts.items():
        if text is not None and re.search(r"\bthe customer\b", text, re.IGNORECASE):
            yield key, 'speaks of the customer, who reads it; write "you"'


def _has_target(sentence: str) -> bool:
    rest = sentence.replace("{target}", "")
    return rest != sentence and "{" not in rest and "}" not in rest


def _sum(number: float) -> str:
    return str(round(number, 4))
