"""What open interventions will do next: when the gate lets each step through, and whom it reaches.

For thousands of interventions by a few statements. Their playbooks are read once for each version and not for
each intervention: what is pinned differs in templates alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Executable, Row, func
from sqlalchemy import select as rows_of
from sqlmodel import Session, col, select

from keepwell.contracts.people import ContactRole, Purpose
from keepwell.contracts.playbook import (
    CONTACTS,
    Audience,
    Channel,
    Escalate,
    Offer,
    Playbook,
    Send,
    Sender,
    Step,
    Task,
)
from keepwell.db.repositories.directory import NOT_REACHED, others_than, usable_among
from keepwell.db.repositories.modes import needs_approval
from keepwell.db.repositories.switches import stopped_by, thrown
from keepwell.db.repositories.views_decent import Decent
from keepwell.db.repositories.views_interventions import LAST, OPEN, planned_moment
from keepwell.db.repositories.views_outlines import (
    ContactOutline,
    CustomerOutline,
    contacts_of,
    parts,
)
from keepwell.db.repositories.views_people import People
from keepwell.db.repositories.wishes import purpose_for
from keepwell.db.tables import (
    Delivery,
    Intervention,
    InterventionStep,
    Organisation,
    Staff,
)

Usable = dict[str, list[ContactOutline] | str]


@dataclass(frozen=True, slots=True)
class Coming:
    """A step that is still to come.

    `planned_at` is when its playbook has it, `at` when the gate lets it through as things stand, and
    `moved_why` why that is later. `hindered` says why it will not go out at all, or not before somebody acts.
    `reaches` is a contact or a member of staff, `signs` the member of staff in whose name it goes out.
    """

    run: Intervention
    step: Step | None
    name: str
    kind: str
    state: str
    why: str
    planned_at: datetime
    at: datetime
    moved_why: str = ""
    hindered: str = ""
    approval: bool = False
    reaches: ContactOutline | Staff | None = None
    signs: Staff | None = None

    @property
    def audience(self) -> Audience | None:
        """Whom it is for; None for a step that is for nobody."""
        return _audience(self.step)

    @property
    def channel(self) -> Channel | None:
        """How its message travels; None where it has none."""
        match self.step:
            case Send(channel=channel):
                return channel
            case Escalate():
                return Channel.SLACK
            case _:
                return None


@dataclass(frozen=True, slots=True)
class _Known:
    """What all steps of an intervention share. `zero` is when its clock's zero was, as things stand now."""

    run: Intervention
    steps: Mapping[str, Step]
    purpose: Purpose
    zero: datetime
    stopped: str
    asks: bool


@dataclass(frozen=True, slots=True)
class _Due:
    """A step and when it is due, before it is known whom it reaches."""

    known: _Known
    row: Row[Any]
    step: Step | None
    planned_at: datetime
    at: datetime

    @property
    def contacts(self) -> tuple[str, Purpose] | None:
        """The channel and purpose for which it needs a contact; None where it needs none."""
        step = self.step
        if isinstance(step, Send) and step.to in CONTACTS:
            return step.channel.value, self.known.purpose
        return None


