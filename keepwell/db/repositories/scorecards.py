"""Scorecards in the store: by content hash, parsed once per process."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from importlib.resources import files

from sqlmodel import Session

from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.tables import Organisation
from keepwell.db.tables import Scorecard as ScorecardRow
from keepwell.errors import NotFoundError, StoreError
from scoring.errors import ScorecardError
from scoring.load import builtin, builtin_names, parse_scorecard
from scoring.scorecard import Scorecard

DEFAULT = "intervention"
"""The scorecard of an organisation that has not chosen one."""


def store_scorecard(session: Session, text: str, source: str, now: datetime) -> tuple[str, Scorecard]:
    """Keep a scorecard's text under the hash of its content; the hash and the scorecard.

    Raises:
        ScorecardError: the text is no sound scorecard; `source` is its name in the message.
    """
    card = parse_scorecard(text, source)
    fingerprint = card.fingerprint()
    if session.get(ScorecardRow, fingerprint) is None:
        row = {"name": card.name, "version": card.version, "content": text, "stored_at": now}
        insert_if_absent(session, "scorecard", {"hash": fingerprint, **row})
    return fingerprint, card


def scorecard_in_force(
    session: Session, organisation: Organisation, chosen: str | None, now: datetime
) -> tuple[str, Scorecard]:
    """Hash and scorecard: the chosen one, else the organisation's own, else the default.

    `chosen` is a hash in the store or the name of a built-in scorecard. A built-in one is stored on
    its first use, so that every score can be explained after an upgrade too.
    """
    name = chosen or organisation.scorecard or DEFAULT
    if name not in builtin_names():
        return name, scorecard_by_hash(session, name)
    fingerprint = builtin(name).fingerprint()
    if session.get(ScorecardRow, fingerprint) is not None:
        return fingerprint, builtin(name)
    return store_scorecard(session, _builtin_text(name), f"scorecards/{name}.toml", now)


def scorecard_by_hash(session: Session, fingerprint: str) -> Scorecard:
    """The scorecard of a hash.

    Raises:
        NotFoundError: the store has none of that hash.
        StoreError: the stored text is no scorecard for this version of Keepwell.
    """
    row = session.get(ScorecardRow, fingerprint)
    if row is None:
        raise NotFoundError(
            f"The store has no scorecard {fingerprint!r}.",
            hint=f"Name a stored one by its hash, or one of {', '.join(builtin_names())}.",
        )
    try:
        return _parsed(row.content, f"{row.name}@{row.version}")
    except ScorecardError as error:
        raise StoreError(f"The stored scorecard {fingerprint} cannot be read: {error}") from error


@lru_cache(maxsize=64)
def _parsed(content: str, source: str) -> Scorecard:
    # The text decides, not the hash: two stores of one process may hold different texts of one content.
    return parse_scorecard(content, source)


def _builtin_text(name: str) -> str:
    return (files("scoring") / "scorecards" / f"{name}.toml").read_text(encoding="utf-8")
