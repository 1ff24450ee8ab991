"""What may be offered to a customer, with its limits, and what became of an offer."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from keepwell.contracts.base import Frozen, Strict

LONGEST_PAUSE_MONTHS = 3


class OfferKind(StrEnum):
    """What is offered."""

    BILLING_PAUSE = "billing_pause"
    PLAN_DOWNGRADE = "plan_downgrade"
    DEDICATED_SUPPORT = "dedicated_support"
    CUSTOM_SOLUTION = "custom_solution"
    UPGRADE = "upgrade"
    TRIAL = "trial"

    @property
    def words(self) -> str:
        """The kind, as people say it."""
        return self.value.replace("_", " ")


class OfferState(StrEnum):
    """Where an offer stands. One that its intervention's end has made void, or a person, is withdrawn."""

    OFFERED = "offered"
    SEEN = "seen"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


OPEN_OFFER = (OfferState.OFFERED, OfferState.SEEN)


def _count(number: int | None, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


class OfferOption(Strict):
    """One of the things a customer may choose, and its limits.

    `months` is the longest billing pause (1 to 3), `days` the time in which the features of the greater
    plan stay after a downgrade, or the length of a trial, `percent` the discount on an upgrade's first month.
    """

    kind: OfferKind
    summary: str = Field(min_length=1, max_length=200)
    months: int | None = Field(default=None, ge=1, le=LONGEST_PAUSE_MONTHS)
    days: int | None = Field(default=None, ge=1, le=366)
    percent: int | None = Field(default=None, ge=1, le=100)

    @model_validator(mode="after")
    def _has_its_limit(self) -> Self:
        needs = {
            OfferKind.BILLING_PAUSE: "months",
            OfferKind.PLAN_DOWNGRADE: "days",
            OfferKind.TRIAL: "days",
        }.get(self.kind)
        if needs is not None and getattr(self, needs) is None:
            raise ValueError(f"the option {self.kind.value!r} needs {needs!r}")
        return self

    @property
    def words(self) -> str:
        """The option with its limit: "billing pause of up to 3 months"."""
        match self.kind:
            case OfferKind.BILLING_PAUSE:
                limit = f" of up to {_count(self.months, 'month')}"
            case OfferKind.PLAN_DOWNGRADE:
                limit = f" with {_count(self.days, 'day')} of grace"
            case OfferKind.TRIAL:
                limit = f" of {_count(self.days, 'day')}"
            case OfferKind.UPGRADE if self.percent is not None:
                limit = f" with {self.percent} % off the first month"
            case _:
                limit = ""
        return self.kind.words + limit


class Terms(Frozen):
    """What was agreed: which option, for how many months (a pause), onto which plan (a change of plan)."""

    kind: OfferKind
    months: int | None = None
    plan: str = ""
    note: str = ""

    @property
    def words(self) -> str:
        """The agreement in words."""
        length = f", {_count(self.months, 'month')}" if self.months else ""
        onto = f", onto {self.plan}" if self.plan else ""
        return f"{self.kind.words}{length}{onto}"


class OfferMade(Frozen):
    """An offer that a step has made: until when it may be accepted, on the run's own time."""

    step: str
    until: datetime


class OfferChange(Frozen):
    """What a command changes in an intervention's offer; `step` is the step that makes it."""

    step: str
    state: OfferState
    terms: Terms | None = None
    valid_for: timedelta
    options: tuple[OfferOption, ...]
