"""What contacts wish to hear of, and addresses that nothing is sent to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, Field, StrictBool, StringConstraints
from sqlmodel import Session

from keepwell.api.access import Actor, Principal, Reader
from keepwell.api.door import AtDoor
from keepwell.api.problems import problems
from keepwell.api.v1.asked import Cursor, Limit, Reason, Undo, storable
from keepwell.contracts.base import Frozen, Strict
from keepwell.contracts.people import Consent, Purpose, SuppressionReason
from keepwell.db.repositories import suppressing, wishes
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.views_wishes import (
    ContactWishes,
    SuppressionLine,
    contact_wishes,
    own_contact,
    suppression_page,
)
from keepwell.errors import NotFoundError

router = APIRouter(prefix="/api/v1", tags=["wishes"], responses=problems(404, 409))

SOURCE = "api"
ContactPath = Annotated[str, AfterValidator(storable), Path(max_length=40, description="The contact's id.")]


class AddressBody(Strict):
    """An address; capitals do not count."""

    address: Annotated[
        str,
        StringConstraints(
            max_length=suppressing.LONGEST, pattern=r"^\s*[^@\s]+@[^@\s]+\s*$", strip_whitespace=True
        ),
        AfterValidator(storable),
    ] = Field(description="An email address.")
    why: Reason = Field(description="Why, for the timeline.")


class Suppressed(Frozen):
    """Whether anything is sent to an address now."""

    address: str
    suppressed: bool
    changed: bool = Field(description="False: it was so already.")
    undo: Undo | None = None


class WishBody(Strict):
    """Whether a contact wants messages of a purpose."""

    purpose: Purpose
    wanted: StrictBool
    why: Reason = Field(description="How you know, for the timeline.")


class ConsentBody(Strict):
    """Whether a contact agrees to hear from us at all."""

    consent: Consent
    why: Reason = Field(description="How you know, for the timeline.")


class WishAnswer(Frozen):
    """The contact's wishes as they are now."""

    contact: ContactWishes
    changed: bool = Field(description="False: it was so already.")
    undo: Undo | None = None


@router.get("/suppressions", summary="Addresses that nothing is sent to, the newest first")
def list_suppressions(
    door: AtDoor,
    who: Reader,
    lifted: Annotated[bool, Query(description="Those too that may be written to again.")] = False,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Page[SuppressionLine]:
    """Why, since when, and which contacts have them."""
    with door.store.read() as session:
        return suppression_page(session, who.organisation_id, lifted=lifted, cursor=cursor, limit=limit)


@router.post("/suppressions", summary="Let nothing be sent to an address any more")
def suppress(body: AddressBody, door: AtDoor, who: Actor) -> Suppressed:
    """Whoever has it."""
    with door.store.write() as session:
        new = suppressing.suppress(
            session,
            who.organisation_id,
            body.address,
            SuppressionReason.MANUAL,
            detail=body.why,
            source=SOURCE,
            by=who.name[:200],
            now=datetime.now(UTC),
        )
    key = suppressing.same(body.address)
    undo = _undo("suppressions/lift", "Lift it", address=key, why="Suppressed by mistake") if new else None
    return Suppressed(address=key, suppressed=True, changed=new, undo=undo)


@router.post("/suppressions/lift", summary="Let an address be written to again")
def lift(body: AddressBody, door: AtDoor, who: Actor) -> Suppressed:
    """A provider's own list is its own: look there, too."""
    key, now = suppressing.same(body.address), datetime.now(UTC)
    with door.store.write() as session:
        if not suppressing.lift(session, who.organisation_id, key, by=who.name[:200], why=body.why, now=now):
            raise NotFoundError(f"{key} is not suppressed.")
    undo = _undo("suppressions", "Suppress it again", address=key, why="Lifted by mistake")
    return Suppressed(address=key, suppressed=False, changed=True, undo=undo)


@router.get("/contacts/{contact}/wishes", summary="What a contact wishes, and what it may hear of")
def get_wishes(contact: ContactPath, door: AtDoor, who: Reader) -> ContactWishes:
    """By purpose and channel, with what keeps us from writing."""
    with door.store.read() as session:
        return contact_wishes(session, own_contact(session, who.organisation_id, contact))


@router.post("/contacts/{contact}/wishes", summary="Note what a contact wants to hear of")
def set_wish(contact: ContactPath, body: WishBody, door: AtDoor, who: Actor) -> WishAnswer:
    """As they told you. It holds for everybody with the same address."""
    with door.store.write() as session:
        changed = wishes.set_preference(
            session,
            own_contact(session, who.organisation_id, contact),
            body.purpose,
            body.wanted,
            source=SOURCE,
            by=who.name[:200],
            now=datetime.now(UTC),
            why=body.why,
        )
    back = {"purpose": body.purpose.value, "wanted": not body.wanted, "why": "Noted by mistake"}
    undo = _undo(f"contacts/{contact}/wishes", "Take it back", **back) if changed else None
    with door.store.read() as session:
        return _answer(session, who, contact, changed, undo)


@router.post("/contacts/{contact}/consent", summary="Note whether a contact agrees to hear from us")
def set_consent(contact: ContactPath, body: ConsentBody, door: AtDoor, who: Actor) -> WishAnswer:
    """As they told you."""
    with door.store.write() as session:
        row = own_contact(session, who.organisation_id, contact)
        before = row.consent
        changed = wishes.set_consent(
            session,
            row,
            body.consent,
            source=SOURCE,
            by=who.name[:200],
            now=datetime.now(UTC),
            why=body.why,
        )
    back = {"consent": before, "why": "Noted by mistake"}
    undo = _undo(f"contacts/{contact}/consent", "Take it back", **back) if changed else None
    with door.store.read() as session:
        return _answer(session, who, contact, changed, undo)


def _answer(session: Session, who: Principal, contact: str, changed: bool, undo: Undo | None) -> WishAnswer:
    found = contact_wishes(session, own_contact(session, who.organisation_id, contact))
    return WishAnswer(contact=found, changed=changed, undo=undo)


def _undo(path: str, words: str, **body: object) -> Undo:
    return Undo(method="POST", path=f"/api/v1/{path}", body=body, words=words)
