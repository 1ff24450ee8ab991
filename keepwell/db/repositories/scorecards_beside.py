"""Scorecards beside the one in force: computed by the same daily run, to be looked at, starting nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.repositories.scorecards import scorecard_by_hash, scorecard_in_force
from keepwell.db.tables import Organisation, ScoreBeside, ScorecardBeside
from keepwell.errors import InputError, NotFoundError
from scoring.levels import Level
from scoring.load import builtin_names
from scoring.scorecard import Scorecard

MOST = 10
"""Scorecards beside: each one adds a row a customer and day."""


class OtherScore(Frozen):
    """The last score of a customer by a scorecard that is not in force. `level` is what the score says."""

    scorecard: str
    hash: str
    title: str
    score: float | None
    level: Level | None
    band: str
    coverage: float
    insufficient: bool
    scored_at: datetime
    categories: dict[str, float]
    factors: dict[str, Any]


def beside_of(session: Session, organisation: Organisation, in_force: str, now: datetime) -> list[str]:
    """The hashes of the scorecards beside, in the order of adding; `in_force` is a hash that is left out."""
    found = (scorecard_in_force(session, organisation, one, now)[0] for one in _names(session, organisation))
    return [fingerprint for fingerprint in dict.fromkeys(found) if fingerprint != in_force]


def cards_beside(
    session: Session, organisation: Organisation, now: datetime
) -> tuple[tuple[str, Scorecard], ...]:
    """Hash and scorecard of those beside, in the order of adding."""
    return tuple(scorecard_in_force(session, organisation, one, now) for one in _names(session, organisation))


def add_beside(session: Session, organisation: Organisation, scorecard: str, now: datetime) -> Scorecard:
    """Compute this scorecard too from the next run on: a hash in the store, or the name of a built-in one.

    Raises:
        NotFoundError: it is neither.
        InputError: it is in force, is beside already, or there are ten of them.
    """
    fingerprint, card = scorecard_in_force(session, organisation, scorecard, now)
    label = f"{card.name}@{card.version}"
    if fingerprint == scorecard_in_force(session, organisation, None, now)[0]:
        raise InputError(f"{label} is the scorecard in force, so it is computed anyway.")
    known = cards_beside(session, organisation, now)
    if any(fingerprint == other for other, _ in known):
        raise InputError(f"{label} is computed beside the one in force already.")
    if len(known) >= MOST:
        raise InputError(
            f"There are {MOST} scorecards beside, which is the most.", hint="Take one away first."
        )
    row = {"organisation_id": organisation.id, "scorecard": scorecard, "added_at": now}
    insert_if_absent(session, "scorecard_beside", row)
    return card


def remove_beside(session: Session, organisation: Organisation, scorecard: str, now: datetime) -> Scorecard:
    """Compute this scorecard no longer; what it has scored stays. Hash or name as in `add_beside`.

    Raises:
        NotFoundError: it is not computed beside.
    """
    wanted = {scorecard}
    if scorecard not in builtin_names():
        wanted.add(scorecard_by_hash(session, scorecard).fingerprint())
    for name in _names(session, organisation):
        fingerprint, card = scorecard_in_force(session, organisation, name, now)
        if wanted & {name, fingerprint}:
            session.delete(session.get_one(ScorecardBeside, (organisation.id, name)))
            session.flush()
            return card
    beside = ", ".join(f"{card.name}@{card.version}" for _, card in cards_beside(session, organisation, now))
    raise NotFoundError(
        f"{scorecard!r} is not computed beside the scorecard in force.", hint=f"There is {beside or 'none'}."
    )


def other_scores(session: Session, customer: str) -> tuple[OtherScore, ...]:
    """A customer's scores by the scorecards beside, of the last run that scored the customer."""
    newest = (
        select(ScoreBeside.run_id)
        .where(ScoreBeside.customer_id == customer)
        .order_by(col(ScoreBeside.scored_at).desc(), col(ScoreBeside.run_id).desc())
        .limit(1)
    )
    run = session.exec(newest).first()
    query = select(ScoreBeside).where(ScoreBeside.customer_id == customer, ScoreBeside.run_id == run)
    found = [_shown(session, row) for row in session.exec(query)] if run else []
    return tuple(sorted(found, key=lambda one: (one.scorecard, one.hash)))


def _names(session: Session, organisation: Organisation) -> list[str]:
    query = select(ScorecardBeside.scorecard).where(ScorecardBeside.organisation_id == organisation.id)
    order = (col(ScorecardBeside.added_at), col(ScorecardBeside.scorecard))
    return list(session.exec(query.order_by(*order)).all())


def _shown(session: Session, row: ScoreBeside) -> OtherScore:
    card = scorecard_by_hash(session, row.scorecard)
    return OtherScore(
        scorecard=f"{card.name}@{card.version}",
        hash=row.scorecard,
        title=card.title,
        score=row.score,
        level=Level(row.raw_level) if row.raw_level else None,
        band=card.band_of(row.score).name if row.score is not None else "",
        coverage=row.coverage,
        insufficient=row.insufficient,
        scored_at=row.scored_at,
        categories=row.categories,
        factors=row.factors,
    )
