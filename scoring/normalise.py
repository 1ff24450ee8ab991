"""How a raw value becomes 0 to 100 points: a line, a table, steps, or one of two named formulas.

All of them only rise or only fall, so that every metric has one good direction.
"""

import math
from itertools import pairwise
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from scoring.arrays import FloatArray
from scoring.formulas import halvings, log2_from_1
from scoring.ramps import lost_into, ramps_of

FROZEN = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

# Wide enough for any money or count, narrow enough that differences cannot overflow.
Raw = Annotated[float, Field(ge=-1e12, le=1e12)]
Amount = Annotated[float, Field(ge=0, le=1e12)]
Points = Annotated[float, Field(ge=0, le=100)]
Corner = tuple[Raw, Points]


class Linear(BaseModel):
    """A straight line from `worst` (0 points) to `best` (100 points), flat beyond both."""

    model_config = FROZEN
    kind: Literal["linear"] = Field(default="linear", description='"linear"')
    worst: Raw = Field(description="the raw value that gives 0 points")
    best: Raw = Field(description="the raw value that gives 100 points")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.worst == self.best:
            raise refusal(f"worst and best are both {self.worst:g}; they must differ")
        if abs(self.worst - self.best) < _SHORTEST:
            raise refusal(f"worst {self.worst!r} and best {self.best!r} are too near each other")
        return self

    @property
    def corners(self) -> tuple[Corner, ...]:
        """The line as a table of two points, raw values rising."""
        ends = ((self.worst, 0.0), (self.best, 100.0))
        return ends if self.worst < self.best else ends[::-1]


class Table(BaseModel):
    """Straight lines between `points` of (raw value, points), flat before the first and after the last."""

    model_config = FROZEN
    kind: Literal["table"] = Field(default="table", description='"table"')
    points: tuple[Corner, ...] = Field(
        max_length=50, description="two or more pairs [raw value, points from 0 to 100]"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.points) < 2:
            raise refusal(f"points has {len(self.points)} pairs; a table needs two or more")
        _check_rising([raw for raw, _ in self.points])
        gained = [points for _, points in self.points]
        if gained != sorted(gained) and gained != sorted(gained, reverse=True):
            raise refusal(f"the points {_listed(gained)} rise and fall; they must only rise or only fall")
        if gained[0] == gained[-1]:
            raise refusal(f"all points are {gained[0]:g}; the best and the worst value must differ in points")
        return self

    @property
    def corners(self) -> tuple[Corner, ...]:
        """The points, raw values rising."""
        return self.points


class Steps(BaseModel):
    """A fixed number of points per step; a border belongs to its better side.

    better = "lower": a value up to and including a border gets the points of the first such border.
    better = "higher": a value from a border on gets the points of the last such border.
    Any other value gets `otherwise`.
    """

    model_config = FROZEN
    kind: Literal["steps"] = Field(default="steps", description='"steps"')
    better: Literal["lower", "higher"] = Field(description='"lower" or "higher": which raw values are good')
    points: tuple[Corner, ...] = Field(
        max_length=50, description="one or more pairs [border, points from 0 to 100]"
    )
    otherwise: Points = Field(default=0.0, description="the points of a value beyond the worst border")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.points:
            raise refusal("points is empty; steps need one or more pairs")
        _check_rising([border for border, _ in self.points])
        gained = [self.otherwise, *(points for _, points in self.towards_better())]
        if any(worse >= better for worse, better in pairwise(gained)):
            raise refusal(
                f"from the worst to the best step the points are {_listed(gained)}, "
                f'beginning with `otherwise`; with better = "{self.better}" each must be above the one before'
            )
        return self

    def towards_better(self) -> tuple[Corner, ...]:
        """The steps from the worst border to the best."""
        return self.points if self.better == "higher" else self.points[::-1]


class Logarithm(BaseModel):
    """Counts and money over orders of magnitude: log(1 + raw) from `worst` (0 points) to `best` (100).

    Each doubling of 1 + raw is worth the same. On a straight line to 100,000 a customer with 5,000 and one
    with none would look alike; here the first has reached three quarters.
    """

    model_config = FROZEN
    kind: Literal["logarithm"] = Field(default="logarithm", description='"logarithm"')
    worst: Amount = Field(description="the raw value that gives 0 points, 0 or more")
    best: Amount = Field(description="the raw value that gives 100 points, 0 or more")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.worst == self.best:
            raise refusal(f"worst and best are both {self.worst:g}; they must differ")
        if log2_from_1(np.array(self.worst)) == log2_from_1(np.array(self.best)):
            raise refusal(f"worst {self.worst!r} and best {self.best!r} are too near each other")
        return self


