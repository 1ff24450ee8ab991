"""Tasks: who has to do what until when, and what people do with them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, Field
from sqlmodel import Session

from keepwell.api.access import Actor, Principal, Reader
from keepwell.api.door import AtDoor, Door
from keepwell.api.problems import problems
from keepwell.api.v1.asked import (
    LONGEST,
    Cursor,
    CustomerFilter,
    Limit,
    LongText,
    Moment,
    Note,
    OwnerFilter,
    Reason,
    StaffText,
    Undo,
    storable,
)
from keepwell.api.v1.resolving import customer_of, owner_of
from keepwell.contracts.base import Frozen, Strict
from keepwell.contracts.tasks import TaskOutcome
from keepwell.db.repositories.named import staff_named
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.reopening import closed_for_good, reopen_task
from keepwell.db.repositories.tasks import (
    close_task,
    comment_on,
    give_task,
    move_due,
    own_task,
    snooze_task,
)
from keepwell.db.repositories.views_work import TaskFilter, TaskLine, task_page
from keepwell.db.tables import Task
from keepwell.errors import InputError

router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"], responses=problems(404, 409))

TaskPath = Annotated[str, AfterValidator(storable), Path(max_length=40, description="The task's id.")]
Work = Callable[[Session, str, datetime], tuple[str, Undo | None]]
STATE = "`open`, `closed` (done, or not needed any more), or `all`."
DUE = "Only tasks that are due before this moment."


class TaskPage(Page[TaskLine]):
    """Tasks, the open ones first, the earliest due first."""

    total: int = Field(description="How many there are on all pages.")
    asleep: int = Field(description="Snoozed ones that were left out.")


class TaskAnswer(Frozen):
    """The task as it is now. `text` says what was done."""

    task: TaskLine
    text: str
    undo: Undo | None = Field(default=None, description="The call that takes it back; null where none can.")
    tells_its_playbook: bool = Field(
        default=False, description="The run is told that its step is done; it takes a moment."
    )


class SnoozeBody(Strict):
    """Out of sight for a while. The deadline stays: past it, the task shows, and there is an alert."""

    until: Moment


class CommentBody(Strict):
    """What the next one should know."""

    text: LongText


class DueBody(Strict):
    """Another deadline."""

    to: Moment
    reason: Reason


class GiveBody(Strict):
    """To somebody else."""

    to: StaffText = Field(description="A member of staff: an id, or an email address.")


class CloseBody(Strict):
    """A task is done, or not needed any more."""

    outcome: TaskOutcome
    note: Note = ""


@router.get("", summary="Tasks, the earliest due first")
def list_tasks(
    door: AtDoor,
    who: Reader,
    owner: OwnerFilter = None,
    customer: CustomerFilter = None,
    state: Annotated[Literal["open", "closed", "all"], Query(description=STATE)] = "open",
    snoozed: Annotated[bool, Query(description="Those too that are out of sight.")] = False,
    due_before: Annotated[Moment | None, Query(description=DUE)] = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> TaskPage:
    """Snoozed tasks are left out unless they are asked for; an overdue one is always there."""
    with door.store.read() as session:
        wanted = TaskFilter(
            owner=owner_of(session, who, owner),
            customer=customer_of(session, who, customer),
            state=None if state == "all" else state,
            snoozed=snoozed,
            due_before=due_before,
        )
        now = datetime.now(UTC)
        found = task_page(session, who.organisation_id, now, wanted, cursor=cursor, limit=limit)
    return TaskPage(items=found.tasks, next=found.next, total=found.total, asleep=found.asleep)


@router.get("/{task}", summary="One task, with what was written at it")
def get_task(task: TaskPath, door: AtDoor, who: Reader) -> TaskLine:
    """What to do, for whom, and until when."""
    with door.store.read() as session:
        return _line(session, who, own_task(session, who.organisation_id, task))


@router.post("/{task}/snooze", summary="Put a task out of sight for a while")
def snooze(task: TaskPath, body: SnoozeBody, door: AtDoor, who: Actor) -> TaskAnswer:
    """Its deadline stays: past it, it shows again, with an alert."""

    def work(session: Session, by: str, now: datetime) -> tuple[str, Undo | None]:
        _ahead(body.until, now, "until")
        row = snooze_task(session, task, body.until, by, now)
        late = " until its deadline: then it comes back, with an alert" if body.until > row.due_at else ""
        return f"It is out of sight{late}.", _undo(task, "wake", "Show it again")

    return _do(door, who, task, work)


@router.post("/{task}/wake", summary="Show a snoozed task again")
def wake(task: TaskPath, door: AtDoor, who: Actor) -> TaskAnswer:
    """It is in the list again at once."""

    def work(session: Session, by: str, now: datetime) -> tuple[str, Undo | None]:
        until = _row(session, who, task).snoozed_until
        snooze_task(session, task, None, by, now)
        again = until is not None and until > now
        back = _undo(task, "snooze", "Snooze it again", until=_iso(until)) if again else None
        return "It is in the list again.", back

    return _do(door, who, task, work)


@router.post("/{task}/comment", summary="Write something at a task")
def comment(task: TaskPath, body: CommentBody, door: AtDoor, who: Actor) -> TaskAnswer:
    """Also at one that is closed."""

    def work(session: Session, by: str, now: datetime) -> tuple[str, Undo | None]:
        comment_on(session, task, body.text, by, now)
        return "Noted.", None

    return _do(door, who, task, work)


@router.post("/{task}/due", summary="Move a task's deadline")
def due(task: TaskPath, body: DueBody, door: AtDoor, who: Actor) -> TaskAnswer:
    """With a reason. The alert of the old one is over."""

    def work(session: Session, by: str, now: datetime) -> tuple[str, Undo | None]:
        _ahead(body.to, now, "to")
        before = _row(session, who, task).due_at
        move_due(session, task, body.to, body.reason, by, now)
        back = (
            _undo(task, "due", "Move it back", to=_iso(before), reason="Moved back") if before > now else None
        )
        return "The deadline is moved.", back

    return _do(door, who, task, work)


@router.post("/{task}/give", summary="Give a task to somebody else")
def give(task: TaskPath, body: GiveBody, door: AtDoor, who: Actor) -> TaskAnswer:
    """While they are away, whoever stands in for them has it. All of a customer's go with its owner."""

    def work(session: Session, by: str, now: datetime) -> tuple[str, Undo | None]:
        row = _row(session, who, task)
        before = row.for_id or row.owner_id
        to = staff_named(session, who.organisation_id, body.to)
        give_task(session, task, to, by, now)
        back = _undo(task, "give", "Give it back", to=before) if before not in (None, to.id) else None
        return f"It is with {to.name}.", back

    return _do(door, who, task, work)


