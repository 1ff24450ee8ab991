"""What the portfolio's address asks: filters, order and period, so that it can be shared and kept."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Self
from urllib.parse import parse_qs, urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlmodel import Session

from keepwell.api.v1.asked import StaffText, Text
from keepwell.api.v1.resolving import owner_of
from keepwell.console.view import View
from keepwell.db.repositories.views_portfolio_lines import (
    LONGEST_PAGE,
    NO_OWNER,
    PortfolioFilter,
    Sort,
    SortBy,
)
from keepwell.db.repositories.views_stats_lines import Period
from keepwell.db.repositories.zones import local_day
from scoring.levels import Level
from scoring.trend import Direction

PATH = "/console/portfolio"
PLACE = ("cursor", "back", "at")
"""Where in the list somebody is, which is no part of what they asked for."""
NATURAL_DOWN = frozenset({SortBy.REVENUE, SortBy.CHURN})
"""What is read from the greatest on; of all else the least, worst or nearest is asked for first."""

Name = Annotated[Text, Field(max_length=200)]


class Asked(BaseModel):
    """The words are those of GET /api/v1/customers. Beside them: `renews_in` days, and the period of figures.

    `cursor`, with `back` the page before it, is where the page begins, `at` how many come before that.
    """

    model_config = ConfigDict(frozen=True)

    search: Name = ""
    level: tuple[Level, ...] = ()
    owner: tuple[StaffText, ...] = ()
    segment: tuple[Name, ...] = ()
    plan: tuple[Name, ...] = ()
    trend: Direction | None = None
    at_risk: bool | None = None
    intervention: bool | None = None
    unscored: bool | None = None
    insufficient: bool | None = None
    renews_before: date | None = None
    renews_in: int | None = Field(default=None, ge=1, le=3650)
    churn_above: float | None = Field(default=None, ge=0, le=1)
    inactive: bool = False
    sort: SortBy = SortBy.SCORE
    descending: bool = False
    period: Period = Period.MONTH
    cursor: Annotated[str, Field(max_length=1000)] = ""
    back: bool = False
    at: int = Field(default=0, ge=0, le=100_000_000)

    @model_validator(mode="before")
    @classmethod
    def _without_what_was_left_empty(cls, given: Any) -> Any:
        """A form sends its empty fields, too. Only a segment or plan may be meant to be empty."""
        if not isinstance(given, dict):
            return given
        kept = {name: value for name, value in given.items() if value not in ("", [""], None)}
        return kept | {name: given[name] for name in ("segment", "plan") if name in given}

    @property
    def choice(self) -> dict[str, Any]:
        """What was asked for as it stands in an address, without where in the list."""
        kept = self.model_dump(mode="json", exclude_defaults=True, exclude=set(PLACE))
        return {name: str(one).lower() if isinstance(one, bool) else one for name, one in kept.items()}

    @property
    def query(self) -> str:
        """The same as text, always in the same order: two that ask for the same are equal."""
        return urlencode(self.choice, doseq=True)

    def href(self, **changes: Any) -> str:
        """The address with these changes, from the list's beginning."""
        return address(PATH, {**self.choice, **changes})

    def part(self, name: str) -> str:
        """The address of a part of the page, or of the list in another form."""
        return address(f"{PATH}/{name}", self.choice)

    def page(self, cursor: str, at: int, *, back: bool = False) -> str:
        """The address of the page at a cursor."""
        place: dict[str, Any] = {"cursor": cursor, "at": at or None, "back": "true" if back else None}
        return address(PATH, {**self.choice, **place})

    def sorted_by(self, by: SortBy) -> str:
        """The address of the list sorted by something; by the same again, the other way round."""
        down = not self.descending if by is self.sort else by in NATURAL_DOWN
        return self.href(sort=None if by is SortBy.SCORE else by.value, descending="true" if down else None)

    def with_level(self, level: Level) -> str:
        """The address with a level more, or without it."""
        chosen = set(self.level) ^ {level}
        return self.href(level=[one.value for one in Level if one in chosen])

    def without(self, name: str, value: str = "") -> str:
        """The address without a filter, or without one of its values."""
        values = self.choice.get(name)
        left = [one for one in values if one != value] if isinstance(values, list) else None
        return self.href(**{name: left})

    @property
    def clear(self) -> str:
        """The address of all customers, in this order and with the figures of this period."""
        kept = {name: one for name, one in self.choice.items() if name in ("sort", "descending", "period")}
        return address(PATH, kept)

    @property
    def one_segment(self) -> str | None:
        """The segment whose figures are shown; None where all, or several, are chosen."""
        return self.segment[0] if len(self.segment) == 1 else None

    @property
    def as_sort(self) -> Sort:
        """The order."""
        return Sort(by=self.sort, descending=self.descending)

    def wanted(self, session: Session, view: View) -> PortfolioFilter:
        """The filter with our ids. Raises NotFoundError for nobody, InputError for `me` of nobody's."""
        owners = [
            one if one == NO_OWNER else owner_of(session, view.who, one) or NO_OWNER for one in self.owner
        ]
        return PortfolioFilter(
            levels=self.level,
            owners=tuple(owners),
            segments=self.segment,
            plans=self.plan,
            trend=self.trend,
            search=self.search,
            at_risk=self.at_risk,
            intervention=self.intervention,
            unscored=self.unscored,
            insufficient=self.insufficient,
            renews_before=self.renews_by(view),
            churn_above=self.churn_above,
            inactive=self.inactive,
        )

    def renews_by(self, view: View) -> date | None:
        """The first day of renewal that no longer counts: the sooner of the two that were asked for."""
        within = None
        if self.renews_in is not None:
            within = local_day(view.now, view.zone.key) + timedelta(days=self.renews_in + 1)
        given = [one for one in (self.renews_before, within) if one is not None]
        return min(given, default=None)

    def api(self, view: View) -> str:
        """The call of the API that gives the first of all that fit, as many as it takes at once."""
        by = self.renews_by(view)
        asked = {**self.choice, "renews_before": by.isoformat() if by else None, "limit": LONGEST_PAGE}
        return address("/api/v1/customers", asked | {"renews_in": None, "period": None})

    @classmethod
    def read(cls, query: str) -> Self | None:
        """What a query asks for; None for one that makes no sense here."""
        given = parse_qs(query, keep_blank_values=True)
        many = {name for name, field in cls.model_fields.items() if isinstance(field.default, tuple)}
        try:
            return cls.model_validate(
                {name: values if name in many else values[-1] for name, values in given.items()}
            )
        except ValidationError:
            return None


def address(path: str, values: dict[str, Any]) -> str:
    """An address with these values; those that are None are left out."""
    text = urlencode({name: one for name, one in values.items() if one is not None}, doseq=True)
    return f"{path}?{text}" if text else path
