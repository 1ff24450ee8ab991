"""The portfolio's filters, orders and cursors as SQL over its one table of short rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.sql.elements import UnaryExpression

from keepwell import cursors
from keepwell.contracts.churn import HOLDS
from keepwell.db.repositories.dialects import holding, unindexed
from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.views_portfolio_lines import (
    AT_RISK_LEVELS,
    NO_OWNER,
    PortfolioFilter,
    Sort,
    SortBy,
)
from keepwell.errors import InputError
from scoring.priority import BORDERS
from scoring.trend import Direction

_TABLE = table("portfolio")
COLUMNS = _TABLE.c
_SORTED: dict[SortBy, ColumnElement[Any]] = {
    SortBy.SCORE: COLUMNS.score,
    # As people sort, whatever the case.
    SortBy.NAME: func.lower(COLUMNS.name),
    SortBy.REVENUE: COLUMNS.monthly_revenue,
    SortBy.RENEWAL: COLUMNS.renews_on,
    SortBy.CHANGE_7: COLUMNS.change_7,
    SortBy.CHANGE_30: COLUMNS.change_30,
    SortBy.LEVEL_SINCE: COLUMNS.since,
    SortBy.CHURN: COLUMNS.churn,
}
_JUST_BELOW = 5e-7
"""Numbers compare rounded to 6 decimals (`scoring.priority`): what rounds to a border is not below it."""


def narrowed(organisation: str, wanted: PortfolioFilter, now: datetime) -> ColumnElement[bool]:
    """Which rows the filter leaves."""
    rows, at_risk = COLUMNS, [level.value for level in AT_RISK_LEVELS]
    # Staff are of one organisation: their customers are found by them, or else by it.
    few = bool(wanted.owners) and NO_OWNER not in wanted.owners
    parts: list[ColumnElement[bool]] = [
        (unindexed(rows.organisation_id) if few else rows.organisation_id) == organisation,
        ~rows.active if wanted.inactive else rows.active,
    ]
    for column, values in (
        (rows.held, [level.value for level in wanted.levels]),
        (rows.segment, wanted.segments),
        (rows.plan, wanted.plans),
    ):
        if values:
            parts.append(column.in_(values))
    if wanted.owners:
        nobody = rows.owner_id.is_(None) if NO_OWNER in wanted.owners else None
        named = rows.owner_id.in_([one for one in wanted.owners if one != NO_OWNER])
        parts.append(named if nobody is None else or_(nobody, named))
    if wanted.trend is not None:
        unknown = wanted.trend is Direction.UNKNOWN
        parts.append(rows.trend.is_(None) if unknown else rows.trend == wanted.trend.value)
    if wanted.at_risk is not None:
        risk = rows.held.in_(at_risk)
        parts.append(risk if wanted.at_risk else ~risk)
    if wanted.unscored is not None:
        parts.append(rows.score.is_(None) if wanted.unscored else rows.score.is_not(None))
    if wanted.insufficient is not None:
        parts.append(func.coalesce(rows.insufficient, False).is_(wanted.insufficient))
    if wanted.renews_before is not None:
        parts.append(rows.renews_on < wanted.renews_before)
    if wanted.churn_above is not None:
        parts.append(and_(counting(now), rows.churn > wanted.churn_above))
    return and_(*parts, *_texts(wanted), *_interventions(organisation, wanted))


def _texts(wanted: PortfolioFilter) -> list[ColumnElement[bool]]:
    text = wanted.search.strip()
    if not text:
        return []
    return [or_(*(holding(column, text) for column in (COLUMNS.name, COLUMNS.external_id)))]


def _interventions(organisation: str, wanted: PortfolioFilter) -> list[ColumnElement[bool]]:
    if wanted.intervention is None:
        return []
    open_ones = table("intervention").c
    running = select(open_ones.customer_id).where(
        open_ones.organisation_id == organisation, open_ones.outcome.is_(None)
    )
    has = COLUMNS.customer_id.in_(running)
    return [has if wanted.intervention else ~has]


def counting(now: datetime) -> ColumnElement[bool]:
    """Whether a customer's prediction counts still."""
    return COLUMNS.churn_at >= now - HOLDS


