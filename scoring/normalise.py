"""How a raw value becomes 0 to 100 points: a line, a table or steps. All of them only rise or only fall."""

from itertools import pairwise
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from scoring.arrays import FloatArray

FROZEN = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

# Wide enough for any money or count, narrow enough that differences cannot overflow.
Raw = Annotated[float, Field(ge=-1e12, le=1e12)]
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


Normalisation = Annotated[Linear | Table | Steps, Field(discriminator="kind")]


def points_of(rule: Linear | Table | Steps, raw: FloatArray) -> FloatArray:
    """Points (0 to 100) of finite raw values; any shape, the same shape back.

    Only elementwise additions, divisions and comparisons, so a value's points do not depend on its
    neighbours, and a better value never gets fewer points, not even by a rounding error.
    """
    if isinstance(rule, Steps):
        gained: FloatArray = np.full(raw.shape, rule.otherwise)
        for border, points in rule.towards_better():
            inside = raw >= border if rule.better == "higher" else raw <= border
            gained = np.where(inside, points, gained)
        return gained
    gained = np.full(raw.shape, rule.corners[0][1])
    for (left, low), (right, high) in pairwise(rule.corners):
        if low != high:
            gained += (np.clip(raw, left, right) - left) / (right - left) * (high - low)
    clipped: FloatArray = np.clip(gained, 0.0, 100.0)
    return clipped


def raw_for(rule: Linear | Table | Steps, points: float) -> float:
    """The least demanding raw value that gives at least `points`; the best value if none gives so many."""
    if isinstance(rule, Steps):
        steps = rule.towards_better()
        return next((border for border, gained in steps if gained >= points), steps[-1][0])
    corners = rule.corners if higher_is_better(rule) else rule.corners[::-1]
    if corners[0][1] >= points:
        return corners[0][0]
    for (left, low), (right, high) in pairwise(corners):
        if high >= points:
            return left + (points - low) / (high - low) * (right - left)
    return next(raw for raw, gained in corners if gained == corners[-1][1])


def higher_is_better(rule: Linear | Table | Steps) -> bool:
    """Whether a greater raw value is the better one."""
    if isinstance(rule, Steps):
        return rule.better == "higher"
    return rule.corners[0][1] < rule.corners[-1][1]


def span(rule: Linear | Table | Steps) -> tuple[float, float]:
    """The least and the greatest raw value the rule names."""
    corners = rule.points if isinstance(rule, Steps) else rule.corners
    return corners[0][0], corners[-1][0]


def _check_rising(raws: list[float]) -> None:
    if any(left >= right for left, right in pairwise(raws)):
        raise refusal(f"the raw values {_listed(raws)} must rise from pair to pair")


def _listed(numbers: list[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


def refusal(reason: str) -> PydanticCustomError:
    """The error by which a validator refuses a value, in our own words."""
    # The reason goes in as data: pydantic would read braces in a template as placeholders.
    return PydanticCustomError("scorecard", "{reason}", {"reason": reason})
