"""The send ledger's rows: of two attempts on one row, one acts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, select

from keepwell.contracts.delivery import (
    Absent,
    Accepted,
    CannotSay,
    DeliveryState,
    DoNotGo,
    Found,
    LedgerRow,
    LeftOver,
    Recipient,
)
from keepwell.contracts.intervention import Miss, Opened, StepCall, StepState
from keepwell.contracts.people import Consent, Purpose
from keepwell.contracts.playbook import Channel
from keepwell.contracts.rendering import Rendered
from keepwell.db.engine import Store
from keepwell.db.repositories.interventions import InterventionRepository
from keepwell.db.repositories.ledger import LedgerRepository
from keepwell.db.repositories.steps import StepRepository
from keepwell.db.repositories.wishes import set_consent, set_preference
from keepwell.db.tables import Contact, Delivery, Event, InterventionStep
from tests.unit.db.test_claims import fall
from tests.unit.db.world import DAY, NOW, World
from workflows.critical import CRITICAL

RECIPIENT = Recipient(id="p", kind="contact", name="Pat", address="p@acme.example", time_zone="UTC")
LATER = datetime(2100, 1, 1, tzinfo=UTC)
"""When a lease ends: after the tests, however long they take."""


@pytest.fixture
def ledger(store: Store) -> LedgerRepository:
    return LedgerRepository(store)


@pytest.fixture
def call(store: Store) -> StepCall:
    return case(store)


def case(store: Store) -> StepCall:
    world = World(store)
    world.customer("acme")
    world.contact("p", "acme", name="Pat", email=RECIPIENT.address)
    world.score("acme", 72, NOW - 3 * DAY)
    opened = InterventionRepository(store).open(fall(world, 12, NOW))
    assert isinstance(opened, Opened)
    return StepCall(
        organisation=world.organisation,
        customer="acme",
        intervention=opened.intervention,
        playbook=CRITICAL.label,
        step=CRITICAL.steps[0],
        templates={},
        now=NOW,
    )


def seen(ledger: LedgerRepository, call: StepCall) -> LedgerRow:
    return ledger.rows_of(call)[0]


def test_only_one_attempt_gets_the_row(ledger: LedgerRepository, call: StepCall) -> None:
    ledger.plan(call, "k", RECIPIENT, "email")
    assert ledger.begin(call, "k", "first", LATER)
    assert not ledger.begin(call, "k", "second", LATER)


def test_who_has_said_no_since_the_gate_was_asked_gets_nothing(
    store: Store, ledger: LedgerRepository, call: StepCall
) -> None:
    ledger.plan(call, "k", RECIPIENT, "email")
    with store.write() as session:
        contact = session.get_one(Contact, "p")
        set_preference(session, contact, Purpose.ACCOUNT, False, source="page", by="customer", now=NOW)
    refused = DoNotGo(reason="Pat has unsubscribed from messages about the account")
    assert ledger.begin(call, "k", "first", LATER) == refused
    assert seen(ledger, call).state == "planned"
    with store.write() as session:
        contact = session.get_one(Contact, "p")
        set_preference(session, contact, Purpose.ACCOUNT, True, source="page", by="customer", now=NOW)
    assert ledger.begin(call, "k", "first", LATER) is True


@pytest.mark.parametrize("state", [DeliveryState.PLANNED, DeliveryState.DEFERRED])
def test_an_attempt_that_comes_after_a_person_got_the_task_sends_nothing(
    state: DeliveryState, store: Store, ledger: LedgerRepository, call: StepCall
) -> None:
    ledger.plan(call, "k", RECIPIENT, "email")
    other = call.model_copy(update={"step": CRITICAL.steps[1]})
    ledger.plan(other, "k2", RECIPIENT, "email")
    ledger.settle(call, seen(ledger, call), state, "429")
    text = Rendered(subject="Write to Pat by hand", text="The provider took nothing")
    StepRepository(store).fall_back(Miss(call=call, reason="not in time", state=StepState.MISSED), text)
    row = seen(ledger, call)
    assert (row.state, row.reason) == ("cancelled", "not in time")
    assert not ledger.begin(call, "k", "late", LATER)
    assert seen(ledger, other).state == "planned", "another step's goes on"


def test_a_wish_and_an_attempt_wait_for_each_other(postgresql_url: str) -> None:
    """On PostgreSQL others write meanwhile: an opt-out is stored before the row is taken, or after."""
    store = Store(postgresql_url)
    try:
        ledger, given = LedgerRepository(store), case(store)
        ledger.plan(given, "k", RECIPIENT, "email")
        with ThreadPoolExecutor(1) as other:
            with store.write() as session:
                contact = session.get_one(Contact, "p")
                set_consent(session, contact, Consent.DENIED, source="page", by="customer", now=NOW)
                session.flush()
                taken = other.submit(ledger.begin, given, "k", "first", LATER)
                with pytest.raises(TimeoutError):
                    taken.result(timeout=0.5)
            assert taken.result(timeout=20) == DoNotGo(reason="Pat has withdrawn consent")
    finally:
        store.dispose()


def test_two_attempts_on_one_lapsed_lease_cannot_both_send(ledger: LedgerRepository, call: StepCall) -> None:
    ledger.plan(call, "k", RECIPIENT, "email")
    ledger.begin(call, "k", "dead", LATER)
    one = other = seen(ledger, call)
    assert ledger.settle(call, one, DeliveryState.PLANNED, "broke off")
    assert ledger.begin(call, "k", "one", LATER)
    assert not ledger.settle(call, other, DeliveryState.PLANNED, "broke off")
    assert (seen(ledger, call).state, seen(ledger, call).lease) == ("sending", "one")


def test_an_acceptance_is_the_truth_whenever_it_comes(ledger: LedgerRepository, call: StepCall) -> None:
    ledger.plan(call, "k", RECIPIENT, "email")
    ledger.begin(call, "k", "a", LATER)
    ledger.settle(call, seen(ledger, call), DeliveryState.UNKNOWN, "nobody can say")
    ledger.accept(call, "k", None, Accepted(provider="p", provider_id="1"))
    assert seen(ledger, call).state == "accepted"
    assert not ledger.begin(call, "k", "b", LATER)


def columns(store: Store) -> dict[str, object]:
    """The only row, but for when it was last touched."""
    with store.read() as session:
        return session.exec(select(Delivery)).one().model_dump(exclude={"updated_at"})


def told(store: Store) -> list[tuple[str, str]]:
    """The journal's lines about deliveries."""
    with store.read() as session:
        query = select(Event).where(col(Event.kind).startswith("delivery.")).order_by(col(Event.id))
        return [(row.kind, row.text) for row in session.exec(query).all()]


