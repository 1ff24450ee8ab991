"""What needs a person, in words: what it is, why it matters, and what can be done from there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, SQLModel, col, select

from keepwell.contracts.offers import OfferOption
from keepwell.db.repositories.views_ahead import Coming, Outlook
from keepwell.db.repositories.views_outlines import customers_of, outlines_of, parts
from keepwell.db.repositories.views_people import People
from keepwell.db.repositories.views_today_cost import Weigher
from keepwell.db.repositories.views_today_found import Open, Part
from keepwell.db.repositories.views_today_lines import Need, NeedKind
from keepwell.db.tables import Alert, Delivery, Draft, InboundMessage, Intervention, Offer, Organisation, Task
from keepwell.keys import reply_key

FAR = timedelta(days=400)

ROWS: Mapping[NeedKind, Any] = {
    NeedKind.TASK: Task,
    NeedKind.REPLY: Task,
    NeedKind.DRAFT: Draft,
    NeedKind.ALERT: Alert,
    NeedKind.OFFER: Offer,
}

ACTIONS: Mapping[NeedKind, tuple[str, ...]] = {
    NeedKind.ESCALATION: ("acknowledge", "respond", "pause", "stop", "open"),
    NeedKind.TASK: ("close", "snooze", "due", "give", "comment", "open"),
    NeedKind.DRAFT: ("approve", "edit", "reject", "open"),
    NeedKind.ALERT: ("acknowledge_alert", "open"),
    NeedKind.REPLY: ("open", "close", "give", "comment"),
    NeedKind.DELIVERY: ("complete", "skip", "open"),
    NeedKind.OFFER: ("accept", "decline", "open"),
}

OF_TASKS = {
    "review": "Its playbook is over, and the customer is still at risk.",
    "fallback": "A step could not be done by itself: somebody has to do it by hand.",
    "escalation": "Nobody had taken this in hand in time.",
    "bounced": "A message has not reached the customer.",
}
"""Why tasks matter that no playbook's step gives a reason for, by their kind."""


class NeedTeller:
    """Tells what needs a person; what it is about is read by a few statements for a whole page."""

    def __init__(
        self, session: Session, organisation: Organisation, people: People, weigher: Weigher, now: datetime
    ) -> None:
        self._session, self._organisation, self._people = session, organisation, people
        self._weigher, self._now = weigher, now
        self._outlook = Outlook(session, organisation, now, now + FAR, people)
        self._rows: dict[tuple[NeedKind, str], Any] = {}
        self._runs: dict[str, Intervention] = {}
        self._letters: dict[str, str] = {}
        self._coming: dict[str, Coming] = {}

    def tell(self, page: Sequence[Open]) -> tuple[Need, ...]:
        """The needs of a page, in its order."""
        self._runs = outlines_of(self._session, [one.intervention for one in page if one.intervention])
        for kind in NeedKind:
            refs = [one.ref for one in page if one.kind is kind]
            self._rows.update({(kind, key): row for key, row in self._read(kind, refs).items()})
        replies = [self._rows[one.kind, one.ref].key for one in page if one.kind is NeedKind.REPLY]
        self._letters = letters_of_tasks(self._session, replies)
        self._coming = self._escalations([one.ref for one in page if one.kind is NeedKind.ESCALATION])
        return tuple(self._told(one) for one in page)

    def _read(self, kind: NeedKind, refs: Sequence[str]) -> dict[str, SQLModel]:
        if kind is NeedKind.DELIVERY:
            return {ref: row for ref in refs if (row := self._session.get(Delivery, ref)) is not None}
        model, found = ROWS.get(kind), dict[str, SQLModel]()
        if model is None:
            return found
        for part in parts(refs):
            found.update({row.id: row for row in self._session.exec(select(model).where(model.id.in_(part)))})
        return found

    def _escalations(self, refs: Collection[str]) -> dict[str, Coming]:
        """The next escalation of each of these interventions, as the clock of each stands now."""
        runs = [self._runs[ref] for ref in refs]
        customers = customers_of(self._session, [run.customer_id for run in runs])
        found: dict[str, Coming] = {}
        for one in self._outlook.coming(runs, customers):
            if one.kind == "escalate":
                found.setdefault(one.run.id, one)
        return found

    def _told(self, one: Open) -> Need:
        run = self._runs.get(one.intervention or "")
        bare = Need(
            id=f"{one.kind.value}:{one.ref}",
            ref=one.ref,
            kind=one.kind,
            title="",
            why="",
            customer=self._weigher.customer(one.customer),
            due_at=one.due_at,
            overdue=one.due_at is not None and one.due_at < self._now,
            owner_id=one.owner,
            owner=self._people.name(one.owner),
            intervention=one.intervention,
            playbook=f"{run.playbook}@{run.version}" if run is not None else "",
            step=one.step,
            workflow_id=run.workflow_id if run is not None else "",
            since=one.since,
            actions=ACTIONS[one.kind],
            cost=self._weigher.cost(one),
            because=self._weigher.because(one),
        )
        return bare.model_copy(update=self._of_kind(one, run))

    def _of_kind(self, one: Open, run: Intervention | None) -> dict[str, object]:
        row = self._rows.get((one.kind, one.ref))
        match row:
            case Task():
                return self._of_task(row, run)
            case Draft():
                return _of_draft(row)
            case Alert():
                return {"title": row.words, "why": _of_alert(row), "state": row.severity}
            case Delivery():
                return _of_delivery(row)
            case Offer():
                return _of_offer(row)
            case _:
                return self._of_escalation(one)

    def _of_task(self, row: Task, run: Intervention | None) -> dict[str, object]:
        reply = row.kind == "reply"
        takes = run is not None and run.outcome is None and not run.acknowledged_by and not reply
        return {
            "title": row.title,
            "detail": row.detail,
            "why": self._why(row, run),
            "meant_for": self._people.name(row.for_id),
            "state": row.kind,
            "task": row.id,
            "letter": self._letters.get(row.key),
            "actions": (
                *(("acknowledge",) if takes else ()),
                *ACTIONS[NeedKind.REPLY if reply else NeedKind.TASK],
            ),
        }

    def _why(self, row: Task, run: Intervention | None) -> str:
        if row.kind == "reply":
            return "The customer has written and waits for an answer."
        if row.kind in OF_TASKS:
            return OF_TASKS[row.kind]
        step = self._outlook.playbook(run).step(row.step) if run is not None and row.step else None
        return f"{step.why}." if step is not None else "Its owner was asked to do it."

    def _of_escalation(self, one: Open) -> dict[str, object]:
        coming = self._coming.get(one.ref)
        at = coming.at if coming is not None else one.due_at
        whom = coming.reaches.name if coming is not None and coming.reaches is not None else "the team's lead"
        when = "" if at is not None and at > self._now else " now"
        why = f"{coming.step.why}." if coming is not None and coming.step is not None else ""
        return {
            "title": f"Escalates to {whom}{when}",
            "why": why or "Nobody has taken it in hand.",
            "due_at": at,
            "overdue": False,
            "escalates_at": at,
            "escalates_to": whom,
            "step": coming.name if coming is not None else "",
        }


