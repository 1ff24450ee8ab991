"""How playbooks go in an organisation: automatic, with drafts, or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from keepwell.contracts.drafts import Mode
from keepwell.db.repositories import journal
from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.tables import Organisation, PlaybookMode
from keepwell.keys import new_id

OFF = "off"
"""The code with which a start is refused."""


def mode_of(session: Session, organisation: str, playbook: str) -> Mode:
    """How a playbook goes now; one that nobody has switched goes as the organisation's new ones do."""
    row = session.get(PlaybookMode, (organisation, playbook))
    return _default(session, organisation) if row is None else Mode(row.mode)


def modes(session: Session, organisation: str, playbooks: Iterable[str]) -> dict[str, Mode]:
    """The same for many, by name."""
    query = select(PlaybookMode).where(PlaybookMode.organisation_id == organisation)
    found = {row.playbook: Mode(row.mode) for row in session.exec(query)}
    default = _default(session, organisation)
    return {name: found.get(name, default) for name in playbooks}


def needs_approval(session: Session, organisation: str, playbook: str) -> bool:
    """Whether a message of this playbook to a contact waits for a person's word now.

    Of one that is switched off it is as it was before.
    """
    row = session.get(PlaybookMode, (organisation, playbook))
    return _default(session, organisation) is Mode.DRAFT if row is None else row.approves


def switched_off(session: Session, organisation: str, playbook: str) -> tuple[str, str] | None:
    """Why a playbook that is switched off does not begin, as a code and in words; None where it is not."""
    row = session.get(PlaybookMode, (organisation, playbook))
    if row is None or row.mode != Mode.OFF:
        return None
    return OFF, f"{playbook} is switched off since {row.set_at:%d %b %Y} ({row.set_by})"


def all_off(session: Session, organisation: str) -> dict[str, str]:
    """The playbooks that are switched off, each with the words that say so."""
    query = (
        select(PlaybookMode.playbook)
        .where(PlaybookMode.organisation_id == organisation, PlaybookMode.mode == Mode.OFF)
        .order_by(col(PlaybookMode.playbook))
    )
    named = {name: switched_off(session, organisation, name) for name in session.exec(query).all()}
    return {name: why[1] for name, why in named.items() if why is not None}


def set_mode(session: Session, organisation: str, playbook: str, mode: Mode, by: str, now: datetime) -> Mode:
    """Switch a playbook; gives how it went before. The same mode again changes nothing and is no line."""
    before = mode_of(session, organisation, playbook)
    approved = needs_approval(session, organisation, playbook)
    values = {
        "organisation_id": organisation,
        "playbook": playbook,
        "mode": mode.value,
        "approves": approved if mode is Mode.OFF else mode is Mode.DRAFT,
        "set_by": by,
        "set_at": now,
    }
    if not insert_if_absent(session, "playbook_mode", values):
        row = session.get_one(PlaybookMode, (organisation, playbook), with_for_update=True)
        before = Mode(row.mode)
        if before is mode:
            return before
        row.mode, row.set_by, row.set_at = mode.value, by, now
        row.approves = row.approves if mode is Mode.OFF else mode is Mode.DRAFT
        session.add(row)
    if before is not mode:
        journal.write(
            session,
            key=f"playbook.mode/{new_id()}",
            organisation=organisation,
            kind="playbook.mode",
            text=f"{playbook}: {before.value} → {mode.value}",
            at=now,
            by=by,
            data={"playbook": playbook, "before": before.value, "mode": mode.value},
        )
    return before


def _default(session: Session, organisation: str) -> Mode:
    return Mode(session.get_one(Organisation, organisation).new_playbooks)