def urgency(now: datetime) -> ColumnElement[int]:
    """The rank of a customer's priority, 0 the most urgent, as `intervention_priority` has it; 4 for none."""
    counts, rows = counting(now), COLUMNS
    whens = [
        (
            or_(rows.score < below - _JUST_BELOW, and_(counts, rows.churn * 100 > above + _JUST_BELOW)),
            rank,
        )
        for rank, (_, above, below) in enumerate(BORDERS)
    ]
    known = or_(rows.score.is_not(None), and_(counts, rows.churn.is_not(None)))
    return case(*whens, (known, len(BORDERS)), else_=len(BORDERS) + 1)


class Order:
    """An order with its cursors. What is not known comes last in both directions; ties go by the id."""

    def __init__(self, *keys: tuple[ColumnElement[Any], bool], kinds: Sequence[type]) -> None:
        """Keys with whether each descends, before the id, and what each is in Python."""
        self.keys, self.kinds = keys, kinds

    @property
    def columns(self) -> list[ColumnElement[Any]]:
        """The keys, to be read with each row."""
        return [key.label(f"key_{place}") for place, (key, _) in enumerate(self.keys)]

    @property
    def by(self) -> list[UnaryExpression[Any] | ColumnElement[Any]]:
        """What to sort by."""
        parts: list[Any] = [
            (key.desc() if descending else key.asc()).nulls_last() for key, descending in self.keys
        ]
        return [*parts, COLUMNS.customer_id]

    @property
    def backwards(self) -> list[UnaryExpression[Any] | ColumnElement[Any]]:
        """The same from its end."""
        parts: list[Any] = [
            (key.asc() if descending else key.desc()).nulls_first() for key, descending in self.keys
        ]
        return [*parts, COLUMNS.customer_id.desc()]

    def cursor(self, values: Sequence[Any], customer: str, total: int) -> str:
        """The cursor behind a row."""
        stored = [one.isoformat() if isinstance(one, date) else one for one in values]
        return cursors.encode([total, *stored, customer])

    def behind(self, cursor: str) -> tuple[ColumnElement[bool], int]:
        """Which rows come behind a cursor, and the total it carries. InputError for one of another list."""
        found, customer, total = self._read(cursor)
        condition: ColumnElement[bool] = COLUMNS.customer_id > customer
        for (key, descending), value in reversed(list(zip(self.keys, found, strict=True))):
            if value is None:
                condition = and_(key.is_(None), condition)
                continue
            further = key < value if descending else key > value
            condition = or_(further, key.is_(None), and_(key == value, condition))
        return condition, total

    def before(self, cursor: str) -> tuple[ColumnElement[bool], int]:
        """Which rows come before the row of a cursor, and the total. InputError for one of another list."""
        found, customer, total = self._read(cursor)
        condition: ColumnElement[bool] = COLUMNS.customer_id < customer
        for (key, descending), value in reversed(list(zip(self.keys, found, strict=True))):
            if value is None:
                condition = or_(key.is_not(None), and_(key.is_(None), condition))
                continue
            nearer = key > value if descending else key < value
            condition = or_(nearer, and_(key == value, condition))
        return condition, total

    def _read(self, cursor: str) -> tuple[list[Any], str, int]:
        """The values of the keys, the customer and the total."""
        text = (str, type(None))
        kinds = [text if issubclass(kind, date) else (kind, int, type(None)) for kind in self.kinds]
        total, *values, customer = cursors.decode(cursor, int, *kinds, str)
        return (
            [_value(kind, value) for kind, value in zip(self.kinds, values, strict=True)],
            customer,
            int(total),
        )


def _value(kind: type, value: Any) -> Any:
    if value is None or not issubclass(kind, date):
        return value
    try:
        return kind.fromisoformat(value)
    except ValueError as error:
        raise InputError("This cursor is none of this list.", place="cursor") from error


def order_of(sort: Sort) -> Order:
    """The order that was asked for."""
    kinds = {
        SortBy.NAME: str,
        SortBy.RENEWAL: date,
        SortBy.LEVEL_SINCE: datetime,
    }
    return Order((_SORTED[sort.by], sort.descending), kinds=[kinds.get(sort.by, float)])


def by_urgency(now: datetime) -> Order:
    """The most urgent first, then the worst score."""
    return Order((urgency(now), False), (COLUMNS.score, False), kinds=[int, float])
