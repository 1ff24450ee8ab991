"""What the forward calendar counts: steps to come, drafts and tasks with their deadlines, offers that end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func
from sqlalchemy import select as rows_of
from sqlmodel import Session, col, select

from keepwell.contracts.drafts import DraftState
from keepwell.contracts.playbook import Task as TaskStep
from keepwell.db.repositories.drafts_ending import task_key
from keepwell.db.repositories.views_ahead import Coming
from keepwell.db.repositories.views_calendar_lines import EntryKind
from keepwell.db.repositories.views_outlines import TaskOutline, parts
from keepwell.db.tables import Draft, Intervention, Offer, Staff, Task
from keepwell.db.tables.interventions import OPEN_TASK
from keepwell.db.tables.opportunities import UNDECIDED

APPROVAL = "approval"
"""The kind of the task to decide upon a draft, which has an item of its own."""

KINDS = {
    "send": EntryKind.MESSAGE,
    "task": EntryKind.TASK,
    "escalate": EntryKind.ESCALATION,
    "document": EntryKind.DOCUMENT,
    "assign": EntryKind.ASSIGNMENT,
    "offer": EntryKind.OFFER,
}


@dataclass(frozen=True, slots=True)
class Item:
    """What becomes an entry: as little as counting needs, and the row it comes from for when it is shown.

    `has` is the member of staff whose load it is on the day of `due_at`.
    """

    id: str
    at: datetime
    kind: EntryKind
    customer: str
    intervention: str | None
    step: str
    has: str | None
    due_at: datetime
    source: Coming | Draft | TaskOutline | Offer


@dataclass(frozen=True, slots=True)
class Asked:
    """What a calendar is asked for: of whom, of which playbook, between which moments."""

    organisation: str
    now: datetime
    until: datetime
    owner: str | None
    playbook: str


def of_steps(coming: Iterable[Coming], drafted: Collection[tuple[str | None, str]]) -> Iterator[Item]:
    """The steps to come, but for those of which a draft waits already."""
    for one in coming:
        if (one.run.id, one.name) in drafted:
            continue
        kind = KINDS[one.kind]
        has = one.signs if kind is EntryKind.MESSAGE else one.reaches
        yield Item(
            id=f"step:{one.run.id}/{one.name}",
            at=one.at,
            kind=kind,
            customer=one.run.customer_id,
            intervention=one.run.id,
            step=one.name,
            has=has.id if isinstance(has, Staff) else None,
            due_at=one.at + one.step.due if isinstance(one.step, TaskStep) else one.at,
            source=one,
        )


def of_drafts(session: Session, asked: Asked, runs: Mapping[str, Intervention]) -> Iterator[Item]:
    """The drafts that have to be decided by then; whose load one is says its task."""
    query = select(Draft).where(
        Draft.organisation_id == asked.organisation,
        Draft.state == DraftState.WAITING.value,
        col(Draft.decide_by) < asked.until,
    )
    rows = session.exec(query.order_by(col(Draft.decide_by), col(Draft.id))).all()
    deciding = who_decides(session, rows)
    for row in rows:
        has = deciding.get(row.id)
        if row.intervention_id not in runs and (asked.owner is None or has != asked.owner):
            continue
        at = max(row.decide_by, asked.now)
        yield _item("draft", row.id, at, EntryKind.DRAFT, row, has)


def who_decides(session: Session, drafts: Sequence[Draft]) -> dict[str, str | None]:
    """Who is asked for their word about each of these drafts, by the draft's id."""
    of_key = {task_key(row.id): row.id for row in drafts}
    found: dict[str, str | None] = {}
    for some in parts(list(of_key)):
        query = select(Task.key, Task.owner_id).where(col(Task.key).in_(some))
        found.update({of_key[key]: owner for key, owner in session.exec(query)})
    return found


def of_tasks(session: Session, asked: Asked) -> Iterator[Item]:
    """The open tasks that are due from now until then."""
    columns = [getattr(Task, name) for name in TaskOutline._fields]
    due = col(Task.due_at)
    query = rows_of(*columns).where(*_open_tasks(asked), due >= asked.now, due < asked.until)
    for row in map(TaskOutline._make, session.connection().execute(query)):
        yield _item("task", row.id, row.due_at, EntryKind.TASK_DUE, row, row.owner_id)


def overdue(session: Session, asked: Asked) -> Counter[str | None]:
    """How many open tasks of each member of staff are overdue."""
    query = (
        select(Task.owner_id, func.count())
        .where(*_open_tasks(asked), col(Task.due_at) < asked.now)
        .group_by(col(Task.owner_id))
    )
    return Counter(dict(session.exec(query).all()))


def of_offers(session: Session, asked: Asked, runs: Mapping[str, Intervention]) -> Iterator[Item]:
    """The open offers that end by then, if nobody decides."""
    query = select(Offer).where(
        Offer.organisation_id == asked.organisation,
        UNDECIDED,
        col(Offer.valid_until) >= asked.now,
        col(Offer.valid_until) < asked.until,
    )
    for row in session.exec(query):
        if row.intervention_id in runs:
            has = runs[row.intervention_id].owner_id
            yield _item("offer", row.id, row.valid_until, EntryKind.OFFER_ENDS, row, has)


def _item(
    what: str, own: str, at: datetime, kind: EntryKind, row: Draft | TaskOutline | Offer, has: str | None
) -> Item:
    return Item(
        id=f"{what}:{own}",
        at=at,
        kind=kind,
        customer=row.customer_id,
        intervention=row.intervention_id,
        step=row.step,
        has=has,
        due_at=at,
        source=row,
    )


def _open_tasks(asked: Asked) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [
        col(Task.organisation_id) == asked.organisation,
        col(Task.kind) != APPROVAL,
    ]
    if asked.owner is not None:
        wanted.append(col(Task.owner_id) == asked.owner)
    if asked.playbook:
        own = col(Intervention.id) == col(Task.intervention_id)
        wanted.append(exists().where(own, col(Intervention.playbook) == asked.playbook))
    # In the words of the index that holds open tasks alone.
    return [and_(*wanted, OPEN_TASK)]