def step_is(store: Store, call: StepCall, state: StepState) -> None:
    with store.write() as session:
        session.get_one(InterventionStep, (call.intervention, call.step.name)).state = state


def taken(ledger: LedgerRepository, call: StepCall) -> None:
    """The provider has taken the message."""
    ledger.plan(call, "k", RECIPIENT, "email")
    ledger.begin(call, "k", "a", LATER)
    ledger.accept(call, "k", None, Accepted(provider="p", provider_id="1"))


def test_an_acceptance_is_written_once(store: Store, ledger: LedgerRepository, call: StepCall) -> None:
    taken(ledger, call)
    before, lines = columns(store), told(store)
    assert (before["state"], before["provider_id"]) == ("accepted", "1")
    assert [kind for kind, _ in lines] == ["delivery.accepted"]
    later = call.model_copy(update={"now": NOW + DAY})
    ledger.accept(later, "k", None, Accepted(provider="q", provider_id="2"))
    assert (columns(store), told(store)) == (before, lines)


@pytest.mark.parametrize(
    "found", [Accepted(provider="q", provider_id="2"), Absent(), CannotSay(why="It does not answer")]
)
def test_what_is_accepted_is_not_resolved(
    store: Store, ledger: LedgerRepository, call: StepCall, found: Found
) -> None:
    """The attempt that was thought lost has come back while the provider was asked."""
    taken(ledger, call)
    before, lines = columns(store), told(store)
    ledger.resolve("k", found, NOW + DAY)
    assert (columns(store), told(store)) == (before, lines)


def test_only_a_row_without_an_attempt_to_come_is_left_over(
    store: Store, ledger: LedgerRepository, call: StepCall
) -> None:
    ledger.plan(call, "k", RECIPIENT, "email")
    ledger.begin(call, "k", "a", LATER)
    moment, organisation = LATER + timedelta(seconds=1), call.organisation
    assert ledger.left_over(organisation, moment) == (), "its step tries again"
    step_is(store, call, StepState.DEFERRED)
    assert ledger.left_over(organisation, moment) == (), "its step tries again"
    step_is(store, call, StepState.CANCELLED)
    assert ledger.left_over(organisation, LATER - timedelta(seconds=1)) == (), "its lease runs"
    assert ledger.left_over("another", moment) == ()
    row = LeftOver(key="k", channel=Channel.EMAIL, address="p@acme.example")
    assert ledger.left_over(organisation, moment) == (row,)
    ledger.resolve("k", Absent(), moment)
    assert ledger.left_over(organisation, moment) == ()
    assert told(store)[-1] == ("delivery.cancelled", "executive_email: email to Pat was not sent")
