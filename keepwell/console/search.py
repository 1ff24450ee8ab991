"""The search: customers, contacts and interventions by what people type."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from keepwell.console import doing
from keepwell.console.view import AtConsole, View
from keepwell.db.repositories.views_search import Found, search

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Query(max_length=200)]
BELOW_FIELD = 5
"""Of each kind while somebody types."""
ON_PAGE = 50


@router.get("/console/search")
def search_page(view: AtConsole, q: Text = "") -> HTMLResponse:
    """All that was found."""
    return view.page("search.html.j2", {"found": _found(view, q, ON_PAGE), "doing": doing, "most": ON_PAGE})


@router.get("/console/search/found")
def below_field(view: AtConsole, q: Text = "") -> HTMLResponse:
    """The first of it, below the field in the bar."""
    return view.page("_found.html.j2", {"found": _found(view, q, BELOW_FIELD), "doing": doing})


def _found(view: View, text: str, limit: int) -> Found:
    with view.door.store.read() as session:
        return search(session, view.organisation.id, text, limit=limit)
