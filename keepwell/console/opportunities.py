"""Opportunities: which customers could use more, what it may bring, and what is done about it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from keepwell.api.v1.asked import Text
from keepwell.api.v1.resolving import customer_of
from keepwell.console import doing
from keepwell.console.lists import ROWS, SIGNALS, URGENCIES, Narrowed, said
from keepwell.console.view import AtConsole
from keepwell.db.repositories.views import customer_names
from keepwell.db.repositories.views_opportunities import LIVE, STATES, opportunities
from scoring.signal import Signal

router = APIRouter(include_in_schema=False)

STATE_WORDS: dict[str, tuple[str, str, str]] = {
    "open": ("Open", "info", "Its campaign is about to begin."),
    "running": ("Campaign runs", "good", "Its campaign runs."),
    "baseline": ("Was there before", "", "It was there before anybody looked: it begins nothing by itself."),
    "converted": ("Converted", "good", "They have upgraded."),
    "lost": ("Lost", "", "The campaign ended without an upgrade."),
    "gone": ("Gone", "", "The sign is not there any more."),
}
"""Each in words, the tone of its mark, and what it means where no reason is known."""
LISTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "": ("May become something", LIVE),
    **{state: (words, (state,)) for state, (words, _, _) in STATE_WORDS.items()},
    "all": ("All", STATES),
}
State = Literal["", "open", "running", "baseline", "converted", "lost", "gone", "all"]


@router.get("/console/opportunities")
def opportunities_page(
    view: AtConsole,
    state: State = "",
    signal: Signal | Literal[""] = "",
    customer: Annotated[Text, Query(max_length=200)] = "",
    cursor: Annotated[str, Query(max_length=1000)] = "",
) -> HTMLResponse:
    """Those that may still become something unless others are asked for."""
    with view.door.store.read() as session:
        whose = customer_of(session, view.who, customer or None)
        found = opportunities(
            session,
            view.organisation.id,
            states=LISTS[state][1],
            signal=signal or None,
            customer=whose,
            cursor=cursor,
            limit=ROWS,
        )
        names = customer_names(session, [whose] if whose else [])
    values = {
        "found": found,
        "customer_name": names[whose].name if whose else "",
        "asked": Narrowed("/console/opportunities", state=state, signal=signal, customer=customer),
        "state": state,
        "signal": signal,
        "lists": LISTS,
        "states": STATE_WORDS,
        "signals": SIGNALS,
        "urgencies": URGENCIES,
        "cursor": cursor,
        "said": said,
        "doing": doing,
    }
    return view.page("opportunities.html.j2", values)
