"""Offers: what was offered to whom until when, what came of it, and what customers said by phone."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from keepwell.api.v1.asked import Text
from keepwell.api.v1.resolving import customer_of
from keepwell.console import doing
from keepwell.console.choices import TASK_OUTCOMES, snoozes, staff_of
from keepwell.console.lists import OFFER_STATES, ROWS, Narrowed, said
from keepwell.console.view import AtConsole
from keepwell.contracts.offers import OPEN_OFFER, OfferState
from keepwell.db.repositories.offer_rates import ALL, offer_rates
from keepwell.db.repositories.views import customer_names
from keepwell.db.repositories.views_offers import OfferFilter, offer_list

router = APIRouter(include_in_schema=False)

STATES: dict[str, tuple[str, tuple[OfferState, ...]]] = {
    "": ("Open", OPEN_OFFER),
    "accepted": ("Accepted", (OfferState.ACCEPTED,)),
    "declined": ("Declined", (OfferState.DECLINED,)),
    "expired": ("Expired", (OfferState.EXPIRED,)),
    "withdrawn": ("Withdrawn", (OfferState.WITHDRAWN,)),
    "all": ("All", ()),
}
"""What the address says, how it reads, and which offers it means."""


@router.get("/console/offers")
def offers_page(
    view: AtConsole,
    state: Literal["", "accepted", "declined", "expired", "withdrawn", "all"] = "",
    customer: Annotated[Text, Query(max_length=200)] = "",
    cursor: Annotated[str, Query(max_length=1000)] = "",
) -> HTMLResponse:
    """The open ones unless others are asked for."""
    own = view.organisation.id
    with view.door.store.read() as session:
        whose = customer_of(session, view.who, customer or None)
        wanted = OfferFilter(customer=whose, states=STATES[state][1])
        found = offer_list(session, own, wanted, cursor=cursor, limit=ROWS)
        rates = offer_rates(session, view.organisation, per="kind")
        names = customer_names(session, [whose] if whose else [])
        values = {
            "found": found,
            "rates": rates,
            "every": ALL,
            "customer_name": names[whose].name if whose else "",
            "staff": staff_of(session, own),
            "snoozes": snoozes(view.now, view.zone),
            "outcomes": TASK_OUTCOMES,
            "asked": Narrowed("/console/offers", state=state, customer=customer),
            "state": state,
            "states": STATES,
            "state_words": OFFER_STATES,
            "open": OPEN_OFFER,
            "cursor": cursor,
            "said": said,
            "doing": doing,
        }
    return view.page("offers.html.j2", values)
