"""What a scorecard is: categories, weighted metrics, normalisation and bands, as frozen values."""

import hashlib
import json
import math
import re
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from scoring.arrays import judged
from scoring.checks import scorecard_problems
from scoring.levels import Level
from scoring.normalise import FROZEN, Normalisation, Points, Raw, higher_is_better, refusal
from scoring.units import Unit

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


def _a_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise refusal(
            f"{name!r} is no name; a name has up to 64 lower-case letters, digits, - and _, "
            "and begins with a letter"
        )
    return name


Name = Annotated[str, AfterValidator(_a_name)]
_LONGEST_METRIC = 60
"""Letters that a store has room for in the name of a measured value."""


def _a_metric_name(name: str) -> str:
    if len(name) > _LONGEST_METRIC:
        raise refusal(f"{name!r} has {len(name)} characters; a metric's name has {_LONGEST_METRIC} at most")
    return name


MetricName = Annotated[Name, AfterValidator(_a_metric_name)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"\S")]
Weight = Annotated[float, Field(gt=0, le=100)]
Source = Annotated[
    Text | None,
    Field(default=None, description="where the numbers come from, a sentence; unset, what stands around it"),
]
"""For people only: it changes no score, so it is no part of the fingerprint."""


class Owner(StrEnum):
    """Who carries out a metric's action."""

    CSM = "csm"
    CUSTOMER = "customer"
    SUPPORT = "support"
    PRODUCT = "product"


class Guard(BaseModel):
    """The flapping guard: when a better level takes effect (see scoring.guard)."""

    model_config = FROZEN
    margin: float = Field(default=3.0, ge=0, le=50, description="points above the border, 0 to 50")
    agreeing_days: int = Field(
        default=2, ge=1, le=2, description="2 (today and the day before must agree) or 1 (today is enough)"
    )


class Band(BaseModel):
    """A range of scores from `lower` (inclusive) up to the next band, and the risk level it stands for."""

    model_config = FROZEN
    name: Text = Field(description="the band's name as people read it")
    lower: float = Field(ge=0, le=100, description="the lowest score of the band, 0 to 100")
    level: Level = Field(description=f"one of {', '.join(Level)}")
    action: Text = Field(description="what to do about a customer in this band, a sentence")
    review_days: int | None = Field(
        default=None,
        ge=1,
        le=366,
        description="a customer in this band is looked at every so many days, 1 to 366",
    )
    source: Source = None


class Category(BaseModel):
    """A weighted group of metrics; the weight is in percent points of the whole score."""

    model_config = FROZEN
    name: Name
    title: Text = Field(description="the category's name as people read it")
    weight: Weight = Field(description="percent points of the whole, above 0 and up to 100")
    source: Source = None


class ForCustomers(BaseModel):
    """How a metric is told to the customer whom it measures. A metric without it is never told to them.

    `step` and `goal` come together, `area` comes with a step; `scoring.checks` sees to that.
    """

    model_config = FROZEN
    label: Text = Field(
        description='what a customer reads in place of the title, a phrase that may follow "the", like '
        '"share of users active on a working day"'
    )
    step: Text | None = Field(
        default=None, description='one sentence to the customer, as "you": what we offer to do together'
    )
    goal: Text | None = Field(
        default=None, description='one sentence with {target} to the customer, as "you": what success is'
    )
    area: Text | None = Field(
        default=None,
        description='what lies unused where the value is low, like "the features you have not tried yet"',
    )


class Metric(BaseModel):
    """A measured value: what it weighs, which raw values are allowed, how they become points, what to do.

    `title`, `low`, `action` and `success` are for staff, `customer` is for the customer.
    """

    model_config = FROZEN
    name: MetricName
    category: Name = Field(description="the name of a [categories.*] table")
    weight: Weight = Field(description="percent points of the whole, above 0 and up to 100")
    title: Text = Field(description="the metric's name as people read it")
    unit: Unit = Field(description=f"one of {', '.join(Unit)}")
    minimum: Raw | None = Field(default=None, description="the least raw value allowed, a number")
    maximum: Raw | None = Field(default=None, description="the greatest raw value allowed, a number")
    max_age_days: float | None = Field(
        default=None, gt=0, le=3660, description="days after which a value counts as missing, above 0"
    )
    better: Literal["higher", "lower"] | None = Field(
        default=None,
        description='"higher" or "lower": which raw values are good; stated, it is held against normalise',
    )
    normalise: Normalisation = Field(
        description='{ kind = "linear", worst, best }, { kind = "table", points }, '
        '{ kind = "steps", better, points, otherwise }, { kind = "logarithm", worst, best } '
        'or { kind = "half_life", half_life }'
    )
    default: Points | None = Field(
        default=None,
        description="points from 0 to 100 that stand in until the value has ever been measured; the score is "
        "flagged as using a default, coverage does not count it",
    )
    low: Text = Field(description="a phrase that says what a bad value means")
    action: Text = Field(description="one sentence: what can be done to improve the value")
    success: Text = Field(description="one sentence with {target}: what success looks like")
    owner: Owner = Field(description=f"one of {', '.join(Owner)}")
    due_days: int = Field(ge=1, le=365, description="days until the action is due, 1 to 365")
    customer: ForCustomers | None = Field(
        default=None,
        description="a table with label, and step, goal and area where they fit; without it customers never "
        "read of the metric",
    )
    source: Source = None

    @property
    def direction(self) -> Literal["higher", "lower"]:
        """Which raw values are the good ones, as the normalisation has it."""
        return "higher" if higher_is_better(self.normalise) else "lower"


