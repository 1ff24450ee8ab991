"""Choosing scorecards: the one in force, and those beside it, with a line in the journal each time."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, select

from keepwell.db.repositories import journal
from keepwell.db.repositories.organisations import scorecard_of, use_scorecard
from keepwell.db.repositories.scorecards import DEFAULT, scorecard_by_hash
from keepwell.db.repositories.scorecards_beside import add_beside, remove_beside
from keepwell.db.repositories.views import did_you_mean
from keepwell.db.repositories.views_scorecards import ScorecardLine, scorecards
from keepwell.db.tables import Organisation, ScoreRun
from keepwell.errors import InputError, NotFoundError
from keepwell.keys import new_id
from scoring.load import builtin, builtin_names
from scoring.scorecard import Scorecard

HASH = 64
"""Letters of a hash in full."""


def label(card: Scorecard) -> str:
    """How people call a scorecard: `intervention@1`."""
    return f"{card.name}@{card.version}"


def choose(
    session: Session, organisation: str, scorecard: str, *, by: str, now: datetime
) -> tuple[Scorecard, bool]:
    """Score by this scorecard (a built-in name, or a stored hash) from now on; it, and whether it is another.

    Raises NotFoundError for one that is neither.
    """
    before, old = scorecard_of(session, organisation, now=now)
    card = use_scorecard(session, organisation, scorecard)
    if card is None:
        raise InputError(f"There is no scorecard {scorecard!r}.")
    changed = card.fingerprint() != before
    if changed:
        text = f"Customers are scored by {label(card)}; it was {label(old)}"
        _tell(session, organisation, "scorecard.used", text, card, by, now)
    return card, changed


def put_beside(
    session: Session, organisation: str, scorecard: str, *, remove: bool = False, by: str, now: datetime
) -> Scorecard:
    """Compute this scorecard beside the one in force from the next run on, or no longer.

    Raises InputError and NotFoundError as `scorecards_beside` does.
    """
    row = session.get_one(Organisation, organisation)
    card = (remove_beside if remove else add_beside)(session, row, scorecard, now)
    text = f"{label(card)} is computed {'no longer' if remove else 'beside the one in use'}"
    _tell(session, organisation, "scorecard.beside", text, card, by, now)
    return card


def card_in_force(session: Session, organisation: Organisation) -> Scorecard:
    """The scorecard in force; read only, where `scorecard_in_force` keeps a built-in one on its first use."""
    name = organisation.scorecard or DEFAULT
    return builtin(name) if name in builtin_names() else scorecard_by_hash(session, name)


def own_scorecards(session: Session, organisation: str) -> tuple[ScorecardLine, ...]:
    """The scorecards an organisation knows of: the built-in ones, and those it uses or has scored by."""
    query = select(ScoreRun.scorecard).where(ScoreRun.organisation_id == organisation).distinct()
    used = set(session.exec(query).all())
    return tuple(
        one
        for one in scorecards(session, organisation)
        if one.origin == "built in" or one.in_use or one.beside or one.hash in used
    )


def scorecard_named(session: Session, organisation: str, text: str) -> tuple[str, Scorecard]:
    """One of these by its name, name@version or hash, as the store knows it (name or hash), and it itself.

    Whoever knows the whole hash of another one has its content, so that is enough, too. Raises NotFoundError.
    """
    text = text.strip()
    if text in builtin_names():
        return text, builtin(text)
    known = own_scorecards(session, organisation)
    for one in sorted(known, key=lambda line: -line.version):
        if text in (one.hash, one.name, f"{one.name}@{one.version}"):
            stored = one.name if one.origin == "built in" else one.hash
            return stored, builtin(stored) if stored in builtin_names() else scorecard_by_hash(
                session, stored
            )
    if len(text) == HASH:
        return text, scorecard_by_hash(session, text)
    names = [one.name for one in known]
    raise NotFoundError(
        f"There is no scorecard {text!r}{did_you_mean(text, names)}.", hint=f"There are {', '.join(names)}."
    )


def _tell(
    session: Session, organisation: str, kind: str, text: str, card: Scorecard, by: str, now: datetime
) -> None:
    journal.write(
        session,
        key=f"{kind}/{new_id()}",
        organisation=organisation,
        kind=kind,
        text=text,
        at=now,
        by=by,
        data={"scorecard": card.fingerprint()},
    )
