"""The page of one's own account: the password, and where one is signed in."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from keepwell.api.cookies import session_token
from keepwell.console.view import AtConsole
from keepwell.db.repositories import accounts, sessions
from keepwell.passwords import SHORTEST

router = APIRouter(include_in_schema=False)


@router.get("/console/me")
def show(view: AtConsole) -> HTMLResponse:
    """Who is signed in, and where."""
    own, token = view.who.account_id or "", session_token(view.request)
    with view.door.store.read() as session:
        values = {
            "account": accounts.account_line(session, view.organisation.id, own),
            "sessions": sessions.sessions_of(session, own, token, view.now),
            "shortest": SHORTEST,
        }
    return view.page("me.html.j2", values)
