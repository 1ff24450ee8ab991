"""Which customers wait for a campaign, in what order, and why one may not begin."""

from __future__ import annotations

import pytest

from keepwell.contracts.campaigns import WaitingCustomer
from keepwell.db.engine import Store
from keepwell.db.repositories.campaigns import OpportunityRepository
from keepwell.db.tables import Customer, Delivery, Health, Intervention, Opportunity
from tests.unit.db.test_opportunities import customer, rows, run_campaign
from tests.unit.db.world import DAY, NOW, World, run_all

USAGE = {"usage_percentage": 87.0, "next_plan_price": 150.0}


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def test_waiting_customers_come_in_pages_with_their_best_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keepwell.db.repositories.campaigns.PAGE", 2)
    for number in range(5):
        world.measure(customer(world, f"c{number}"), {"integration_requests": 1})
    world.measure("c4", {**USAGE, "active_users": 3, "team_size_estimate": 1, "api_usage_growth_rate": 2})
    run_all(world)
    repository = OpportunityRepository(world.store)
    seen: list[WaitingCustomer] = []
    after = ""
    while page := repository.waiting(world.organisation, after):
        assert len(page) <= 2
        seen += page
        after = page[-1].customer
    assert [one.customer for one in seen] == ["c0", "c1", "c2", "c3", "c4"]
    best = seen[-1]
    assert [one.signal.value for one in best.opportunities] == [
        "USAGE_LIMIT_APPROACHING",  # HIGH, 600
        "TEAM_EXPANSION_OPPORTUNITY",  # HIGH, 360
        "INTEGRATION_EXPANSION",
        "API_SCALING_OPPORTUNITY",
    ]
    assert (best.blocked(NOW), best.level) == ("", "HEALTHY")
    assert repository.waiting_of("c4") == best
    assert repository.waiting_of("nobody") is None


def test_why_a_customer_gets_no_campaign_at_all(world: World) -> None:
    for key in ("fine", "asleep", "ill", "busy", "risky", "unknown"):
        world.measure(customer(world, key), {"integration_requests": 1})
    run_all(world)
    world.change(Customer, "asleep", active=False)
    world.change(Health, "ill", level="AT_RISK")
    world.change(Health, "unknown", level=None)
    world.intervention("critical", "risky")
    run_campaign(world, rows(world, customer_id="busy")[0])
    world.measure("busy", USAGE, NOW + DAY)
    world.rescore("busy", NOW + DAY)
    blocked = {
        one.customer: one.blocked(NOW)
        for one in OpportunityRepository(world.store).waiting(world.organisation)
    }
    assert blocked == {
        "fine": "",
        "asleep": "The customer is not active",
        "ill": "The level is AT_RISK: a campaign waits until it is HEALTHY",
        "unknown": "The customer has no level yet",
        "risky": "critical@1 runs: the customer was at risk",
        "busy": "usage_limit@1 runs already: one campaign at a time",
    }


def test_ended_playbooks_count_for_the_cooldown_unless_they_failed(world: World) -> None:
    world.measure(customer(world, "acme"), USAGE)
    run_all(world)
    row = rows(world)[0]
    run_campaign(world, row, "one", outcome="completed", ended_at=NOW - 9 * DAY)
    world.change(Intervention, "one", opportunity_id=None)
    run_campaign(world, row, "two", outcome="failed", ended_at=NOW - DAY)
    world.change(Opportunity, row.id, state="open", intervention_id=None)
    waiting = OpportunityRepository(world.store).waiting_of("acme")
    assert waiting is not None
    assert waiting.ended == {"usage_limit": NOW - 9 * DAY}


@pytest.mark.parametrize(
    ("outcome", "kind", "state", "counts"),
    [
        ("completed", "contact", "delivered", True),
        ("stopped", "contact", "unknown", True),
        ("failed", "contact", "accepted", True),
        ("converted", "contact", "cancelled", True),
        ("stopped", "contact", "cancelled", False),
        ("stopped", "staff", "accepted", False),
    ],
)
def test_the_rest_counts_from_the_last_campaign_that_the_customer_heard_of(
    world: World, outcome: str, kind: str, state: str, counts: bool
) -> None:
    world.measure(customer(world, "acme"), USAGE)
    run_all(world)
    row = rows(world)[0]
    run_campaign(world, row, "old", playbook="team", outcome="converted", ended_at=NOW - 20 * DAY)
    world.change(Intervention, "old", opportunity_id=None)
    run_campaign(world, row, "new", outcome=outcome, ended_at=NOW - DAY)
    world.add(
        Delivery(
            key="new/email",
            organisation_id=world.organisation,
            customer_id="acme",
            intervention_id="new",
            step="email",
            channel="email",
            recipient_id="mara",
            recipient_kind=kind,
            address="mara@acme.example",
            state=state,
            planned_at=NOW - 2 * DAY,
            updated_at=NOW - 2 * DAY,
        )
    )
    world.change(Opportunity, row.id, state="open", intervention_id=None)
    waiting = OpportunityRepository(world.store).waiting_of("acme")
    assert waiting is not None
    assert waiting.last is not None
    assert waiting.last.playbook == ("usage_limit" if counts else "team")
    rests = "usage_limit ended on 20 Nov 2026: the next campaign may begin on 4 Dec 2026"
    assert waiting.blocked(NOW) == (rests if counts else "")
    assert waiting.blocked(NOW + 13 * DAY) == ""
