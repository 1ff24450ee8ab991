"""The page of an offer: the customer accepts with terms, declines, or asks for a call.

Getting the page changes nothing, not even whether the offer was seen: mail scanners get it before people do.
Seen is what the page's small script says at the first movement of a hand, and what an answer says anyway.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from keepwell.api.door import AtDoor, Door
from keepwell.api.offer_form import Said, Wrong, call_of, command_of
from keepwell.api.offer_view import ANSWERED_BEFORE, GONE, values_of
from keepwell.api.pages import SAFE, message, page
from keepwell.db.repositories import offer_page
from keepwell.db.repositories.offer_page import Addressed
from keepwell.errors import NotFoundError
from keepwell.links import LinkRefusedError, Use

router = APIRouter(include_in_schema=False)

Did = Literal["done", "late"]


@router.get("/offers/{token}")
def show(token: str, door: AtDoor) -> HTMLResponse:
    """The offer as it stands."""
    try:
        named = _named(door, token)
        with door.store.read() as session:
            return _page(session, offer_page.addressed(session, *named), token)
    except (LinkRefusedError, NotFoundError) as error:
        return _gone(error)


@router.post("/offers/{token}")
def answer(token: str, door: AtDoor, said: Annotated[Said, Form()]) -> Response:
    """Accept, decline or ask for a call. Who comes second is told what was answered before."""
    try:
        named = _named(door, token)
        with door.store.write() as session:
            found = offer_page.addressed(session, *named, lock=True)
            try:
                did = _carry_out(session, found, said)
            except Wrong as wrong:
                return _page(session, found, token, wrong=wrong, said=said, status=422)
            if did == "late":
                return _page(session, found, token, note=ANSWERED_BEFORE, status=409)
    except (LinkRefusedError, NotFoundError) as error:
        return _gone(error)
    # Back to the page by its own address, whatever proxy stands before it; loading it again sends nothing.
    return RedirectResponse(f"../offers/{token}", status_code=303, headers=SAFE)


@router.post("/offers/{token}/seen")
def seen(token: str, door: AtDoor) -> Response:
    """A person looks at it."""
    try:
        named = _named(door, token)
        with door.store.write() as session:
            offer_page.see(session, offer_page.addressed(session, *named, lock=True), _now())
    except (LinkRefusedError, NotFoundError):
        return Response(status_code=404, headers=SAFE)
    return Response(status_code=204, headers=SAFE)


def _carry_out(session: Session, found: Addressed, said: Said) -> Did:
    now = _now()
    if said.do == "call":
        if offer_page.state_of(session, found, now) is not offer_page.PageState.OPEN:
            return "late"
        call = call_of(said)
        offer_page.ask_for_call(session, found, call.phone, call.when, call.note, now)
        return "done"
    # Checked first: a mistake in what came is not an answer.
    command = command_of(said, offer_page.options_of(found.offer), offer_page.by_of(found))
    return "done" if offer_page.answer(session, found, command, now) else "late"


def _page(
    session: Session,
    found: Addressed,
    token: str,
    *,
    wrong: Wrong | None = None,
    said: Said | None = None,
    note: str = "",
    status: int = 200,
) -> HTMLResponse:
    shown = offer_page.page_of(session, found, _now())
    return page("offer.html.j2", values_of(shown, token, wrong, said or Said(), note), status)


def _named(door: Door, token: str) -> tuple[str, str]:
    data = door.links.read(Use.OFFER, token)
    return data.get("offer", ""), data.get("contact", "")


def _gone(error: LinkRefusedError | NotFoundError) -> HTMLResponse:
    return message("This offer cannot be shown", f"{error.message} {GONE}", status=404)


def _now() -> datetime:
    return datetime.now(UTC)
