"""Answers to one offer at the same moment, from tabs, colleagues and the run's own end: the first counts."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlmodel import select

from keepwell.contracts.commands import Accept, Decline
from keepwell.contracts.intervention import Outcome
from keepwell.contracts.offers import OfferKind, OfferState
from keepwell.db.engine import Store
from keepwell.db.repositories import offer_page
from keepwell.db.repositories.alerts import lock_customers
from keepwell.db.repositories.closing import close
from keepwell.db.tables import Event, Intervention, Offer, PendingCommand, Task
from tests.unit.db.world import DAY, NOW, World
from workflows.critical import CRITICAL, OPTIONS

ACCEPT = Accept(id="x", by="somebody", option=OfferKind.DEDICATED_SUPPORT)
DECLINE = Decline(id="x", by="somebody", note="no")


@pytest.fixture
def world(store: Store) -> World:
    """Acme's offer went to Pat and to Quin."""
    made = World(store)
    made.staff("dana")
    made.customer("acme", owner_id="dana")
    made.score("acme", 10, NOW)
    made.intervention("one", "acme", owner_id="dana")
    made.change(Intervention, "one", definition=CRITICAL.model_dump(mode="json"))
    for contact in ("pat", "quin"):
        made.contact(contact, "acme")
    made.add(
        Offer(
            id="offer-1",
            organisation_id=made.organisation,
            customer_id="acme",
            intervention_id="one",
            step="retention_offer",
            options={option.kind.value: option.model_dump(mode="json") for option in OPTIONS},
            valid_for=4 * DAY,
            state="offered",
            offered_at=NOW,
            valid_until=NOW + 4 * DAY,
        )
    )
    return made


def answer(world: World, contact: str, said: Accept | Decline) -> bool:
    with world.store.write() as session:
        found = offer_page.addressed(session, "offer-1", contact, lock=True)
        named = said.model_copy(update={"by": offer_page.by_of(found)})
        return offer_page.answer(session, found, named, NOW)


def end(world: World) -> None:
    """What the run does as it ends: it holds the customer, then writes what its offer has come to."""
    with world.store.write() as session:
        lock_customers(session, ("acme",))
        row = session.get_one(Intervention, "one", with_for_update=True)
        close(session, row, Outcome.RECOVERED, "the level is HEALTHY", "engine", NOW)


def at_once(*works: Callable[[], object]) -> list[object]:
    """Do all of it at the same moment."""
    barrier = Barrier(len(works))

    def one(work: Callable[[], object]) -> object:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(one, works, timeout=30))


def test_of_two_people_at_the_same_moment_one_counts(world: World) -> None:
    works = [
        lambda: answer(world, "pat", ACCEPT),
        lambda: answer(world, "quin", DECLINE),
        lambda: answer(world, "pat", ACCEPT),
        lambda: answer(world, "quin", ACCEPT),
    ]
    assert sorted(map(bool, at_once(*works))) == [False, False, False, True]
    with world.store.read() as session:
        (kept,) = session.exec(select(PendingCommand)).all()
        (line,) = session.exec(select(Event).where(Event.kind == "offer.answered")).all()
    assert kept.by in line.text


def test_an_answer_while_the_playbook_ends_is_kept_or_told_that_it_is_over(world: World) -> None:
    taken, *_ = at_once(lambda: answer(world, "pat", ACCEPT), lambda: end(world), lambda: call(world))
    with world.store.read() as session:
        offer = session.get_one(Offer, "offer-1")
        kept = session.exec(select(PendingCommand)).all()
        shown = offer_page.page_of(session, offer_page.addressed(session, "offer-1", "pat"), NOW)
    assert offer.state == OfferState.WITHDRAWN
    assert len(kept) == int(bool(taken))
    assert shown.state == ("accepted" if taken else "withdrawn")


def call(world: World) -> bool:
    with world.store.write() as session:
        found = offer_page.addressed(session, "offer-1", "quin", lock=True)
        return offer_page.ask_for_call(session, found, "+49 30 1", "", "", NOW)


def test_one_call_is_asked_for_however_many_ask_at_once(world: World) -> None:
    assert sorted(map(bool, at_once(*[lambda: call(world)] * 4))) == [False, False, False, True]
    with world.store.read() as session:
        assert len(session.exec(select(Task)).all()) == 1
