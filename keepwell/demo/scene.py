"""A story under way: a customer, its people, and its runs on one clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlmodel import Session, select

from keepwell.contracts.commands import CommandBase, Reassign
from keepwell.contracts.people import Consent
from keepwell.contracts.playbook import Family
from keepwell.db.repositories import journal
from keepwell.db.repositories.wording import money
from keepwell.db.tables import Contact, Customer, Intervention, Staff
from keepwell.demo.portfolio import DemoCustomer
from keepwell.demo.tell import Frame, tell
from keepwell.demo.told import Story
from keepwell.errors import KeepwellError
from keepwell.keys import new_id
from keepwell.rehearsal.actor import Actor
from keepwell.rehearsal.theatre import Theatre
from scoring.signal import Signal

T = TypeVar("T")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
JUST_AFTER = timedelta(seconds=15)
"""What a playbook does at a moment comes before what people do then: that much for each playbook of the
story, since each begins some seconds later past the full hour than the one before (real time passes)."""


@dataclass
class Scene:
    """One customer's story. Times of day count from `began`, when its first intervention begins."""

    theatre: Theatre
    customer: DemoCustomer
    start: datetime
    families: tuple[Family, ...] = ("risk",)
    began: datetime | None = field(default=None, init=False)
    identity: str = field(init=False)
    staff: dict[str, Staff] = field(init=False)
    actor: Actor = field(init=False)

    def __post_init__(self) -> None:
        def look(session: Session) -> tuple[str, dict[str, Staff]]:
            query = select(Customer).where(Customer.external_id == self.customer.key)
            people = session.exec(select(Staff)).all()
            return session.exec(query).one().id, {one.external_id: one for one in people}

        self.identity, self.staff = self.read(look)
        self.actor = Actor(self.theatre, self.identity, self.customer.name, self.families)
        self.actor.start_at(self.start)

    @property
    def owner(self) -> str:
        """The CSM who owns the customer in the beginning."""
        return self.staff[self.customer.owner or ""].name

    async def fall(self, points: float | None = None) -> None:
        """Score the customer, with figures that give these points or its newest ones; a playbook begins."""
        before = len(self.of("risk"))
        scored = await self.actor.score(points)
        if scored.transition is None:
            raise self._unlike(f"did not change its level: {scored.score}, {scored.level}")
        rows = await self.actor.eventually(
            lambda: self.of("risk"), lambda rows: len(rows) > before, "no playbook has begun"
        )
        self._begin(rows[-1])
        await self.actor.up_to_date()

    async def grow(self, signal: Signal) -> None:
        """Score the customer with its newest figures; the campaign that follows from a signal begins."""
        now = await self.actor.now()
        scores = self.theatre.parts.scores
        await asyncio.to_thread(scores.score_customer, self.theatre.organisation, self.identity, now)
        why = await self.actor.campaign(signal)
        if why:
            raise self._unlike(f"began no campaign: {why}")
        rows = await self.actor.eventually(lambda: self.of("expansion"), bool, "no campaign has begun")
        self._begin(rows[-1])

    def _begin(self, row: Intervention) -> None:
        if self.began is None:
            self.began = row.started_at

    def of(self, family: Family) -> list[Intervention]:
        """The customer's interventions of a family, oldest first."""
        return [row for row in self.actor.interventions() if row.family == family]

    def at(self, offset: timedelta) -> datetime:
        """A moment of the story."""
        assert self.began is not None  # noqa: S101  (set by the first playbook)
        return self.began + offset

    async def until(self, offset: timedelta) -> None:
        """Let time pass until this long after the beginning; what was due before is done then."""
        begun = len(await asyncio.to_thread(self.actor.interventions))
        await self.actor.forward_to(self.at(offset) + begun * JUST_AFTER)

    async def say(
        self, kind: type[CommandBase], by: str = "", family: Family = "risk", **fields: Any
    ) -> None:
        """Somebody tells the newest intervention of a family a command, as the command line does."""
        row = self.of(family)[-1]
        command = kind(**{"id": new_id(), "intervention": row.id, "by": by or self.owner, **fields})
        await self.actor.say(command, family)
        await self.actor.settle()

    async def reassign(self, by: str, to: Staff) -> None:
        """Somebody hands the customer to a colleague."""
        row = self.of("risk")[-1]
        command = Reassign(id=new_id(), intervention=row.id, by=by, to=to.id, to_name=to.name)
        await self.actor.say(command)
        await self.actor.settle()

    def withdraw_consent(self, now: datetime) -> None:
        """Every contact withdraws consent, as a newly imported file of contacts would say it."""
        with self.theatre.store.write() as session:
            for contact in session.exec(select(Contact).where(Contact.customer_id == self.identity)):
                contact.consent, contact.consent_at = Consent.DENIED.value, now
                session.add(contact)
            journal.write(
                session,
                key=f"demo/{self.identity}/consent",
                organisation=self.theatre.organisation,
                customer=self.identity,
                kind="demo.consent",
                by=self.customer.name,
                text="They ask us to write no more emails: consent is withdrawn",
                at=now,
            )

    async def told(self, title: str, plot: str, main: Family = "risk") -> Story:
        """Wait for the end, and tell the story; `main` is the family whose end is the story's."""
        await self.actor.ended(main)
        frame = Frame(
            title=title,
            plot=plot,
            customer=self.identity,
            name=self.customer.name,
            about=_about(self.customer),
            worth=_worth(self.customer),
            owner=self.owner,
            began=self.at(timedelta()),
            main=self.of(main)[-1].id,
        )
        return await asyncio.to_thread(tell, self.theatre.store, self.theatre.gate.asked, frame)

    def _unlike(self, what: str) -> KeepwellError:
        return KeepwellError(f"The demo's {self.customer.name} {what}.", audience="developer")

    def read(self, look: Callable[[Session], T]) -> T:
        """Ask the store."""
        with self.theatre.store.read() as session:
            return look(session)


def _about(one: DemoCustomer) -> str:
    price = money(one.monthly_revenue, "USD")
    return f"{one.industry}, {one.country}; {one.plan}, {one.seats} seats, {price} a month"


def _worth(one: DemoCustomer) -> str:
    """What the product brings the customer, from the same facts as its value report."""
    worth, price = one.worth, one.monthly_revenue
    if worth.hours_saved is not None and worth.hourly_cost is not None:
        value = worth.hours_saved * worth.hourly_cost
        how = f"{worth.hours_saved} hours × {money(worth.hourly_cost, 'USD')} = "
    elif worth.value_delivered is not None:
        value, how = worth.value_delivered, ""
    else:
        return ""
    return f"{how}{money(value, 'USD')} of value a month, {value / price:.1f} times the price"
