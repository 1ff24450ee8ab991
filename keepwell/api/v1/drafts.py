"""Drafts: messages that wait for a person's word."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, Field, StringConstraints, model_validator
from sqlmodel import Session

from keepwell.api.access import Actor, Principal, Reader
from keepwell.api.door import AtDoor, Door
from keepwell.api.problems import problems
from keepwell.api.v1.asked import (
    MOST,
    Cursor,
    CustomerFilter,
    Limit,
    Note,
    Outcomes,
    OwnerFilter,
    OwnId,
    PlaybookFilter,
    Reason,
    storable,
)
from keepwell.api.v1.many import each
from keepwell.api.v1.resolving import customer_of, owner_of
from keepwell.contracts.access import Permission
from keepwell.contracts.base import Frozen, Strict
from keepwell.db.repositories.deciding import LONGEST_TEXT, approve, edit, reject
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.veiled import veiled
from keepwell.db.repositories.views_drafts import (
    DraftDetail,
    DraftFilter,
    DraftLine,
    detail_of,
    draft_page,
    own_draft,
)
from keepwell.errors import InputError
from keepwell.rendering.render import HEADLINE_LIMIT

router = APIRouter(prefix="/api/v1/drafts", tags=["drafts"], responses=problems(404, 409))

DraftPath = Annotated[str, AfterValidator(storable), Path(max_length=40, description="The draft's id.")]
Work = Callable[[Session, str, datetime], str]
SUBJECT = "The new subject; unset: as it is."
TEXT = "The new text without its footer (`own_text`), which stays; unset: as it is."
DECIDED = "`waiting` for a decision, or `all`, also those decided upon."


class EditBody(Strict):
    """What is changed in a draft. An email whose text was changed is laid out as plain paragraphs."""

    subject: (
        Annotated[str, StringConstraints(min_length=1, max_length=HEADLINE_LIMIT), AfterValidator(storable)]
        | None
    ) = Field(default=None, description=SUBJECT)
    text: (
        Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TEXT), AfterValidator(storable)]
        | None
    ) = Field(default=None, description=TEXT)


class RejectBody(Strict):
    """Why it does not go out, for the timeline."""

    reason: Reason


class ManyDrafts(Strict):
    """A decision upon many drafts."""

    ids: tuple[OwnId, ...] = Field(min_length=1, max_length=MOST)
    decision: Literal["approve", "reject"]
    reason: Note = Field(default="", description="Why; a rejection needs it.")

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if self.decision == "reject" and not self.reason.strip():
            raise ValueError("a rejection needs a reason: the timeline shows it")
        return self


class DraftAnswer(Frozen):
    """The draft as it is now."""

    draft: DraftDetail
    text: str


@router.get("", summary="Drafts, those first whose time is over first")
def list_drafts(
    door: AtDoor,
    who: Reader,
    playbook: PlaybookFilter = "",
    customer: CustomerFilter = None,
    owner: OwnerFilter = None,
    state: Annotated[Literal["waiting", "all"], Query(description=DECIDED)] = "waiting",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Page[DraftLine]:
    """What nobody has approved by its time is not sent, and becomes a task."""
    with door.store.read() as session:
        wanted = DraftFilter(
            playbook=playbook.partition("@")[0] or None,
            customer=customer_of(session, who, customer),
            owner=owner_of(session, who, owner),
            everything=state == "all",
        )
        return draft_page(session, who.organisation_id, wanted, cursor=cursor, limit=limit)


@router.post("/bulk", summary="Decide upon many drafts")
def decide_many(body: ManyDrafts, door: AtDoor, who: Actor) -> Outcomes:
    """Each in a transaction of its own; what became of each is in the answer."""

    def one(draft: str) -> str:
        def work(session: Session, by: str, now: datetime) -> str:
            if body.decision == "approve":
                approve(session, draft, by=by, now=now)
                return "Approved"
            reject(session, draft, reason=body.reason.strip(), by=by, now=now)
            return "Rejected"

        return _write(door, who, draft, work)

    return each(body.ids, one)


@router.get("/{draft}", summary="One draft, as it will go out")
def get_draft(draft: DraftPath, door: AtDoor, who: Reader) -> DraftDetail:
    """With the part of it that may be changed, and what was changed.

    Who may not change it sees the customer's own links without their tokens.
    """
    found = _detail(door, who, draft)
    return found if Permission.ACT in who.permissions else veiled(found)


@router.post("/{draft}/edit", summary="Change a draft")
def edit_draft(draft: DraftPath, body: EditBody, door: AtDoor, who: Actor) -> DraftAnswer:
    """It still waits. The footer stays as it is."""
    if body.subject is None and body.text is None:
        raise InputError(
            "Nothing is to be changed.", place="subject, text", hint="Send one of them, or both."
        )

    def work(session: Session, by: str, now: datetime) -> str:
        edit(session, draft, subject=body.subject, text=body.text, by=by, now=now)
        return "It is as you say, and still waits."

    return _decide(door, who, draft, work)


@router.post("/{draft}/approve", summary="Let a draft go out")
def approve_draft(draft: DraftPath, body: EditBody, door: AtDoor, who: Actor) -> DraftAnswer:
    """As it is, or with another subject or text, which are changed first. The first decision counts."""

    def work(session: Session, by: str, now: datetime) -> str:
        if body.subject is not None or body.text is not None:
            edit(session, draft, subject=body.subject, text=body.text, by=by, now=now)
        approve(session, draft, by=by, now=now)
        return "Approved: it goes out at its hour."

    return _decide(door, who, draft, work)


@router.post("/{draft}/reject", summary="Let a draft not go out")
def reject_draft(draft: DraftPath, body: RejectBody, door: AtDoor, who: Actor) -> DraftAnswer:
    """Its step is left out, and nobody is asked to do it by hand. The first decision counts."""

    def work(session: Session, by: str, now: datetime) -> str:
        reject(session, draft, reason=body.reason, by=by, now=now)
        return "Rejected: it does not go out."

    return _decide(door, who, draft, work)


def _decide(door: Door, who: Principal, draft: str, work: Work) -> DraftAnswer:
    text = _write(door, who, draft, work)
    return DraftAnswer(draft=_detail(door, who, draft), text=text)


def _write(door: Door, who: Principal, draft: str, work: Work) -> str:
    with door.store.write() as session:
        own_draft(session, who.organisation_id, draft)
        return work(session, who.name[:200], datetime.now(UTC))


def _detail(door: Door, who: Principal, draft: str) -> DraftDetail:
    with door.store.read() as session:
        return detail_of(session, own_draft(session, who.organisation_id, draft))
