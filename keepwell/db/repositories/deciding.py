"""What people do with drafts: edit, approve, reject. Each is a transaction; the first decision counts."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, select

from keepwell.contracts.delivery import DeliveryState
from keepwell.contracts.drafts import DraftState
from keepwell.contracts.intervention import StepState
from keepwell.db.repositories import drafts_ending, journal, pending
from keepwell.db.repositories.alerts import lock_customers
from keepwell.db.repositories.drafts import rejected_words
from keepwell.db.repositories.step_rows import FINAL
from keepwell.db.repositories.views_drafts import frame_of
from keepwell.db.tables import Delivery, Draft, Intervention, InterventionStep
from keepwell.errors import InputError, RefusedError
from keepwell.keys import new_id
from keepwell.rendering.edited import put_together, tidy
from keepwell.rendering.render import HEADLINE_LIMIT

LONGEST_TEXT = 20_000
"""Letters of an edited text; a letter to a customer has a tenth of them."""

SOURCE = "draft"


def edit(
    session: Session,
    draft_id: str,
    *,
    subject: str | None = None,
    text: str | None = None,
    by: str,
    now: datetime,
) -> Draft:
    """Change the subject or the text of a draft that waits; what was rendered first is kept.

    `text` is without the footer, which stays. Raises RefusedError for a draft that is decided, InputError for
    what cannot be sent.
    """
    draft = _waiting(session, draft_id, "edited")
    changed: list[str] = []
    if subject is not None and (line := _subject(subject)) != draft.subject:
        draft.subject, changed = line, [*changed, "the subject"]
    if text is not None:
        whole, html = put_together(_text(text), frame_of(draft))
        if whole != draft.text:
            draft.text, changed = whole, [*changed, "the text"]
            # A letter that was laid out by its template is laid out as plain paragraphs from now on.
            draft.html = html if draft.html else ""
    if not changed:
        return draft
    draft.edited_by, draft.edited_at = by, now
    session.add(draft)
    _tell(session, draft, "edited", f"{by} changed {' and '.join(changed)}", by, now, stamp=new_id())
    return draft


def approve(session: Session, draft_id: str, *, by: str, now: datetime) -> Draft:
    """Let the draft go out as it is now. Raises RefusedError for one that is decided already."""
    draft = _waiting(session, draft_id, "approved")
    _decide(session, draft, DraftState.APPROVED, by, now, "")
    edited = f", as changed by {draft.edited_by}" if draft.edited_by else ""
    _tell(session, draft, "approved", f"{by} approved the draft for {draft.recipient_name}{edited}", by, now)
    return draft


def reject(session: Session, draft_id: str, *, reason: str, by: str, now: datetime) -> Draft:
    """Let the draft not go out, and its step be left out. Raises as `approve` does."""
    draft = _waiting(session, draft_id, "rejected")
    _decide(session, draft, DraftState.REJECTED, by, now, reason)
    why = rejected_words(draft)
    delivery = session.get_one(Delivery, draft.key, with_for_update=True)
    if delivery.state in drafts_ending.UNSENT:
        delivery.state, delivery.reason, delivery.updated_at = DeliveryState.SKIPPED, why, now
        session.add(delivery)
    key = (draft.intervention_id, draft.step)
    step = session.get_one(InterventionStep, key, with_for_update=True)
    if step.state not in FINAL:
        # As when a person skips a step: nobody is asked to do it by hand.
        step.state, step.at, step.why, step.deferred_until = StepState.SKIPPED, now, why, None
        session.add(step)
    text = f"{by} rejected the draft for {draft.recipient_name}"
    _tell(session, draft, "rejected", text, by, now, why=reason)
    return draft


def _decide(session: Session, draft: Draft, state: DraftState, by: str, now: datetime, note: str) -> None:
    draft.state, draft.decided_by, draft.decided_at, draft.note = state.value, by, now, note
    session.add(draft)
    drafts_ending.close_task(session, draft, "done", by, now, f"{state.value}{f': {note}' if note else ''}")
    intervention = session.get_one(Intervention, draft.intervention_id)
    # The run that waits for it looks again at once; should it not hear of it, it looks by itself.
    pending.put(
        session,
        intervention,
        key=f"draft/{draft.id}",
        source=SOURCE,
        by=by,
        command=None,
        now=now,
    )


def _waiting(session: Session, draft_id: str, what: str) -> Draft:
    """The draft, held until the transaction ends, with its customer: whoever else decides has to wait."""
    customers = session.exec(select(Draft.customer_id).where(Draft.id == draft_id)).all()
    lock_customers(session, customers)
    query = select(Draft).where(Draft.id == draft_id).with_for_update()
    draft = session.exec(query.execution_options(populate_existing=True)).one()
    if draft.state == DraftState.WAITING:
        return draft
    if draft.state == DraftState.WITHDRAWN:
        raise RefusedError(
            f"The draft for {draft.recipient_name} was withdrawn and cannot be {what}: {draft.note}"
        )
    when = f" on {draft.decided_at:%d %b %Y %H:%M} UTC" if draft.decided_at else ""
    raise RefusedError(
        f"{draft.decided_by} has {draft.state} the draft for {draft.recipient_name}{when}: "
        f"it cannot be {what} any more."
    )


def _subject(subject: str) -> str:
    line = " ".join(tidy(subject).split())
    if not line or len(line) > HEADLINE_LIMIT:
        raise InputError(
            f"A subject has 1 to {HEADLINE_LIMIT} letters; this one has {len(line)}.", place="subject"
        )
    return line


def _text(text: str) -> str:
    clean = tidy(text)
    if not clean or len(clean) > LONGEST_TEXT:
        raise InputError(
            f"A message has 1 to {LONGEST_TEXT:,} letters; this one has {len(clean):,}.", place="text"
        )
    return clean


def _tell(
    session: Session,
    draft: Draft,
    what: str,
    text: str,
    by: str,
    now: datetime,
    *,
    why: str = "",
    stamp: str = "",
) -> None:
    journal.write(
        session,
        key=f"{draft.key}/draft.{what}{f'/{stamp}' if stamp else ''}",
        organisation=draft.organisation_id,
        customer=draft.customer_id,
        intervention=draft.intervention_id,
        kind=f"draft.{what}",
        by=by,
        text=f"{draft.step}: {text}",
        why=why,
        at=now,
        data={"draft": draft.id, "step": draft.step, "delivery": draft.key},
    )
