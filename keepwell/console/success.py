"""A customer's own success page: how it goes, what it did, what to try next. Its own people see it alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from keepwell.api.access import ForbiddenError
from keepwell.console.view import AtOwn, View
from keepwell.db.repositories.client_insights import InsightKind
from keepwell.db.repositories.views_client import client_success
from keepwell.db.repositories.views_client_contact import contact_of_account, offers_to_contact
from keepwell.errors import NotFoundError
from keepwell.links import Use

router = APIRouter(include_in_schema=False)

RANGES: Final[Mapping[str, str]] = {
    "excellent": "Excellent",
    "good": "Going well",
    "needs_attention": "Room to grow",
    "at_risk": "Quiet lately",
}
"""What a range is called on the customer's page."""

TRENDS: Final[Mapping[str, str]] = {"rising": "rising", "declining": "falling", "stable": "steady"}

KINDS: Final[Mapping[InsightKind, str]] = {
    InsightKind.WEEKLY_SUMMARY: "Your week",
    InsightKind.ACHIEVEMENT: "Well done",
    InsightKind.RECOMMENDATION: "Worth a try",
    InsightKind.MILESTONE: "Milestone",
    InsightKind.TIP: "Tip",
}

LASTS: Final = timedelta(minutes=10)
"""How long the page's token for notifications holds; the page asks for another while its session lasts."""


class Token(BaseModel):
    """A token for the notifications of whoever is signed in."""

    token: str


@router.get("/success")
def success(view: AtOwn) -> HTMLResponse:
    """The page."""
    customer = _own(view)
    with view.door.store.read() as session:
        shown = client_success(session, view.who.organisation_id, customer, view.now)
        contact = contact_of_account(session, view.who.account_id or "")
        offers = (
            offers_to_contact(
                session,
                view.who.organisation_id,
                contact,
                view.door.links,
                shown.activity.zone,
                view.now,
            )
            if contact is not None
            else ()
        )
    values = {
        "shown": shown,
        "offers": offers,
        "has_feed": contact is not None,
        "range": RANGES.get(shown.score.range_key, shown.score.range),
        "trend": TRENDS.get(shown.score.trend, ""),
        "kinds": KINDS,
        "zone": ZoneInfo(shown.activity.zone),
        "starts_on": shown.activity.days[0].day.isoweekday() if shown.activity.days else 1,
    }
    return view.page("success.html.j2", values)


@router.get("/success/token")
def token(view: AtOwn) -> Token:
    """A token for the notifications of whoever is signed in, for the widget on the page.

    Raises:
        NotFoundError: no contact has the account's email address.
    """
    _own(view)
    with view.door.store.read() as session:
        contact = contact_of_account(session, view.who.account_id or "")
    if contact is None:
        raise NotFoundError("There are no notifications: no contact has your email address.")
    made = view.door.links.token(Use.FEED, {"contact": contact}, until=view.now + LASTS)
    return Token(token=made)


def _own(view: View) -> str:
    if view.who.customer_id is None:
        raise ForbiddenError(
            "This page is for customers, and you are none.", hint="Staff see customers in the console."
        )
    return view.who.customer_id
