"""Read models of drafts: what waits for whom until when, and one in full with what was changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from difflib import unified_diff

from sqlalchemy import func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from keepwell.contracts.base import Frozen
from keepwell.contracts.drafts import DraftState, Frame
from keepwell.db.repositories.lookup import own
from keepwell.db.repositories.pages import Page, down, page_of, up
from keepwell.db.repositories.views import CustomerName, by_part, customer_names, staff_names
from keepwell.db.tables import Draft, Intervention
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


class DraftFilter(Frozen):
    """Which drafts a list holds; what is not said narrows nothing. `everything`: those decided upon too."""

    playbook: str | None = None
    customer: str | None = None
    owner: str | None = None
    everything: bool = False


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
    wanted = DraftFilter(playbook=playbook, customer=customer, owner=owner, everything=everything)
    return draft_page(session, organisation, wanted, limit=limit).items


def draft_page(
    session: Session, organisation: str, wanted: DraftFilter, *, cursor: str = "", limit: int | None = None
) -> Page[DraftLine]:
    """A page of the same list. Raises InputError for a cursor of another one."""
    query = _narrowed(organisation, wanted)
    newest, soonest = (
        (down(col(Draft.id), str),),
        (up(col(Draft.decide_by), datetime), up(col(Draft.id), str)),
    )
    keys = newest if wanted.everything else soonest
    rows, following = page_of(session, query, keys, cursor=cursor, limit=limit)
    return Page(items=_lines(session, rows), next=following)


def draft_count(session: Session, organisation: str, wanted: DraftFilter) -> int:
    """How many drafts the same list holds."""
    return session.exec(select(func.count()).select_from(_narrowed(organisation, wanted).subquery())).one()


def _narrowed(organisation: str, wanted: DraftFilter) -> SelectOfScalar[Draft]:
    query = (
        select(Draft)
        .join(Intervention, col(Intervention.id) == col(Draft.intervention_id))
        .where(Draft.organisation_id == organisation)
    )
    if not wanted.everything:
        query = query.where(Draft.state == DraftState.WAITING)
    if wanted.playbook is not None:
        query = query.where(Intervention.playbook == wanted.playbook)
    if wanted.customer is not None:
        query = query.where(Draft.customer_id == wanted.customer)
    if wanted.owner is not None:
        query = query.where(Intervention.owner_id == wanted.owner)
    return query


def draft_detail(session: Session, organisation: str, text: str) -> DraftDetail:
    """One draft by its id, or the end or beginning of it.

    Raises NotFoundError for none, InputError for several.
    """
    return detail_of(session, find_draft(session, organisation, text))


def detail_of(session: Session, draft: str) -> DraftDetail:
    """One draft in full, by our id of one that exists."""
    row = session.get_one(Draft, draft)
    (line,) = _lines(session, [row])
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
    ours = select(Draft.id).where(Draft.organisation_id == organisation)
    return by_part(session, ours, Draft.id, text, "draft", "keepwell drafts")


def own_draft(session: Session, organisation: str, draft: str) -> str:
    """The id of the organisation's draft of exactly that id. Raises NotFoundError."""
    return own(session, Draft, organisation, draft, "draft").id


def frame_of(draft: Draft) -> Frame | None:
    """What an edited text of this draft is put into."""
    kept = draft.original.get("frame")
    return None if kept is None else Frame.model_validate(kept)


def _lines(session: Session, rows: Sequence[Draft]) -> tuple[DraftLine, ...]:
    customers = customer_names(session, [draft.customer_id for draft in rows])
    query = select(Intervention).where(col(Intervention.id).in_({draft.intervention_id for draft in rows}))
    runs = {run.id: run for run in session.exec(query).all()} if rows else {}
    owners = staff_names(session, [run.owner_id for run in runs.values()])
    return tuple(_line(draft, runs[draft.intervention_id], customers, owners) for draft in rows)


def _line(
    draft: Draft, run: Intervention, customers: Mapping[str, CustomerName], owners: Mapping[str, str]
) -> DraftLine:
    return DraftLine(
        id=draft.id,
        customer_id=draft.customer_id,
        customer=customers[draft.customer_id].name,
        intervention=draft.intervention_id,
        playbook=f"{run.playbook}@{run.version}",
        step=draft.step,
        channel=draft.channel,
        recipient=draft.recipient_name,
        subject=draft.subject,
        owner=owners.get(run.owner_id or "", ""),
        state=draft.state,
        written_at=draft.created_at,
        decide_by=draft.decide_by,
        edited_by=draft.edited_by,
        decided_by=draft.decided_by,
        decided_at=draft.decided_at,
        note=draft.note,
    )
