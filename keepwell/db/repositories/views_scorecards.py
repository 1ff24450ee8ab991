"""Read models of scorecards: those that come with Keepwell, and those the store keeps."""

from __future__ import annotations

from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.scorecards import DEFAULT, scorecard_by_hash
from keepwell.db.repositories.views import did_you_mean
from keepwell.db.tables import Organisation, Scorecard, ScorecardBeside
from keepwell.errors import InputError, NotFoundError
from scoring.load import builtin, builtin_names


class ScorecardLine(Frozen):
    """A scorecard in a list; `description` says what it is for, `origin` is "built in" or "stored".

    The one `in_use` decides levels; those `beside` are computed too and start nothing.
    """

    name: str
    version: int
    title: str
    description: str
    hash: str
    origin: str
    in_use: bool
    beside: bool


def scorecards(session: Session, organisation: str) -> tuple[ScorecardLine, ...]:
    """All scorecards: the built-in ones, then what the store keeps besides."""
    chosen = session.get_one(Organisation, organisation).scorecard or DEFAULT
    others = select(ScorecardBeside.scorecard).where(ScorecardBeside.organisation_id == organisation)
    beside = set(session.exec(others).all())
    ours = {builtin(name).fingerprint(): builtin(name) for name in builtin_names()}
    lines = [
        ScorecardLine(
            name=card.name,
            version=card.version,
            title=card.title,
            description=card.description,
            hash=fingerprint,
            origin="built in",
            in_use=chosen in (card.name, fingerprint),
            beside=bool(beside & {card.name, fingerprint}),
        )
        for fingerprint, card in ours.items()
    ]
    query = select(Scorecard).order_by(col(Scorecard.name), col(Scorecard.version), col(Scorecard.stored_at))
    for row in session.exec(query):
        if row.hash not in ours:
            card = scorecard_by_hash(session, row.hash)
            lines.append(
                ScorecardLine(
                    name=row.name,
                    version=row.version,
                    title=card.title,
                    description=card.description,
                    hash=row.hash,
                    origin="stored",
                    in_use=chosen == row.hash,
                    beside=row.hash in beside,
                )
            )
    return tuple(lines)


def find_scorecard(session: Session, text: str) -> str:
    """The hash of a stored scorecard by its hash, the beginning of it, its name or name@version.

    Of several versions of a name it is the one stored last. Raises NotFoundError for none, InputError
    for the beginning of several hashes.
    """
    name, _, version = text.strip().partition("@")
    query = select(Scorecard.hash).order_by(col(Scorecard.stored_at).desc())
    named = query.where(Scorecard.name == name)
    if version:
        named = named.where(Scorecard.version == (int(version) if version.isdigit() else -1))
    found = session.exec(named).first()
    if found is not None:
        return found
    beginning = text.strip().lower()
    if len(beginning) < 4:
        beginning = "-"  # no hash begins so; fewer letters would fit by accident
    hashes = session.exec(query.where(col(Scorecard.hash).startswith(beginning, autoescape=True))).all()
    if len(hashes) > 1:
        raise InputError(f"{text!r} begins several scorecards' hashes.", hint="Give more of it.")
    if not hashes:
        stored = session.exec(select(Scorecard.name).distinct()).all()
        known = sorted({*builtin_names(), *stored})
        raise NotFoundError(
            f"There is no scorecard {text!r}{did_you_mean(text, known)}, and no such file.",
            hint=f"Known are: {', '.join(known)}. Or name a TOML file.",
        )
    return hashes[0]