def as_clocks_stand(
    session: Session, home: Organisation, people: People, part: Part, now: datetime, until: datetime
) -> Part:
    """Escalations with the moments at which they come as things stand; those that come later are left out."""
    runs = outlines_of(session, [one.ref for one in part.first])
    customers = customers_of(session, [run.customer_id for run in runs.values()])
    coming: dict[str, datetime] = {}
    for one in Outlook(session, home, now, until, people).coming(list(runs.values()), customers):
        if one.kind == "escalate":
            coming.setdefault(one.run.id, one.at)
    first = tuple(replace(one, due_at=coming[one.ref]) for one in part.first if one.ref in coming)
    return Part(part.total - len(part.first) + len(first), 0, first)


def _of_draft(row: Draft) -> dict[str, object]:
    what = "notification" if row.channel == "in_app" else row.channel
    return {
        "title": f"Approve the {what} to {row.recipient_name}: “{row.subject}”",
        "why": "A message waits for somebody's word; what nobody has approved by then is not sent.",
        "state": row.state,
    }


def _of_alert(row: Alert) -> str:
    words = row.trigger.replace("_", " ")
    return f"{row.severity.capitalize()} alert ({words}): nobody has it in hand yet."


def _of_delivery(row: Delivery) -> dict[str, object]:
    return {
        "title": f"Was the {row.channel} to {row.recipient_name} sent? “{row.subject}”",
        "detail": row.reason,
        "why": "Nobody knows whether this message has gone out, so it was not sent again.",
        "state": row.state,
    }


def _of_offer(row: Offer) -> dict[str, object]:
    options = (OfferOption.model_validate(option) for option in row.options.values())
    return {
        "title": f"Undecided: {', '.join(option.words for option in options)}",
        "why": "The customer has looked at the offer and has not decided: a call may help before it ends.",
        "state": row.state,
    }


def letters_of_tasks(session: Session, keys: Sequence[str]) -> dict[str, str]:
    """The letters that tasks ask somebody to read, by the task's key: also those that were not believed."""
    found: dict[str, str] = {}
    for part in parts(keys):
        # The task of a letter was made at the moment at which the letter came in.
        query = (
            select(Task.key, InboundMessage.id, InboundMessage.message_id)
            .join(InboundMessage, col(InboundMessage.organisation_id) == col(Task.organisation_id))
            .where(col(Task.key).in_(part), col(InboundMessage.received_at) == col(Task.created_at))
        )
        found.update({key: row for key, row, message in session.exec(query) if reply_key(message) == key})
    return found
