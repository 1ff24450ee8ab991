"""Read model of the portfolio: its customers, filtered, sorted, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, func, select, text
from sqlmodel import Session

from keepwell.db.repositories.dialects import unindexed
from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.views_portfolio_beside import lines_of
from keepwell.db.repositories.views_portfolio_lines import (
    LONGEST_PAGE,
    PortfolioFilter,
    PortfolioLine,
    PortfolioPage,
    Sort,
)
from keepwell.db.repositories.views_portfolio_query import COLUMNS, Order, narrowed, order_of
from keepwell.errors import InputError

AT_ONCE = 500
"""Ids in one statement."""

_SEGMENT = "SELECT min(segment) FROM portfolio WHERE organisation_id = :organisation"
_PLAN = "SELECT min(plan) FROM portfolio WHERE organisation_id = :organisation"
_KINDS = text(
    f"WITH RECURSIVE known (segment) AS (SELECT ({_SEGMENT}) UNION ALL "  # noqa: S608
    f"SELECT ({_SEGMENT} AND segment > known.segment) FROM known WHERE known.segment IS NOT NULL), "
    f"kind (segment, plan) AS (SELECT segment, ({_PLAN} AND segment = known.segment) FROM known "
    "WHERE segment IS NOT NULL UNION ALL "
    f"SELECT segment, ({_PLAN} AND segment = kind.segment AND plan > kind.plan) FROM kind "
    "WHERE plan IS NOT NULL) "
    "SELECT segment, plan FROM kind WHERE plan IS NOT NULL"
)
"""Each segment with each of its plans, from one to the next in their index: what all customers have in a few
looks, where to go through them all takes long."""


def portfolio(
    session: Session,
    organisation: str,
    wanted: PortfolioFilter | None = None,
    sort: Sort | None = None,
    *,
    now: datetime,
    cursor: str | None = None,
    back: bool = False,
    limit: int = 50,
) -> PortfolioPage:
    """A page of the customers that the filter leaves. `organisation` is our id of one that exists.

    A cursor goes with the filter and sort it was given for. What changes between two pages may move a
    customer across the border of them, and no other customer with it. With `back` it is the page that ends
    before the cursor's row; where that would be a part of the first page, it is the first page.

    Raises:
        InputError: the limit is not 1 to LONGEST_PAGE, or the cursor is of another list.
    """
    wanted, order = wanted or PortfolioFilter(), order_of(sort or Sort())
    page = None
    if back and cursor is not None:
        page = _page_before(session, organisation, wanted, order, now, cursor, limit)
    page = page or page_of(session, organisation, wanted, order, now, None if back else cursor, limit)
    return PortfolioPage(
        lines=lines_of(session, organisation, page.rows, now),
        total=page.total,
        next=page.next,
        previous=page.previous,
    )


def customers_in_order(
    session: Session, organisation: str, wanted: PortfolioFilter, sort: Sort, now: datetime
) -> list[str]:
    """The ids of all customers that the filter leaves, for lists that are written out whole."""
    query = select(COLUMNS.customer_id).where(narrowed(organisation, wanted, now))
    return list(session.connection().execute(query.order_by(*order_of(sort).by)).scalars())


def kinds_of_customers(session: Session, organisation: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The segments and the plans that the organisation's customers have, "" for those without."""
    rows = session.connection().execute(_KINDS, {"organisation": organisation}).all()
    segments, plans = {segment for segment, _ in rows}, {plan for _, plan in rows}
    return tuple(sorted(segments)), tuple(sorted(plans))


def customers_shown(
    session: Session, organisation: str, customers: Sequence[str], now: datetime
) -> dict[str, PortfolioLine]:
    """The lines of these customers of the organisation, by id; those of others are left out."""
    rows = _whole(session, organisation, customers)
    return {line.id: line for line in lines_of(session, organisation, rows, now)}


def customer_shown(session: Session, organisation: str, customer: str, now: datetime) -> PortfolioLine:
    """The line of one customer, active or not; `customer` is our id of one of the organisation."""
    return customers_shown(session, organisation, [customer], now)[customer]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of `portfolio`, how many there are in all, and the cursors of the next ones and those before."""

    rows: list[RowMapping]
    total: int
    next: str | None
    previous: str | None = None


def page_of(
    session: Session,
    organisation: str,
    wanted: PortfolioFilter,
    order: Order,
    now: datetime,
    cursor: str | None,
    limit: int,
) -> Page:
    """A page in any order."""
    if not 1 <= limit <= LONGEST_PAGE:
        raise InputError(f"A page has 1 to {LONGEST_PAGE} customers, not {limit}.", place="limit")
    fits = narrowed(organisation, wanted, now)
    connection = session.connection()
    # What is sorted is kept short: the rows of the page are read when it is known which they are.
    query = select(COLUMNS.customer_id, *order.columns).where(fits).order_by(*order.by).limit(limit + 1)
    total = None
    if cursor is not None:
        behind, total = order.behind(cursor)
        query = query.where(behind)
    rows = list(connection.execute(query).mappings())
    if total is None:
        total = len(rows)
        if total > limit:
            counted = select(func.count()).select_from(table("portfolio")).where(fits)
            total = connection.execute(counted).scalar_one()
    shown = rows[:limit]
    return Page(
        _whole(session, organisation, [row["customer_id"] for row in shown]),
        total,
        _cursor_at(order, rows[limit - 1], total) if len(rows) > limit else None,
        _cursor_at(order, shown[0], total) if cursor is not None and shown else None,
    )


def _page_before(
    session: Session,
    organisation: str,
    wanted: PortfolioFilter,
    order: Order,
    now: datetime,
    cursor: str,
    limit: int,
) -> Page | None:
    """The page that ends before a cursor's row; None where there are too few rows for more than the first."""
    nearer, total = order.before(cursor)
    fits = narrowed(organisation, wanted, now) & nearer
    query = select(COLUMNS.customer_id, *order.columns).where(fits).order_by(*order.backwards)
    rows = list(session.connection().execute(query.limit(limit + 1)).mappings())
    if len(rows) <= limit:
        return None
    shown = rows[:limit][::-1]
    return Page(
        _whole(session, organisation, [row["customer_id"] for row in shown]),
        total,
        _cursor_at(order, shown[-1], total),
        _cursor_at(order, shown[0], total),
    )


def _cursor_at(order: Order, row: RowMapping, total: int) -> str:
    values = [row[f"key_{place}"] for place in range(len(order.keys))]
    return order.cursor(values, row["customer_id"], total)


def _whole(session: Session, organisation: str, customers: Sequence[str]) -> list[RowMapping]:
    """The rows of these customers of the organisation, in this order."""
    rows: dict[str, RowMapping] = {}
    # By way of the customers: SQLite, which has no counts of what is stored, takes reading all rows of an
    # organisation for less than looking for some of them.
    customer = table("customer").c
    same = (COLUMNS.organisation_id == customer.organisation_id) & (COLUMNS.customer_id == customer.id)
    query = select(table("portfolio")).join_from(table("customer"), table("portfolio"), same)
    query = query.where(unindexed(customer.organisation_id) == organisation)
    for start in range(0, len(customers), AT_ONCE):
        block = customers[start : start + AT_ONCE]
        found_rows = session.connection().execute(query.where(customer.id.in_(block))).mappings()
        rows |= {row["customer_id"]: row for row in found_rows}
    return [rows[one] for one in customers if one in rows]
