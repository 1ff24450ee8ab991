"""From the store of a played story to its telling. The timeline is the journal, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TypeVar

from sqlmodel import Session, SQLModel, col, select

from keepwell.contracts.delivery import GoNow
from keepwell.contracts.offers import OfferOption, Terms
from keepwell.contracts.playbook import Playbook, Send
from keepwell.db.engine import Store
from keepwell.db.tables import (
    Delivery,
    Document,
    Event,
    InAppNotification,
    Intervention,
    InterventionStep,
    Offer,
    OutboxMessage,
    Staff,
    Task,
    Transition,
)
from keepwell.demo.told import Moment, MomentKind, OfferTold, Story, Tally
from keepwell.rehearsal.gate import Asked
from keepwell.rendering.filters import number

Row = TypeVar("Row", bound=SQLModel)
PERSON, ENGINE = "person", "engine"


@dataclass(frozen=True)
class Frame:
    """What a story knows of itself, beside the store. `main` is the intervention whose end is the story's."""

    title: str
    plot: str
    customer: str
    name: str
    about: str
    worth: str
    owner: str
    began: datetime
    main: str


def tell(store: Store, asked: Sequence[Asked], frame: Frame) -> Story:
    """The story of a customer whose interventions have all ended."""
    with store.read() as session:
        query = select(Intervention).where(Intervention.customer_id == frame.customer)
        rows = sorted(session.exec(query).all(), key=lambda row: (row.started_at, row.id))
        main = next(row for row in rows if row.id == frame.main)
        teller = _Teller(session, {row.id: row for row in rows})
        moments = tuple(teller.moments(frame))
        return Story(
            title=frame.title,
            plot=frame.plot,
            customer=frame.name,
            about=frame.about,
            worth=frame.worth,
            owner=frame.owner,
            playbooks=tuple(_label(row) for row in rows),
            levels=tuple(row.level for row in rows),
            score=rows[0].score,
            started_at=frame.began,
            ended_at=max(row.ended_at for row in rows if row.ended_at is not None),
            outcome=main.outcome or "",
            why=main.outcome_why,
            offer=teller.offer(main),
            tally=teller.tally([one for one in asked if one.intervention in teller.rows]),
            moments=moments,
        )