class Scorecard(BaseModel):
    """The data that says how metrics become a score and a score becomes a level.

    `bands` run from best to worst, `metrics` is the order of the kernel's columns. The borders, weights
    and references are checked whenever one is built; `scoring.load` adds the file and the line.
    """

    model_config = FROZEN
    name: Name = Field(description="lower-case letters, digits, - and _, beginning with a letter")
    version: int = Field(ge=1, description="a whole number from 1, raised with every change")
    title: Text = Field(description="the scorecard's name as people read it")
    description: Text = Field(description="what the scorecard is for, a sentence or two")
    coverage_minimum: float = Field(
        default=0.5, ge=0, le=1, description="the share of the weight that must be measured, 0 to 1"
    )
    guard: Guard = Field(default=Guard(), description="a table with margin and agreeing_days")
    trend_threshold: float = Field(
        default=5.0,
        gt=0,
        le=50,
        description="points up or down within 30 days from which a score counts as rising or declining",
    )
    source: Source = None
    bands: tuple[Band, ...] = Field(
        max_length=20, description="[[bands]] tables with name, from, level, action"
    )
    categories: tuple[Category, ...] = Field(description="[categories.NAME] tables")
    metrics: tuple[Metric, ...] = Field(description="[metrics.NAME] tables")

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems = scorecard_problems(self)
        if problems:
            reason = "; ".join(f"{'.'.join(map(str, path))}: {text}" for path, text in problems)
            raise PydanticCustomError("scorecard_rules", "{reason}", {"reason": reason, "problems": problems})
        return self

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The metrics in the order of the kernel's columns."""
        return tuple(metric.name for metric in self.metrics)

    @property
    def category_names(self) -> tuple[str, ...]:
        """The categories in the order of `Scores.category_scores`' columns."""
        return tuple(category.name for category in self.categories)

    def metric(self, name: str) -> Metric:
        """The metric of that name; KeyError with the known names otherwise."""
        for metric in self.metrics:
            if metric.name == name:
                return metric
        raise KeyError(f"scorecard {self.name} has no metric {name!r}; it has {', '.join(self.metric_names)}")

    def band_of(self, score: float) -> Band:
        """The band of a score from 0 to 100, borders as in `levels.judged`; ValueError for other numbers."""
        if not (math.isfinite(score) and 0 <= score <= 100):
            raise ValueError(f"a score is a number from 0 to 100, not {score}")
        seen = judged(np.array([score]))[0]
        return next(band for band in self.bands if seen >= band.lower)

    def level_of(self, score: float) -> Level:
        """The risk level of a score from 0 to 100."""
        return self.band_of(score).level

    def source_of(self, part: Metric | Category | Band) -> str:
        """Where a part's numbers come from: its own source, else its category's, else the scorecard's.

        "" if none is given.
        """
        around = None
        if isinstance(part, Metric):
            around = next(one.source for one in self.categories if one.name == part.category)
        return part.source or around or self.source or ""

    def fingerprint(self) -> str:
        """SHA-256 (hex) of what the scorecard means: all of its content but layout, comments and sources."""
        values = self.model_dump(mode="json")
        _leave_out(values, "source")
        _leave_out_unset(values, {"trend_threshold": 5.0})
        for band in values["bands"]:
            _leave_out(band, "source")
            _leave_out_unset(band, {"review_days": None})
        for category in values["categories"]:
            _leave_out(category, "source")
        for metric in values["metrics"]:
            _leave_out(metric, "source", "better")
            _leave_out_unset(metric, {"customer": None, "default": None})
        content = json.dumps(values, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()


def _leave_out(values: dict[str, Any], *keys: str) -> None:
    # They tell and check, and change no score: `better` says again what the normalisation says.
    for key in keys:
        values.pop(key, None)


def _leave_out_unset(values: dict[str, Any], added: dict[str, float | None]) -> None:
    # Scorecards of before these keys existed keep their hash, and with it what was scored by them.
    for key, unset in added.items():
        if values[key] == unset:
            del values[key]