@router.post("/{task}/close", summary="A task is done, or not needed any more")
def close(task: TaskPath, body: CloseBody, door: AtDoor, who: Actor) -> TaskAnswer:
    """One of a step completes the step: its playbook is told in a moment, and that cannot be taken back."""
    told = False

    def work(session: Session, by: str, now: datetime) -> tuple[str, Undo | None]:
        nonlocal told
        row, told = close_task(session, task, body.outcome, body.note, by, now)
        came = "" if body.outcome is TaskOutcome.DONE else f": {body.outcome.words}"
        back = None if told or closed_for_good(session, row) else _undo(task, "reopen", "Open it again")
        return f"It is {row.state}{came}.", back

    answer = _do(door, who, task, work)
    return answer.model_copy(update={"tells_its_playbook": told})


@router.post("/{task}/reopen", summary="Open a closed task again")
def reopen(task: TaskPath, door: AtDoor, who: Actor) -> TaskAnswer:
    """Where no run has gone on because of it. Its deadline stays: past it, there is an alert again."""

    def work(session: Session, by: str, now: datetime) -> tuple[str, Undo | None]:
        before = _row(session, who, task)
        closed = TaskOutcome.NOT_NEEDED if before.state == "withdrawn" else TaskOutcome.DONE
        came, note = before.outcome or closed.value, before.note[:LONGEST]
        row = reopen_task(session, task, by, now)
        late = " It is overdue." if row.due_at < now else ""
        return f"It is open again.{late}", _undo(task, "close", "Close it again", outcome=came, note=note)

    return _do(door, who, task, work)


def _row(session: Session, who: Principal, task: str) -> Task:
    return session.get_one(Task, own_task(session, who.organisation_id, task))


def _do(door: Door, who: Principal, task: str, work: Work) -> TaskAnswer:
    """Do something with a task in one transaction; the task as it is then."""
    with door.store.write() as session:
        own_task(session, who.organisation_id, task)
        text, undo = work(session, who.name[:200], datetime.now(UTC))
    with door.store.read() as session:
        return TaskAnswer(task=_line(session, who, task), text=text, undo=undo)


def _line(session: Session, who: Principal, task: str) -> TaskLine:
    wanted = TaskFilter(state=None, ids=(task,))
    return task_page(session, who.organisation_id, datetime.now(UTC), wanted).tasks[0]


def _undo(task: str, what: str, words: str, **body: str | None) -> Undo:
    return Undo(method="POST", path=f"/api/v1/tasks/{task}/{what}", body=body, words=words)


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def _ahead(at: datetime, now: datetime, place: str) -> None:
    if at <= now:
        raise InputError("This moment has passed.", place=place, hint="Name a later one.")
