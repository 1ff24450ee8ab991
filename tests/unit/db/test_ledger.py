"""The send ledger's rows: of two attempts on one row, one acts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from keepwell.contracts.delivery import Accepted, DeliveryState, LedgerRow, Recipient
from keepwell.contracts.intervention import Opened, StepCall
from keepwell.db.engine import Store
from keepwell.db.repositories.interventions import InterventionRepository
from keepwell.db.repositories.ledger import LedgerRepository
from tests.unit.db.test_claims import fall
from tests.unit.db.world import DAY, NOW, World
from workflows.critical import CRITICAL

RECIPIENT = Recipient(id="p", kind="contact", name="Pat", address="p@acme.example", time_zone="UTC")
LATER = datetime.now(UTC) + timedelta(seconds=45)


@pytest.fixture
def ledger(store: Store) -> LedgerRepository:
    return LedgerRepository(store)


@pytest.fixture
def call(store: Store) -> StepCall:
    world = World(store)
    world.customer("acme")
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
    assert ledger.begin("k", "first", LATER)
    assert not ledger.begin("k", "second", LATER)


def test_two_attempts_on_one_lapsed_lease_cannot_both_send(ledger: LedgerRepository, call: StepCall) -> None:
    ledger.plan(call, "k", RECIPIENT, "email")
    ledger.begin("k", "dead", LATER)
    one = other = seen(ledger, call)
    assert ledger.settle(call, one, DeliveryState.PLANNED, "broke off")
    assert ledger.begin("k", "one", LATER)
    assert not ledger.settle(call, other, DeliveryState.PLANNED, "broke off")
    assert (seen(ledger, call).state, seen(ledger, call).lease) == ("sending", "one")


def test_an_acceptance_is_the_truth_whenever_it_comes(ledger: LedgerRepository, call: StepCall) -> None:
    ledger.plan(call, "k", RECIPIENT, "email")
    ledger.begin("k", "a", LATER)
    ledger.settle(call, seen(ledger, call), DeliveryState.UNKNOWN, "nobody can say")
    ledger.accept(call, "k", None, Accepted(provider="p", provider_id="1"))
    assert seen(ledger, call).state == "accepted"
    assert not ledger.begin("k", "b", LATER)
