"""Organisations, and the scorecard each of them uses."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from keepwell.db.repositories.lookup import found, insert_if_absent
from keepwell.db.repositories.scorecards import scorecard_by_hash, scorecard_in_force, store_scorecard
from keepwell.db.tables import Organisation
from keepwell.errors import InputError
from scoring.load import builtin, builtin_names
from scoring.scorecard import Scorecard

MAX_KEY = 40


def find(session: Session, key: str) -> Organisation | None:
    """The organisation with this key, or None."""
    return session.exec(select(Organisation).where(col(Organisation.key) == key)).one_or_none()


def get_or_create(
    session: Session, key: str, *, now: datetime, name: str | None = None, demo: bool = False
) -> Organisation:
    """The organisation with this key; a new one where there is none. `name` and `demo` are for a new one."""
    if len(key) > MAX_KEY:
        raise InputError(f"the organisation's key {key!r} is longer than {MAX_KEY} characters")
    known = find(session, key)
    if known is not None:
        return known
    # The key is the id too: it stands in workflow ids and ledger keys, which people read.
    new = Organisation(id=key, key=key, name=name or key, demo=demo, created_at=now)
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


def use_scorecard_text(
    session: Session, organisation_id: str, text: str, source: str, *, now: datetime
) -> tuple[str, Scorecard]:
    """Store a scorecard's TOML text and choose it. ScorecardError (of scoring) for a bad one."""
    content_hash, card = store_scorecard(session, text, source, now)
    use_scorecard(session, organisation_id, content_hash)
    return content_hash, card