class HalfLife(BaseModel):
    """Waiting times and ages: 100 points at 0, half of them after `half_life`, a quarter after two, ...

    There is no value from which on nothing is left to lose, so a very late answer still counts worse than a
    late one.
    """

    model_config = FROZEN
    kind: Literal["half_life"] = Field(default="half_life", description='"half_life"')
    half_life: Amount = Field(gt=0, description="the raw value that gives 50 points, above 0")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.half_life < _SHORTEST:
            raise refusal(f"half_life is {self.half_life!r}; it must be at least {_SHORTEST:g}")
        return self


_SHORTEST = 1e-9
_GONE = 1100.0
"""Half-lives after which a float has nothing left; cut there, the division cannot overflow."""
_HALVINGS_LEFT = 10
"""A half-life's points never reach 0. After ten of them less than a tenth is left: its worst value."""

Rule = Linear | Table | Steps | Logarithm | HalfLife
Normalisation = Annotated[Rule, Field(discriminator="kind")]


def points_of(rule: Rule, raw: FloatArray) -> FloatArray:
    """Points (0 to 100) of finite raw values; any shape, the same shape back.

    Only elementwise arithmetic and comparisons, so a value's points do not depend on its neighbours, and a
    better value never gets fewer points, not even by a rounding error.
    """
    if isinstance(rule, Steps):
        gained: FloatArray = np.full(raw.shape, rule.otherwise)
        for border, points in rule.towards_better():
            inside = raw >= border if rule.better == "higher" else raw <= border
            gained = np.where(inside, points, gained)
        return gained
    if isinstance(rule, HalfLife):
        halved: FloatArray = 100.0 * halvings(np.clip(raw, 0.0, _GONE * rule.half_life) / rule.half_life)
        return halved
    if isinstance(rule, Logarithm):
        return _on_logarithm(rule, raw)
    lost, spare = np.empty(raw.shape), np.empty(raw.shape)
    # Far beyond the corners the product may overflow; what is infinite is held to the corner's points too.
    with np.errstate(over="ignore"):
        lost_into(ramps_of(rule.corners), raw, lost, spare)
    straight: FloatArray = 100.0 - lost
    return straight


def _on_logarithm(rule: Logarithm, raw: FloatArray) -> FloatArray:
    low, high = span(rule)
    lowest, highest = log2_from_1(np.array([low, high]))
    share = (log2_from_1(np.clip(raw, low, high)) - lowest) / (highest - lowest)
    gained: FloatArray = 100.0 * (share if rule.best > rule.worst else 1.0 - share)
    return gained


def raw_for(rule: Rule, points: float) -> float:
    """The least demanding raw value that gives at least `points`; the best value if none gives so many."""
    if isinstance(rule, Steps):
        steps = rule.towards_better()
        return next((border for border, gained in steps if gained >= points), steps[-1][0])
    if isinstance(rule, HalfLife):
        return rule.half_life * min(math.log2(100 / points) if points > 0 else math.inf, _HALVINGS_LEFT)
    if isinstance(rule, Logarithm):
        share = points / 100
        raw = math.expm1((1 - share) * math.log1p(rule.worst) + share * math.log1p(rule.best))
        return min(max(raw, span(rule)[0]), span(rule)[1])
    corners = rule.corners if higher_is_better(rule) else rule.corners[::-1]
    if corners[0][1] >= points:
        return corners[0][0]
    for (left, low), (right, high) in pairwise(corners):
        if high >= points:
            return left + (points - low) / (high - low) * (right - left)
    return next(raw for raw, gained in corners if gained == corners[-1][1])


def higher_is_better(rule: Rule) -> bool:
    """Whether a greater raw value is the better one."""
    if isinstance(rule, Steps):
        return rule.better == "higher"
    if isinstance(rule, Logarithm):
        return rule.best > rule.worst
    if isinstance(rule, HalfLife):
        return False
    return rule.corners[0][1] < rule.corners[-1][1]


def span(rule: Rule) -> tuple[float, float]:
    """The least and the greatest raw value the rule names."""
    match rule:
        case Logarithm():
            return min(rule.worst, rule.best), max(rule.worst, rule.best)
        case HalfLife():
            return 0.0, rule.half_life
        case Steps():
            return rule.points[0][0], rule.points[-1][0]
        case Linear() | Table():
            return rule.corners[0][0], rule.corners[-1][0]


def _check_rising(raws: list[float]) -> None:
    if any(left >= right for left, right in pairwise(raws)):
        raise refusal(f"the raw values {_listed(raws)} must rise from pair to pair")
    if any(right - left < _SHORTEST for left, right in pairwise(raws)):
        raise refusal(f"of the raw values {', '.join(map(repr, raws))} two are nearer than {_SHORTEST:g}")


def _listed(numbers: list[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


def refusal(reason: str) -> PydanticCustomError:
    """The error by which a validator refuses a value, in our own words."""
    # The reason goes in as data: pydantic would read braces in a template as placeholders.
    return PydanticCustomError("scorecard", "{reason}", {"reason": reason})
