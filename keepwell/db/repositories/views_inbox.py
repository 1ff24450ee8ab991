"""Read models of letters that came in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, or_, select

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.lookup import own
from keepwell.db.repositories.pages import Page, down, page_of
from keepwell.db.repositories.veiled import veiled
from keepwell.db.repositories.views import by_part, customer_names
from keepwell.db.tables import InboundMessage, Task
from keepwell.keys import reply_key


class LetterLine(Frozen):
    """A letter in a list. `effect` says what was made of it; customer and intervention may be unknown.

    `task` is the task that asks somebody to answer it: None where there is none. Once that is closed, the
    letter is handled: `handled_by` says by whom, and `handled_at` when.
    """

    id: str
    received_at: datetime
    from_name: str
    from_address: str
    subject: str
    customer_id: str | None
    customer: str
    intervention_id: str | None
    automatic: bool
    effect: str
    task: str | None = None
    handled_at: datetime | None = None
    handled_by: str = ""


class LetterDetail(Frozen):
    """A letter in full; `delivery` is the key of the message that it answers, empty where it answers none."""

    letter: LetterLine
    message_id: str
    delivery: str
    text: str


def letters(
    session: Session,
    organisation: str,
    *,
    customer: str | None = None,
    everything: bool = False,
    limit: int | None = None,
) -> tuple[LetterLine, ...]:
    """The newest letters, newest first.

    With `everything` those too that a program wrote, and those from nobody we know, which belong to no
    organisation.
    """
    own = col(InboundMessage.organisation_id) == organisation
    whose = _or_nobodys(organisation) if everything else own
    return _page(session, whose, customer, everything, "", limit).items


def letter_page(
    session: Session,
    organisation: str,
    *,
    customer: str | None = None,
    automatic: bool = False,
    cursor: str = "",
    limit: int | None = None,
) -> Page[LetterLine]:
    """A page of the organisation's own, newest first; with `automatic` those too that a program wrote.

    Raises InputError for a cursor of another list.
    """
    own = col(InboundMessage.organisation_id) == organisation
    return _page(session, own, customer, automatic, cursor, limit)


def own_letter(session: Session, organisation: str, letter: str) -> LetterDetail:
    """The organisation's letter of exactly that id; a message that it quotes is `veiled`.

    Raises NotFoundError.
    """
    return veiled(_detail(session, own(session, InboundMessage, organisation, letter, "letter")))


def _page(
    session: Session,
    whose: ColumnElement[bool],
    customer: str | None,
    automatic: bool,
    cursor: str,
    limit: int | None,
) -> Page[LetterLine]:
    query = select(InboundMessage).where(whose)
    if customer is not None:
        query = query.where(InboundMessage.customer_id == customer)
    if not automatic:
        query = query.where(col(InboundMessage.automatic).is_(False))
    keys = (down(col(InboundMessage.received_at), datetime), down(col(InboundMessage.id), str))
    rows, following = page_of(session, query, keys, cursor=cursor, limit=limit)
    return Page(items=_lines(session, rows), next=following)


def letter(session: Session, organisation: str, text: str) -> LetterDetail:
    """One letter by its id, or the beginning or end of it.

    Raises NotFoundError for none, InputError for several.
    """
    ours = select(InboundMessage).where(_or_nobodys(organisation))
    return _detail(session, by_part(session, ours, InboundMessage.id, text, "letter", "keepwell inbox --all"))


def _detail(session: Session, row: InboundMessage) -> LetterDetail:
    return LetterDetail(
        letter=_lines(session, [row])[0], message_id=row.message_id, delivery=row.delivery, text=row.text
    )


def _or_nobodys(organisation: str) -> ColumnElement[bool]:
    own = col(InboundMessage.organisation_id)
    return or_(own == organisation, own.is_(None))


def _lines(session: Session, rows: Sequence[InboundMessage]) -> tuple[LetterLine, ...]:
    names = customer_names(session, [row.customer_id for row in rows])
    tasks = _tasks(session, rows)
    return tuple(
        LetterLine(
            **row.model_dump(include=set(LetterLine.model_fields)),
            customer=names[row.customer_id].name if row.customer_id in names else "",
            **_standing(tasks.get(row.id)),
        )
        for row in rows
    )


def _tasks(session: Session, rows: Sequence[InboundMessage]) -> dict[str, Task]:
    """The tasks that ask somebody to answer letters, by the letter's id."""
    keys = {reply_key(row.message_id): row for row in rows}
    found = session.exec(select(Task).where(col(Task.key).in_(keys))).all()
    return {
        keys[task.key].id: task for task in found if task.organisation_id == keys[task.key].organisation_id
    }


def _standing(task: Task | None) -> dict[str, Any]:
    if task is None:
        return {}
    if task.state == "open":
        return {"task": task.id}
    return {"task": task.id, "handled_at": task.closed_at, "handled_by": task.closed_by}