@dataclass(frozen=True)
class _Teller:
    session: Session
    rows: dict[str, Intervention]

    def moments(self, frame: Frame) -> Iterator[Moment]:
        query = (
            select(Event)
            .where(Event.customer_id == frame.customer, col(Event.at) >= frame.began)
            .order_by(col(Event.recorded_at), col(Event.id))
        )
        # Two runs have two clocks, seconds apart: within a minute what was written first came first.
        events = sorted(self.session.exec(query), key=lambda event: event.at.replace(second=0, microsecond=0))
        # A step may leave several lines at once: they are one moment.
        for _, group in groupby(events, key=_place):
            found = self._moment(list(group))
            if found is not None:
                yield found

    def _moment(self, events: list[Event]) -> Moment | None:
        first, kinds = events[0], {event.kind for event in events}
        row = self.rows.get(first.intervention_id or "")
        step = str(first.data.get("step", ""))
        if row is None or not step:
            return self._of_event(first, row)
        if "task.escalation" in kinds:
            return self._escalation(row, step, events)
        if "step.assigned" in kinds:
            return self._of_step(row, step, first, "assignment", what=first.text)
        if "delivery.accepted" in kinds:
            return self._message(row, step, first)
        if "step.document" in kinds:
            text = self._one(Document, row, step).text
            return self._of_step(row, step, first, "document", what=first.text, text=text)
        if "offer.made" in kinds:
            offer = _offer_told(self._one(Offer, row, step))
            return self._of_step(
                row, step, first, "offer", what="; ".join(offer.options), due=offer.valid_until
            )
        if first.kind.startswith("task."):
            task = self._one(Task, row, step)
            return self._of_step(
                row, step, first, "task", to=_given_to(first, task), what=task.title, due=task.due_at
            )
        return self._left_out(row, step, events[-1])

    def _of_event(self, event: Event, row: Intervention | None) -> Moment | None:
        label = _label(row) if row is not None else ""
        what, why, kind = event.text, event.why, event.kind
        if kind == "intervention.began" and row is not None:
            return Moment(at=event.at, kind="begin", playbook=label, what=what, why=self._cause(row, why))
        if kind in ("intervention.held", "intervention.released"):
            return Moment(at=event.at, kind="hold", playbook=label, what=what, why=why)
        if kind.startswith("intervention."):
            return Moment(at=event.at, kind="end", playbook=label, what=what, why=why)
        if kind == "transition.refused" and event.data.get("code") not in _SAID_BY_THE_END:
            return Moment(at=event.at, kind="score", what=what, why=why)
        if kind.startswith(("transition.", "delivery.", "step.", "offer.", "alert.", "opportunity.")):
            return None
        by = "" if event.by == ENGINE else event.by
        if kind == "command.reassign" and row is not None:
            what += self._moved(row)
        return Moment(at=event.at, kind=PERSON, playbook=label, by=by, what=what, why=why)

    def _moved(self, row: Intervention) -> str:
        """Which tasks somebody else has now than they were given to."""
        tasks = self.session.exec(select(Task).where(Task.intervention_id == row.id)).all()
        given = select(Event).where(Event.intervention_id == row.id, col(Event.kind).startswith("task."))
        first = {str(event.data.get("step", "")): event for event in self.session.exec(given)}
        moved = [
            task.title
            for task in tasks
            if task.step in first and _given_to(first[task.step], task) != self._name(task.owner_id or "")
        ]
        return f", and with it the open task “{'”, “'.join(moved)}”" if moved else ""

    def _cause(self, row: Intervention, words: str) -> str:
        """Why it began: the change of level with where it came from, or the signal."""
        if row.transition_id is None:
            return words
        change = self.session.get_one(Transition, row.transition_id)
        before = f"{change.previous} → " if change.previous else ""
        return f"{before}{change.level}, score {number(change.score)}"

    def _of_step(
        self, row: Intervention, step: str, event: Event, kind: MomentKind, **fields: object
    ) -> Moment:
        known = Playbook.model_validate(row.definition).step(step)
        return Moment.model_validate(
            {
                "at": event.at,
                "kind": kind,
                "playbook": _label(row),
                "step": step,
                "channel": kind if kind in ("task", "document", "offer") else "",
                "why": known.why if known is not None else event.why,
                "attached": (known.attach or "") if isinstance(known, Send) else "",
                **fields,
                "to": self._name(str(fields.get("to") or "")),
            }
        )

    def _message(self, row: Intervention, step: str, event: Event) -> Moment:
        delivery = self.session.get_one(Delivery, event.data["delivery"])
        query = select(OutboxMessage).where(OutboxMessage.key == delivery.key)
        kept = self.session.exec(query).first()
        shown = select(InAppNotification).where(InAppNotification.key == delivery.key)
        notice = self.session.exec(shown).first()
        return self._of_step(
            row,
            step,
            event,
            "message",
            channel=delivery.channel.replace("_", "-"),
            by=kept.sender_name if kept is not None and delivery.channel == "email" else "",
            to=delivery.recipient_name,
            address=delivery.address,
            what=delivery.subject,
            text=kept.text if kept is not None else notice.body if notice is not None else "",
        )

    def _escalation(self, row: Intervention, step: str, events: list[Event]) -> Moment:
        task = self._one(Task, row, step)
        sent = next((event for event in events if event.kind == "delivery.accepted"), None)
        message = self._message(row, step, sent) if sent is not None else None
        return self._of_step(
            row,
            step,
            events[0],
            "escalation",
            channel=f"{message.channel} and task" if message else "task",
            to=_given_to(next(one for one in events if one.kind == "task.escalation"), task),
            what=task.title,
            due=task.due_at,
            text=message.text if message else task.detail,
        )

    def _left_out(self, row: Intervention, step: str, event: Event) -> Moment:
        """A step that was not done: why, and who got the task to do it by hand."""
        query = select(Task).where(Task.intervention_id == row.id, Task.step == step)
        task = self.session.exec(query).first()
        return self._of_step(
            row,
            step,
            event,
            "left_out",
            to=task.owner_id if task is not None else "",
            what=event.text,
            why=event.why,
            due=task.due_at if task is not None else None,
        )

    def _one(self, table: type[Row], row: Intervention, step: str) -> Row:
        query = select(table).where(
            col(getattr(table, "intervention_id")) == row.id,  # noqa: B009  (any table with these columns)
            col(getattr(table, "step")) == step,  # noqa: B009
        )
        return self.session.exec(query).one()

    def _name(self, who: str) -> str:
        """The name of a member of staff; what is no id of one is a name already."""
        staff = self.session.get(Staff, who) if who else None
        return staff.name if staff is not None else who

    def offer(self, row: Intervention) -> OfferTold | None:
        """The offer of the main intervention, if it made one."""
        found = self.session.exec(select(Offer).where(Offer.intervention_id == row.id)).first()
        return _offer_told(found) if found is not None else None

    def tally(self, asked: list[Asked]) -> Tally:
        """The story in numbers."""
        ids = list(self.rows)
        sent = select(Delivery).where(
            col(Delivery.intervention_id).in_(ids), col(Delivery.accepted_at).is_not(None)
        )
        tasks = self.session.exec(select(Task).where(col(Task.intervention_id).in_(ids))).all()
        return Tally(
            messages=len(self.session.exec(sent).all()),
            tasks=len(tasks),
            escalations=sum(task.kind == "escalation" for task in tasks),
            asked=len(asked),
            refused=sum(not isinstance(one.answer, GoNow) for one in asked),
            unsent=len(self._left_unsent(ids) - {(one.intervention, one.step) for one in asked}),
        )

    def _left_unsent(self, ids: list[str]) -> set[tuple[str, str]]:
        """Messages that the engine (no person) has left out, as intervention and step."""
        steps = select(InterventionStep).where(
            col(InterventionStep.intervention_id).in_(ids), InterventionStep.kind == "send"
        )
        sends = {(one.intervention_id, one.name) for one in self.session.exec(steps)}
        events = select(Event).where(col(Event.intervention_id).in_(ids), Event.kind == "step.skipped")
        left = {(one.intervention_id, str(one.data.get("step", ""))) for one in self.session.exec(events)}
        return sends & left


def _offer_told(offer: Offer) -> OfferTold:
    """What was offered with its limits, and what became of it."""
    return OfferTold(
        options=tuple(OfferOption.model_validate(option).words for option in offer.options.values()),
        state=offer.state,
        offered_at=offer.offered_at,
        valid_until=offer.valid_until,
        seen_at=offer.seen_at,
        decided_at=offer.decided_at,
        terms=Terms.model_validate(offer.terms) if offer.terms else None,
    )


_SAID_BY_THE_END = ("recovered",)


def _place(event: Event) -> tuple[str, str, str]:
    """What belongs together: lines of one step. Everything else stands alone."""
    step = str(event.data.get("step", ""))
    if not step or event.kind.startswith(("command.", "intervention.")):
        return event.id, "", ""
    # A document and the email that carries it are two steps, a task and its Slack message are one.
    return event.intervention_id or "", step, event.at.isoformat()


def _given_to(event: Event, task: Task) -> str:
    """Whom the task was given first; its row only knows who has it now."""
    return event.text.removeprefix(task.title).strip(" ()")


def _label(row: Intervention) -> str:
    return f"{row.playbook}@{row.version}"
