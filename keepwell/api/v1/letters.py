"""Letters that came in by email, and what was made of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator

from keepwell.api.access import Reader
from keepwell.api.door import AtDoor
from keepwell.api.problems import problems
from keepwell.api.v1.asked import Cursor, CustomerFilter, Limit, storable
from keepwell.api.v1.resolving import customer_of
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.views_inbox import LetterDetail, LetterLine, letter_page, own_letter

router = APIRouter(prefix="/api/v1/letters", tags=["letters"], responses=problems(404))


@router.get("", summary="Letters, the newest first")
def list_letters(
    door: AtDoor,
    who: Reader,
    customer: CustomerFilter = None,
    automatic: Annotated[
        bool, Query(description="Those too that a program wrote: out-of-office notes, bounces.")
    ] = False,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Page[LetterLine]:
    """What customers wrote back; `effect` says what was made of each."""
    with door.store.read() as session:
        return letter_page(
            session,
            who.organisation_id,
            customer=customer_of(session, who, customer),
            automatic=automatic,
            cursor=cursor,
            limit=limit,
        )


@router.get("/{letter}", summary="One letter in full")
def get_letter(
    letter: Annotated[str, AfterValidator(storable), Path(max_length=40, description="The letter's id.")],
    door: AtDoor,
    who: Reader,
) -> LetterDetail:
    """As plain text, with the message that it answers."""
    with door.store.read() as session:
        return own_letter(session, who.organisation_id, letter)
