"""From what a request names to our ids, within the organisation of whoever asks."""

from __future__ import annotations

from sqlmodel import Session

from keepwell.api.access import Principal
from keepwell.db.repositories.named import customer_named, staff_named
from keepwell.errors import InputError

ME = "me"


def customer_of(session: Session, who: Principal, text: str | None) -> str | None:
    """Our id of the customer meant; None for None. Raises NotFoundError."""
    return None if text is None else customer_named(session, who.organisation_id, text).id


def owner_of(session: Session, who: Principal, text: str | None) -> str | None:
    """Our id of the member of staff meant, who may have left; None for None. `me` is whoever asks.

    Raises NotFoundError for nobody, InputError for `me` where whoever asks is no member of staff.
    """
    if text != ME:
        return None if text is None else staff_named(session, who.organisation_id, text, left=True).id
    if who.staff_id is None:
        raise InputError(
            f"{who.name} is no member of staff, so nothing is theirs.",
            place="owner",
            hint="Name somebody, or leave it out.",
        )
    return who.staff_id
