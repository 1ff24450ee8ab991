"""Enrolment: playbooks for customers who were in trouble before anybody looked.

A first score is a baseline and starts nothing. A person names a level and a limit instead, sees the
candidates, and enrols them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from sqlalchemy import func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from keepwell.contracts.intervention import Outcome
from keepwell.contracts.scoring import Candidate
from keepwell.db.engine import Store
from keepwell.db.repositories import journal
from keepwell.db.repositories.lookup import organisation_of
from keepwell.db.repositories.modes import switched_off
from keepwell.db.tables import Customer, Health, Intervention, Transition
from keepwell.errors import InputError, NotFoundError, RefusedError
from keepwell.keys import new_id
from scoring.levels import Level

KIND = "enrolment"
PAGE = 500


class _Refusable(Protocol):
    """A candidate; `refusal` says why it may not be enrolled, empty if it may."""

    @property
    def refusal(self) -> str: ...


Listed = TypeVar("Listed", bound=_Refusable)


def candidates(
    store: Store,
    organisation: str,
    level: Level,
    limit: int,
    now: datetime,
    *,
    playbook: str,
    cooldown: timedelta,
) -> tuple[Candidate, ...]:
    """Active customers held at a level, the worst score first, then the greatest revenue.

    Ends with the `limit`-th customer that may be enrolled. Those who may not stand between them, with
    the reason: an open intervention, a transition about to be handed over, or the `playbook`'s cooldown
    (days since it last ended for this customer, take-overs and failures aside).

    Raises:
        NotFoundError: the organisation (id or key) is unknown.
        InputError: the limit is below 1.
    """
    with store.read() as session:
        return up_to(limit, _candidates(session, organisation, level, playbook, cooldown, now))


def up_to(limit: int, found: Iterable[Listed]) -> tuple[Listed, ...]:
    """What was found up to the `limit`-th without a refusal. Raises InputError for a limit below 1."""
    if limit < 1:
        raise InputError(f"The limit must be at least 1, not {limit}.")
    listed: list[Listed] = []
    for one in found:
        listed.append(one)
        limit -= not one.refusal
        if limit == 0:
            break
    return tuple(listed)


def _candidates(
    session: Session, organisation: str, level: Level, playbook: str, cooldown: timedelta, now: datetime
) -> Iterator[Candidate]:
    owner = organisation_of(session, organisation)
    query = _at_level(owner.id, level)
    offset = 0
    while page := session.exec(query.offset(offset).limit(PAGE)).all():
        refusals = refusals_of(session, [customer.id for customer, _ in page], playbook, cooldown, now)
        for customer, health in page:
            currency = customer.currency or owner.currency
            yield _candidate(customer, health, level, currency, refusals.get(customer.id, ""))
        offset += PAGE


def enrol(
    store: Store, organisation: str, customers: Iterable[str], now: datetime, by: str
) -> tuple[str, ...]:
    """Write an enrolment for each customer in one transaction; the transitions' ids in the given order.

    Who has an enrolment that is not decided yet keeps that one. Whether a playbook begins is decided
    when the transition is claimed, like for any other.

    Raises:
        NotFoundError: the organisation or a customer is unknown; nothing is written.
        RefusedError: a customer has no level yet, or is not active; nothing is written.
    """
    wanted = tuple(dict.fromkeys(customers))
    with store.write() as session:
        owner = organisation_of(session, organisation).id
        _lock(session, owner, wanted)
        return tuple(_enrol(session, owner, customer, now, by) for customer in wanted)


def _at_level(organisation: str, level: Level) -> Select[Customer, Health]:
    return (
        select(Customer, Health)
        .join(Health, col(Health.customer_id) == col(Customer.id))
        .where(col(Customer.organisation_id) == organisation, col(Customer.active))
        .where(col(Health.level) == level.value)
        .order_by(
            col(Health.score),
            func.coalesce(col(Customer.monthly_revenue), -1.0).desc(),
            col(Customer.id),
        )
    )


def refusals_of(
    session: Session, customers: Sequence[str], playbook: str, cooldown: timedelta, now: datetime
) -> dict[str, str]:
    """Why customers may not be enrolled now; the weightiest reason wins."""
    reasons: dict[str, str] = {}
    endings = (
        select(Intervention.customer_id, func.max(col(Intervention.ended_at)))
        .where(col(Intervention.customer_id).in_(customers), col(Intervention.playbook) == playbook)
        .where(col(Intervention.outcome).not_in([Outcome.SUPERSEDED.value, Outcome.FAILED.value]))
        .where(col(Intervention.ended_at) > now - cooldown)
        .group_by(col(Intervention.customer_id))
    )
    for customer, ended in session.exec(endings).all():
        if ended is not None:
            free = ended + cooldown
            reasons[customer] = f"{playbook} ended on {ended:%Y-%m-%d} and may begin again on {free:%Y-%m-%d}"
    waiting = (
        select(Transition.customer_id)
        .where(col(Transition.customer_id).in_(customers), col(Transition.decision).is_(None))
        .distinct()
    )
    reasons.update(dict.fromkeys(session.exec(waiting).all(), "a level change is about to be handed over"))
    running = (
        select(Intervention.customer_id, Intervention.playbook, Intervention.started_at)
        .where(col(Intervention.customer_id).in_(customers), col(Intervention.outcome).is_(None))
        .where(col(Intervention.family) == "risk")
        .order_by(col(Intervention.started_at))
    )
    for customer, name, started in session.exec(running).all():
        reasons[customer] = f"{name} is running since {started:%Y-%m-%d}"
    one = session.get(Customer, customers[0]) if customers else None
    off = None if one is None else switched_off(session, one.organisation_id, playbook)
    return reasons if off is None else dict.fromkeys(customers, off[1])


def _candidate(customer: Customer, health: Health, level: Level, currency: str, refusal: str) -> Candidate:
    return Candidate(
        customer=customer.id,
        external_id=customer.external_id,
        name=customer.name,
        level=level,
        # Who is held at a level has had a score; it stays through days with too little data.
        score=health.score if health.score is not None else 0.0,
        since=health.since,
        monthly_revenue=customer.monthly_revenue,
        currency=currency,
        refusal=refusal,
    )


def _lock(session: Session, organisation: str, customers: Sequence[str]) -> None:
    """Hold the customers, in the same order as a scoring does, so that sequences do not collide."""
    query = (
        select(Customer.id)
        .where(col(Customer.organisation_id) == organisation, col(Customer.id).in_(customers))
        .order_by(col(Customer.id))
        .with_for_update(key_share=True)
    )
    missing = set(customers) - set(session.exec(query).all())
    if missing:
        raise NotFoundError(f"The organisation has no customer {min(missing)!r}; nobody was enrolled.")


def _enrol(session: Session, organisation: str, customer: str, now: datetime, by: str) -> str:
    health = session.get(Health, customer, populate_existing=True)
    row = session.get_one(Customer, customer)
    if not row.active:
        raise RefusedError(f"Customer {row.name} is not active; nobody was enrolled.")
    if health is None or health.level is None or health.score is None:
        raise RefusedError(
            f"Customer {row.name} has no level yet; nobody was enrolled.",
            hint="Score it first; it may have too little data.",
        )
    waiting = session.exec(
        select(Transition.id)
        .where(col(Transition.customer_id) == customer, col(Transition.kind) == KIND)
        .where(col(Transition.decision).is_(None), col(Transition.sequence) == health.sequence)
    ).first()
    if waiting is not None:
        return waiting
    health.sequence += 1
    transition = Transition(
        id=new_id(),
        organisation_id=organisation,
        customer_id=customer,
        sequence=health.sequence,
        kind=KIND,
        previous=health.level,
        level=health.level,
        score=health.score,
        score_id=health.score_id,
        at=now,
        by=by,
    )
    session.add_all((health, transition))
    session.flush()
    journal.write(
        session,
        key=f"transition/{transition.id}/enrolled",
        organisation=organisation,
        customer=customer,
        kind="customer.enrolled",
        text=f"{row.name} was enrolled at {health.level}",
        at=now,
        by=by,
        data={"transition": transition.id},
    )
    return transition.id
