"""Organisations, and the scorecard each of them uses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from keepwell.contracts.drafts import Mode
from keepwell.db.repositories.lookup import found, insert_if_absent
from keepwell.db.repositories.scorecards import scorecard_by_hash, scorecard_in_force
from keepwell.db.tables import Organisation
from keepwell.errors import InputError
from scoring.load import builtin, builtin_names
from scoring.scorecard import Scorecard

MAX_KEY = 40

CAREFUL: Mapping[str, Any] = {
    "new_playbooks": Mode.DRAFT.value,
    "quiet_from": "20:00",
    "quiet_until": "08:00",
    "business_days": "12345",
}
"""What an organisation begins with whose people are to see what goes out before customers do.

Their customers hear from them by day, Monday to Friday, on the customer's clock.
"""


def find(session: Session, key: str) -> Organisation | None:
    """The organisation with this key, or None."""
    return session.exec(select(Organisation).where(col(Organisation.key) == key)).one_or_none()


def get_or_create(
    session: Session,
    key: str,
    *,
    now: datetime,
    name: str | None = None,
    demo: bool = False,
    careful: bool = False,
) -> Organisation:
    """The organisation with this key; a new one where there is none.

    `name`, `demo` and `careful` are for a new one: a careful one begins as `CAREFUL` says.
    """
    if len(key) > MAX_KEY:
        raise InputError(f"the organisation's key {key!r} is longer than {MAX_KEY} characters")
    known = find(session, key)
    if known is not None:
        return known
    # The key is the id too: it stands in workflow ids and ledger keys, which people read.
    manners = CAREFUL if careful else {}
    new = Organisation(id=key, key=key, name=name or key, demo=demo, created_at=now, **manners)
    insert_if_absent(session, "organisation", new.model_dump())
    # Inserted by us, or by somebody faster.
    return found(session, Organisation, key, "organisation")


def scorecard_of(session: Session, organisation_id: str, *, now: datetime) -> tuple[str, Scorecard]:
    """Hash and scorecard of an organisation: its own, or the default."""
    organisation = found(session, Organisation, organisation_id, "organisation")
    return scorecard_in_force(session, organisation, None, now)


def use_scorecard(session: Session, organisation_id: str, scorecard: str | None) -> Scorecard | None:
    """Choose a built-in scorecard (by name) or a stored one (by hash); None goes back to the default.

    Raises NotFoundError for one that is neither.
    """
    organisation = found(session, Organisation, organisation_id, "organisation")
    card = None
    if scorecard is not None:
        known = scorecard in builtin_names()
        card = builtin(scorecard) if known else scorecard_by_hash(session, scorecard)
    organisation.scorecard = scorecard
    session.add(organisation)
    session.flush()
    return card
