"""Offers in the store: made once, and changed by what people tell the intervention."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from keepwell.contracts.intervention import Note, StepCall
from keepwell.contracts.offers import OfferChange, OfferKind, OfferState, Terms
from keepwell.db.engine import Store
from keepwell.db.repositories.offers import change_offer, make_offer
from keepwell.db.tables import Intervention, Offer
from tests.unit.db.test_growth import begin, offer
from tests.unit.db.world import DAY, NOW, World
from workflows.critical import CRITICAL

HOUR = timedelta(hours=1)
TERMS = Terms(kind=OfferKind.BILLING_PAUSE, months=2, note="Budget freeze")


@pytest.fixture
def world(store: Store) -> World:
    made = World(store)
    made.customer("acme")
    made.score("acme", 12, NOW - DAY)
    begin(made)
    return made


def make(world: World, now: datetime) -> Offer:
    """Let the playbook's step make its offer."""
    step = CRITICAL.offer
    assert step is not None
    call = StepCall(
        organisation="org-1",
        customer="acme",
        intervention="i-1",
        playbook=CRITICAL.label,
        step=step,
        templates={},
        now=now,
    )
    with world.store.write() as session:
        return make_offer(session, call, step)


def tell(
    world: World, state: OfferState, at: datetime, terms: Terms | None = None, why: str = ""
) -> dict[str, Any]:
    """Write what a command has changed; the offer's columns then."""
    step = CRITICAL.offer
    assert step is not None
    change = OfferChange(
        step=step.name, state=state, terms=terms, valid_for=step.valid_for, options=step.options
    )
    note = Note(key="k", kind="command", by="dana", text="", why=why, at=at)
    with world.store.write() as session:
        change_offer(session, session.get_one(Intervention, "i-1"), note, change)
    return columns(world)


def columns(world: World) -> dict[str, Any]:
    with world.store.read() as session:
        return session.exec(select(Offer)).one().model_dump()


def test_an_offer_that_is_made_again_keeps_its_end(world: World) -> None:
    first = make(world, NOW)
    assert (first.state, first.offered_at, first.valid_until) == ("offered", NOW, NOW + 4 * DAY)
    assert (first.valid_for, first.seen_at, first.decided_at) == (4 * DAY, None, None)
    assert set(first.options) == {
        "billing_pause",
        "plan_downgrade",
        "dedicated_support",
        "custom_solution",
    }
    again = make(world, NOW + HOUR)
    assert (again.id, again.offered_at, again.valid_until) == (first.id, NOW, NOW + 4 * DAY)


def test_seen_and_then_accepted(world: World) -> None:
    make(world, NOW)
    before = columns(world)
    seen = tell(world, OfferState.SEEN, NOW + HOUR, why="They opened it")
    assert seen == {**before, "state": "seen", "seen_at": NOW + HOUR}
    again = tell(world, OfferState.SEEN, NOW + 2 * HOUR)
    assert again == seen, "the first time counts"
    accepted = tell(world, OfferState.ACCEPTED, NOW + 3 * HOUR, TERMS, "They called")
    assert accepted == {
        **seen,
        "state": "accepted",
        "decided_at": NOW + 3 * HOUR,
        "decided_by": "dana",
        "note": "They called",
        "terms": {"kind": "billing_pause", "months": 2, "plan": "", "note": "Budget freeze"},
    }


def test_one_that_nobody_has_seen_before_was_seen_with_the_answer(world: World) -> None:
    make(world, NOW)
    before = columns(world)
    assert tell(world, OfferState.DECLINED, NOW + HOUR, why="Signed elsewhere") == {
        **before,
        "state": "declined",
        "seen_at": NOW + HOUR,
        "decided_at": NOW + HOUR,
        "decided_by": "dana",
        "note": "Signed elsewhere",
    }


def test_what_was_agreed_before_it_went_out_makes_it(world: World) -> None:
    row = tell(world, OfferState.ACCEPTED, NOW + HOUR, TERMS)
    assert (row["step"], row["intervention_id"], row["customer_id"]) == ("retention_offer", "i-1", "acme")
    assert (row["state"], row["offered_at"], row["seen_at"]) == ("accepted", NOW + HOUR, NOW + HOUR)
    assert (row["decided_at"], row["valid_until"]) == (NOW + HOUR, NOW + HOUR + 4 * DAY)
    assert row["options"]["billing_pause"]["months"] == 3


@pytest.mark.parametrize("decided", ["accepted", "declined", "expired"])
@pytest.mark.parametrize("state", [OfferState.SEEN, OfferState.ACCEPTED, OfferState.DECLINED])
def test_a_decided_offer_stays_as_it_is(world: World, decided: str, state: OfferState) -> None:
    offer(world, state=decided, decided_at=NOW, decided_by="lee", note="Settled", seen_at=None)
    before = columns(world)
    assert tell(world, state, NOW + HOUR, TERMS, "Something else") == before


@pytest.mark.parametrize("state", [OfferState.ACCEPTED, OfferState.DECLINED])
def test_an_answer_that_the_run_took_counts_although_a_person_has_withdrawn_the_offer(
    world: World, state: OfferState
) -> None:
    offer(world, state="withdrawn", decided_at=NOW, decided_by="lee", note="Settled", seen_at=None)
    before = columns(world)
    assert tell(world, OfferState.SEEN, NOW + HOUR) == before
    row = tell(world, state, NOW + 2 * HOUR, None, "They called")
    assert (row["state"], row["decided_by"], row["note"]) == (state, "dana", "They called")


def test_what_ended_with_its_playbook_stays_withdrawn(world: World) -> None:
    offer(world, state="withdrawn", decided_at=NOW, decided_by="", note="", seen_at=None)
    world.change(Intervention, "i-1", outcome="responded", ended_at=NOW)
    before = columns(world)
    assert tell(world, OfferState.ACCEPTED, NOW + HOUR, TERMS) == before
