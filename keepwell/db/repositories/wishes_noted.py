"""The journal's lines on what contacts have said. All in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from keepwell.db.repositories import journal
from keepwell.db.tables import Contact
from keepwell.keys import new_id


@dataclass(frozen=True)
class Said:
    """Who said it, by which way, when and why: for the journal."""

    by: str
    source: str
    at: datetime
    why: str


def note(
    session: Session,
    contacts: Sequence[Contact],
    kind: str,
    text: Callable[[Contact], str],
    said: Said,
    **data: str,
) -> None:
    """A line in the journal for each contact."""
    for one in contacts:
        journal.write(
            session,
            key=f"wish/{new_id()}",
            organisation=one.organisation_id,
            customer=one.customer_id,
            kind=kind,
            by=said.by,
            text=text(one),
            why=said.why,
            data={"contact": one.id, "source": said.source, **data},
            at=said.at,
        )
