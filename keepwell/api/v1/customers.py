"""Customers as they stand: the list, one of them, and its people."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from keepwell.api import etags
from keepwell.api.access import Reader
from keepwell.api.door import AtDoor
from keepwell.api.problems import problems
from keepwell.api.v1.asked import Cursor, CustomerPath, StaffText, Text
from keepwell.api.v1.resolving import owner_of
from keepwell.db.repositories.named import customer_named
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.views_customer import CustomerDetail, customer_detail
from keepwell.db.repositories.views_portfolio import portfolio
from keepwell.db.repositories.views_portfolio_lines import (
    LONGEST_PAGE,
    NO_OWNER,
    PortfolioFilter,
    PortfolioLine,
    Sort,
    SortBy,
)
from keepwell.db.repositories.views_wishes import ContactWishes, customer_wishes
from scoring.levels import Level
from scoring.trend import Direction

router = APIRouter(prefix="/api/v1/customers", tags=["customers"], responses=problems(404))


class CustomersPage(Page[PortfolioLine]):
    """A part of the list; `total` is how many fit in all."""

    total: int


def _wanted(
    search: Annotated[
        Text, Query(max_length=200, description="A part of the name or of the external id.")
    ] = "",
    level: Annotated[list[Level], Query(description="May be given again: any of them.")] = [],  # noqa: B006
    owner: Annotated[
        list[StaffText], Query(description="Members of staff; `me` is whoever asks, `none` is nobody.")
    ] = [],  # noqa: B006
    segment: Annotated[
        list[Text], Query(max_length=50, description="Their segment. May be given again: any of them.")
    ] = [],  # noqa: B006
    plan: Annotated[
        list[Text], Query(max_length=50, description="Their plan. May be given again: any of them.")
    ] = [],  # noqa: B006
    trend: Annotated[Direction | None, Query(description="Where their score goes. Unset: anywhere.")] = None,
    at_risk: Annotated[bool | None, Query(description="At AT_RISK or worse, or not.")] = None,
    intervention: Annotated[bool | None, Query(description="With an open one, or without.")] = None,
    unscored: Annotated[bool | None, Query(description="Never scored, or scored.")] = None,
    insufficient: Annotated[bool | None, Query(description="The last scoring found too little data.")] = None,
    renews_before: Annotated[date | None, Query(description="The first day that no longer counts.")] = None,
    churn_above: Annotated[float | None, Query(ge=0, le=1, description="A probability, 0 to 1.")] = None,
    inactive: Annotated[bool, Query(description="Those who have left instead.")] = False,
) -> PortfolioFilter:
    """The filter that the parameters say; its owners are as they were written."""
    return PortfolioFilter(
        levels=tuple(level),
        owners=tuple(owner),
        segments=tuple(segment),
        plans=tuple(plan),
        trend=trend,
        search=search,
        at_risk=at_risk,
        intervention=intervention,
        unscored=unscored,
        insufficient=insufficient,
        renews_before=renews_before,
        churn_above=churn_above,
        inactive=inactive,
    )


@router.get("", responses=problems())
def list_customers(
    who: Reader,
    door: AtDoor,
    wanted: Annotated[PortfolioFilter, Depends(_wanted)],
    sort: Annotated[SortBy, Query(description="What they are sorted by.")] = SortBy.SCORE,
    descending: Annotated[bool, Query(description="The greatest first.")] = False,
    limit: Annotated[int, Query(ge=1, le=LONGEST_PAGE, description="At most so many on one page.")] = 50,
    cursor: Cursor = "",
) -> CustomersPage:
    """The customers for whom all of this holds; without an order the worst score first."""
    with door.store.read() as session:
        owners = (one if one == NO_OWNER else owner_of(session, who, one) for one in wanted.owners)
        found = portfolio(
            session,
            who.organisation_id,
            wanted.model_copy(update={"owners": tuple(owners)}),
            Sort(by=sort, descending=descending),
            now=datetime.now(UTC),
            cursor=cursor or None,
            limit=limit,
        )
    return CustomersPage(items=found.lines, total=found.total, next=found.next)


@router.get("/{customer}", response_model=CustomerDetail)
def get_customer(customer: CustomerPath, request: Request, who: Reader, door: AtDoor) -> Response:
    """Everything about one customer: score, trend, why, contacts, interventions, tasks."""
    with door.store.read() as session:
        own = customer_named(session, who.organisation_id, customer).id
        detail = customer_detail(session, who.organisation_id, own, datetime.now(UTC))
    return etags.answer(request, detail)


@router.get("/{customer}/contacts")
def list_customer_contacts(customer: CustomerPath, who: Reader, door: AtDoor) -> Page[ContactWishes]:
    """The customer's people, and what each may hear of: consent, wishes, suppressed addresses."""
    with door.store.read() as session:
        own = customer_named(session, who.organisation_id, customer).id
        return Page[ContactWishes](items=customer_wishes(session, who.organisation_id, own))
