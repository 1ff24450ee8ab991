"""Read models of drafts: what waits for whom until when, and one in full with what was changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from difflib import unified_diff
from typing import Any

from sqlalchemy import or_
from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.contracts.drafts import DraftState, Frame
from keepwell.db.repositories.views import SHORTEST_PART, customer_names, staff_names
from keepwell.db.tables import Draft, Intervention
from keepwell.errors import InputError, NotFoundError
from keepwell.rendering.edited import own_part


class DraftLine(Frozen):
    """A draft in a list; `decide_by` is when the step counts as missed, on the intervention's clock."""

    id: str
    customer_id: str
    customer: str
    intervention: str
    playbook: str
    step: str
    channel: str
    recipient: str
    subject: str
    owner: str
    state: str
    written_at: datetime
    decide_by: datetime
    edited_by: str
    decided_by: str
    decided_at: datetime | None
    note: str


class DraftDetail(Frozen):
    """One draft: the text as it will go, the part of it that may be changed, and what was changed.

    `changes` are lines of a diff between what was rendered and what is there now.
    """

    draft: DraftLine
    text: str
    own_text: str
    html: str
    changes: tuple[str, ...]


def drafts(
    session: Session,
    organisation: str,
    *,
    playbook: str | None = None,
    customer: str | None = None,
    owner: str | None = None,
    everything: bool = False,
    limit: int | None = None,
) -> tuple[DraftLine, ...]:
    """Drafts that wait, those first whose time is over first; with `everything`, all, the newest first."""
    query = (
        select(Draft, Intervention)
        .join(Intervention, col(Intervention.id) == col(Draft.intervention_id))
        .where(Draft.organisation_id == organisation)
    )
    if not everything:
        query = query.where(Draft.state == DraftState.WAITING)
    if playbook is not None:
        query = query.where(Intervention.playbook == playbook)
    if customer is not None:
        query = query.where(Draft.customer_id == customer)
    if owner is not None:
        query = query.where(Intervention.owner_id == owner)
    order: Any = (col(Draft.id).desc(),) if everything else (col(Draft.decide_by), col(Draft.id))
    return _lines(session, session.exec(query.order_by(*order).limit(limit)).all())


def draft_detail(session: Session, organisation: str, text: str) -> DraftDetail:
    """One draft by its id, or the end or beginning of it.

    Raises NotFoundError for none, InputError for several.
    """
    own = find_draft(session, organisation, text)
    row = session.get_one(Draft, own)
    intervention = session.get_one(Intervention, row.intervention_id)
    (line,) = _lines(session, [(row, intervention)])
    before = row.original["text"]
    changes = unified_diff(
        [before["subject"], "", *before["text"].split("\n")],
        [row.subject, "", *row.text.split("\n")],
        "as it was written",
        "as it is now",
        lineterm="",
        n=1,
    )
    return DraftDetail(
        draft=line,
        text=row.text,
        own_text=own_part(row.text, frame_of(row)),
        html=row.html,
        changes=tuple(changes),
    )


def find_draft(session: Session, organisation: str, text: str) -> str:
    """Our id of the draft meant by its id, or the end or beginning of it. Raises as `draft_detail` does."""
    text = text.strip().lstrip("…")
    query = select(Draft.id).where(Draft.organisation_id == organisation)
    part = col(Draft.id) == text
    if len(text) >= SHORTEST_PART:
        ends = col(Draft.id).iendswith(text, autoescape=True)
        part = or_(part, ends, col(Draft.id).istartswith(text, autoescape=True))
    found = session.exec(query.where(part).order_by(col(Draft.id)).limit(10)).all()
    if text in found:
        return text
    if len(found) > 1:
        raise InputError(f"{text!r} fits several drafts: {', '.join(found)}.", hint="Name one in full.")
    if not found:
        raise NotFoundError(f"There is no draft {text!r}.", hint="Those that wait: keepwell drafts")
    return found[0]


def frame_of(draft: Draft) -> Frame | None:
    """What an edited text of this draft is put into."""
    kept = draft.original.get("frame")
    return None if kept is None else Frame.model_validate(kept)


def _lines(session: Session, rows: Sequence[tuple[Draft, Intervention]]) -> tuple[DraftLine, ...]:
    customers = customer_names(session, [draft.customer_id for draft, _ in rows])
    owners = staff_names(session, [intervention.owner_id for _, intervention in rows])
    return tuple(
        DraftLine(
            id=draft.id,
            customer_id=draft.customer_id,
            customer=customers[draft.customer_id].name,
            intervention=draft.intervention_id,
            playbook=f"{intervention.playbook}@{intervention.version}",
            step=draft.step,
            channel=draft.channel,
            recipient=draft.recipient_name,
            subject=draft.subject,
            owner=owners.get(intervention.owner_id or "", ""),
            state=draft.state,
            written_at=draft.created_at,
            decide_by=draft.decide_by,
            edited_by=draft.edited_by,
            decided_by=draft.decided_by,
            decided_at=draft.decided_at,
            note=draft.note,
        )
        for draft, intervention in rows
    )