class Outlook:
    """What lies ahead of an organisation's open interventions between now and a moment."""

    def __init__(
        self, session: Session, organisation: Organisation, now: datetime, until: datetime, people: People
    ) -> None:
        self._session, self._organisation = session, organisation
        self._now, self._until, self._people = now, until, people
        self._stops = thrown(session, organisation.id)
        self._manners = Decent(session, organisation)
        self._playbooks: dict[str, tuple[Playbook, dict[str, Step]]] = {}
        self._asks: dict[str, bool] = {}

    def coming(self, runs: Sequence[Intervention], customers: Mapping[str, CustomerOutline]) -> list[Coming]:
        """The steps to come of these interventions, in the order of time."""
        due = list(self._due(runs))
        usable = self._usable(due, customers)
        alternates = [one.known.run.id for one in due if _audience(one.step) is Audience.ALTERNATE_CONTACT]
        written = self._written(alternates)
        found = (self._placed(one, usable, written, customers) for one in due)
        # What is due already comes now, in the order in which it was planned.
        return sorted(
            (one for one in found if one.at < self._until),
            key=lambda one: (one.at, one.planned_at, one.run.id, one.name),
        )

    def waiting(self, runs: Sequence[Intervention]) -> dict[str, int]:
        """How many steps are still to come, by intervention, whenever that is."""
        found: dict[str, int] = {}
        for part in parts([run.id for run in runs]):
            query = (
                select(InterventionStep.intervention_id, func.count())
                .where(col(InterventionStep.intervention_id).in_(part), col(InterventionStep.state).in_(OPEN))
                .group_by(col(InterventionStep.intervention_id))
            )
            found.update(dict(self._session.exec(query).all()))
        return found

    def playbook(self, run: Intervention) -> Playbook:
        """The playbook of an intervention; what it pins may be the templates of another one."""
        self._read_playbooks([run])
        return self._playbooks[_label(run)][0]

    def _read_playbooks(self, runs: Sequence[Intervention]) -> None:
        wanted = {_label(run): run.id for run in runs if _label(run) not in self._playbooks}
        if not wanted:
            return
        query = select(Intervention.id, Intervention.definition).where(
            col(Intervention.id).in_(wanted.values())
        )
        read = dict(self._session.exec(query).all())
        for label, run in wanted.items():
            playbook = Playbook.model_validate(read[run])
            self._playbooks[label] = playbook, {step.name: step for step in playbook.all_steps}

    def _known(self, run: Intervention) -> _Known:
        playbook, steps = self._playbooks[_label(run)]
        if run.playbook not in self._asks:
            asked = needs_approval(self._session, self._organisation.id, run.playbook)
            self._asks[run.playbook] = asked
        return _Known(
            run=run,
            steps=steps,
            purpose=purpose_for(run.family, playbook.triggers),
            zero=planned_moment(run, timedelta(), self._now),
            stopped=stopped_by(self._stops, run) if self._stops else "",
            asks=self._asks[run.playbook],
        )

    def _due(self, runs: Sequence[Intervention]) -> Iterator[_Due]:
        self._read_playbooks(runs)
        known = {run.id: self._known(run) for run in runs}
        for part in parts(list(known)):
            for row in self._session.connection().execute(_open_steps(part, self._until)):
                one = known[row.intervention_id]
                planned = one.zero + min(row.offset, LAST - one.zero)
                at = planned
                if row.deferred_until is not None:
                    at = planned_moment(one.run, row.offset, self._now, row.deferred_until)
                if at < self._until:
                    yield _Due(one, row, _step(one, row.name), planned, max(at, self._now))

    def _usable(
        self, due: Sequence[_Due], customers: Mapping[str, CustomerOutline]
    ) -> dict[tuple[str, Purpose], Usable]:
        """The contacts that can be written to, by channel and purpose, then by customer."""
        wanted: dict[tuple[str, Purpose], set[str]] = {}
        for one in due:
            if (needs := one.contacts) is not None:
                wanted.setdefault(needs, set()).add(one.known.run.customer_id)
        contacts = contacts_of(self._session, {one for ids in wanted.values() for one in ids})
        usable: dict[tuple[str, Purpose], Usable] = {}
        for (channel, purpose), ids in wanted.items():
            of = usable.setdefault((channel, purpose), {})
            for part in parts(sorted(ids)):
                known = {one: contacts[one] for one in part}
                names = {one: customers[one].name for one in part}
                of.update(usable_among(self._session, self._organisation, known, names, channel, purpose))
        return usable

    def _written(self, runs: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
        """Step and recipient of the emails to contacts that have gone out, by intervention."""
        found: dict[str, list[tuple[str, str]]] = {}
        for part in parts(sorted(set(runs))):
            query = select(Delivery.intervention_id, Delivery.step, Delivery.recipient_id).where(
                col(Delivery.intervention_id).in_(part),
                Delivery.channel == Channel.EMAIL.value,
                Delivery.recipient_kind == "contact",
                col(Delivery.state).not_in([state.value for state in NOT_REACHED]),
            )
            for run, step, recipient in self._session.exec(query):
                found.setdefault(run, []).append((step, recipient))
        return found

    def _placed(
        self,
        one: _Due,
        usable: Mapping[tuple[str, Purpose], Usable],
        written: Mapping[str, list[tuple[str, str]]],
        customers: Mapping[str, CustomerOutline],
    ) -> Coming:
        """The step with whom it reaches and the moment at which the gate lets it through."""
        needs = one.contacts
        if needs is None:
            return self._to_staff(one)
        run = one.known.run
        contacts = _chosen(usable[needs][run.customer_id], one, written)
        if isinstance(contacts, str):
            return _coming(one, hindered=contacts)
        at, moved_why = one.at, ""
        if needs[0] != Channel.IN_APP:
            at, moved_why = self._manners.for_contact(customers[run.customer_id], contacts[0], at)
        return _coming(
            one,
            at=at,
            moved_why=moved_why,
            hindered=one.known.stopped,
            approval=one.known.asks,
            reaches=contacts[0],
            signs=self._signs(one),
        )

    def _to_staff(self, one: _Due) -> Coming:
        audience, step = _audience(one.step), one.step
        if audience is None or audience in CONTACTS:
            return _coming(one)
        person = self._people.meant(one.known.run, audience, one.at)
        if person is None:
            return _coming(one, hindered="nobody of the staff is meant by it: there is no owner and no lead")
        if not isinstance(step, Send):
            # A task is there at once, that of an escalation too: only its message waits for a decent hour.
            return _coming(one, reaches=person)
        at, moved_why = one.at, ""
        if not step.urgent and step.channel is not Channel.IN_APP:
            at, moved_why = self._manners.for_staff(person, at)
        return _coming(one, at=at, moved_why=moved_why, hindered=one.known.stopped, reaches=person)

    def _signs(self, one: _Due) -> Staff | None:
        sender = one.step.sender if isinstance(one.step, Send) else Sender.COMPANY
        match sender:
            case Sender.OWNER:
                return self._people.meant(one.known.run, Audience.OWNER, one.at)
            case Sender.EXECUTIVE:
                return self._people.meant(one.known.run, Audience.EXECUTIVE, one.at)
            case Sender.COMPANY:
                return None


def _step(known: _Known, name: str) -> Step | None:
    # A playbook of somebody's own, changed without a new number: its own definition counts.
    return known.steps.get(name) or Playbook.model_validate(known.run.definition).step(name)


def _audience(step: Step | None) -> Audience | None:
    match step:
        case Send(to=to) | Task(to=to):
            return to
        case Escalate():
            return step.audience
        case Offer():
            return Audience.PRIMARY_CONTACT
        case _:
            return None


def _coming(
    one: _Due,
    *,
    at: datetime | None = None,
    moved_why: str = "",
    hindered: str = "",
    approval: bool = False,
    reaches: ContactOutline | Staff | None = None,
    signs: Staff | None = None,
) -> Coming:
    row = one.row
    return Coming(
        run=one.known.run,
        step=one.step,
        name=row.name,
        kind=row.kind,
        state=row.state,
        why=row.why,
        planned_at=one.planned_at,
        at=at or one.at,
        moved_why=moved_why or (row.why if row.deferred_until is not None else ""),
        hindered=hindered,
        approval=approval,
        reaches=reaches,
        signs=signs,
    )


def _chosen(
    known: list[ContactOutline] | str, one: _Due, written: Mapping[str, list[tuple[str, str]]]
) -> list[ContactOutline] | str:
    """Whom of the usable contacts it goes to, as `DirectoryRepository.recipients` chooses."""
    if isinstance(known, str):
        return known
    audience, run = _audience(one.step), one.known.run
    if audience is Audience.BILLING_CONTACT:
        return sorted(known, key=lambda contact: contact.role != ContactRole.BILLING)
    if audience is Audience.ALTERNATE_CONTACT:
        before = {who for step, who in written.get(run.id, []) if step != one.row.name}
        return others_than(before, known) or "there is no other contact than the one already written to"
    return known


def _open_steps(runs: Sequence[str], until: datetime) -> Executable:
    step = InterventionStep
    return rows_of(
        col(step.intervention_id),
        col(step.name),
        col(step.kind),
        col(step.offset),
        col(step.state),
        col(step.deferred_until),
        col(step.why),
    ).where(
        col(step.intervention_id).in_(runs),
        col(step.state).in_(OPEN),
        # A pause or a deferral only ever makes it later than planned.
        col(step.planned_at) < until,
    )


def _label(run: Intervention) -> str:
    return f"{run.playbook}@{run.version}"
