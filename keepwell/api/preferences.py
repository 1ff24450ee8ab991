"""The page where a contact says which messages are wanted, which is also what a mail program's button calls.

Getting the page changes nothing: mail scanners and previews get every link. Only a POST changes something.
No other proof is asked for than the link itself: it is signed, stands in messages to this contact alone, and
there is neither a cookie nor a session. A page of somebody else's can therefore make a browser send nothing
that it could not send itself, and it could send nothing without the link: forged requests across sites
(CSRF) have nothing to ride on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from sqlmodel import Session

from keepwell.api.door import AtDoor, Door
from keepwell.api.pages import SAFE, message
from keepwell.api.preference_form import FormSaid, Said
from keepwell.api.preference_view import GONE, GONE_TITLE, UNREAD, UNREAD_TITLE, shown
from keepwell.contracts.people import Purpose
from keepwell.db.engine import past_deadlocks
from keepwell.db.repositories import preferences
from keepwell.db.repositories.preferences import Standing
from keepwell.errors import NotFoundError
from keepwell.links import LinkRefusedError, Use

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class _Named:
    """What a link names: a contact, and the purpose of the message that it stood in."""

    contact: str
    purpose: Purpose | None


@router.api_route("/preferences/{token}", methods=["GET", "HEAD"])
def show(token: str, door: AtDoor) -> HTMLResponse:
    """What holds now, and the forms to change it."""
    try:
        named = _named(door, token)
        with door.store.read() as session:
            standing = preferences.standing(session, named.contact)
    except (LinkRefusedError, NotFoundError):
        return _gone()
    return shown(standing, token, named.purpose)


@router.post("/preferences/{token}")
def change(token: str, door: AtDoor, said: FormSaid) -> Response:
    """Change what a form says; or end messages of one purpose at once, where a mail program says so."""
    if said is None or not (said.by_button or said.do):
        return message(UNREAD_TITLE, UNREAD, status=422)
    try:
        named = _named(door, token)
        with door.store.write() as session:
            # An import may have the same contacts in another order; no mail program asks a second time.
            before, after = past_deadlocks(session, partial(_changed, session, said, named))
    except (LinkRefusedError, NotFoundError):
        return _gone()
    if said.by_button:
        return PlainTextResponse("You are unsubscribed.\n", headers=SAFE)
    return shown(after, token, named.purpose, said=True, before=None if said.do == "undo" else before)


def _changed(session: Session, said: Said, named: _Named) -> tuple[Standing, Standing]:
    """Make hold what was said; what held before, and what holds now."""
    before = preferences.standing(session, named.contact, lock=True)
    wanted = _wanted(said, before, named.purpose)
    preferences.save(session, before, wanted, by_button=said.by_button, now=datetime.now(UTC))
    return before, preferences.standing(session, named.contact)


def _wanted(said: Said, before: Standing, purpose: Purpose | None) -> preferences.Wanted:
    """What is to hold from now on.

    Who takes back that nothing at all is wanted agrees to be written to. A button in a message whose link
    names no purpose can only mean all of them.
    """
    if said.by_button or said.do == "stop":
        return before.without(purpose)
    if said.do == "undo":
        return preferences.Wanted(frozenset(said.wanted), said.consent)
    return before.none() if said.none else before.choosing(frozenset(said.wanted))


def _named(door: Door, token: str) -> _Named:
    """What a link names.

    Raises:
        LinkRefusedError: it is not whole, or none of ours.
    """
    data = door.links.read(Use.PREFERENCES, token)
    if "contact" not in data:
        raise LinkRefusedError("This link is not complete, or not one of ours.")
    purpose = data.get("purpose", "")
    return _Named(data["contact"], Purpose(purpose) if purpose in set(Purpose) else None)


def _gone() -> HTMLResponse:
    return message(GONE_TITLE, GONE, status=404)
