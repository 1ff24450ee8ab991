"""Acceptance rates: what counts, over what, and per kind, playbook and month."""

from __future__ import annotations

from typing import Any

import pytest

from keepwell.contracts.offers import OfferKind, Terms
from keepwell.db.engine import Store
from keepwell.db.repositories.offer_rates import OfferRate, Per, offer_rates
from keepwell.db.tables import Customer, Intervention, Offer, Opportunity, Organisation
from tests.unit.db.world import DAY, NOW, World
from workflows.critical import OPTIONS
from workflows.expansion import USAGE_LIMIT

BOTH = {option.kind.value: option.model_dump(mode="json") for option in OPTIONS[:2]}
PAUSE, DOWN = OfferKind.BILLING_PAUSE, OfferKind.PLAN_DOWNGRADE


@pytest.fixture
def world(store: Store) -> World:
    """Seven offers of the critical playbook, and one of a campaign."""
    world = World(store)
    states: list[dict[str, Any]] = [
        {"state": "accepted", "terms": Terms(kind=PAUSE, months=2).model_dump(), "seen_at": NOW},
        {"state": "accepted", "terms": Terms(kind=PAUSE, months=3).model_dump(), "seen_at": NOW},
        {"state": "accepted", "terms": Terms(kind=DOWN, plan="Basic").model_dump(), "seen_at": NOW},
        {"state": "declined", "seen_at": NOW},
        {"state": "expired", "offered_at": NOW - 40 * DAY},
        {"state": "withdrawn"},
        {"state": "seen", "seen_at": NOW},
    ]
    for number, values in enumerate(states):
        made(world, f"c{number}", values)
    assert USAGE_LIMIT.offer is not None
    options = {one.kind.value: one.model_dump(mode="json") for one in USAGE_LIMIT.offer.options}
    taken = Terms(kind=OfferKind.UPGRADE).model_dump()
    made(
        world, "c9", {"state": "accepted", "terms": taken, "options": options, "seen_at": NOW}, "usage_limit"
    )
    world.add(
        Opportunity(
            id="opp",
            organisation_id=world.organisation,
            customer_id="c9",
            signal="USAGE_LIMIT_APPROACHING",
            urgency="high",
            value=6600.0,
            currency="EUR",
            action="upgrade",
            words="usage is high",
            detected_at=NOW,
            seen_at=NOW,
        )
    )
    world.change(Intervention, "run-c9", opportunity_id="opp")
    world.change(Customer, "c0", monthly_revenue=1000.0, currency="EUR")
    world.change(Customer, "c1", monthly_revenue=500.0)
    return world


def made(world: World, key: str, values: dict[str, Any], playbook: str = "critical") -> None:
    """A customer with an offer."""
    world.customer(key)
    world.score(key, 12, NOW - 40 * DAY)
    world.intervention(f"run-{key}", key, playbook=playbook)
    row: dict[str, Any] = {"options": BOTH, "valid_for": DAY, "offered_at": NOW, "valid_until": NOW, **values}
    row |= {"organisation_id": world.organisation, "customer_id": key, "intervention_id": f"run-{key}"}
    world.add(Offer(id=f"offer-{key}", step="offer", **row))


def rates(world: World, per: Per | None = None, **period: Any) -> dict[str, OfferRate]:
    """The rates by group."""
    with world.store.read() as session:
        home = session.get_one(Organisation, world.organisation)
        return {line.group: line for line in offer_rates(session, home, per=per, **period)}


def test_the_rate_is_over_the_offers_that_are_over(world: World) -> None:
    line = rates(world)["all"]
    assert (line.offered, line.seen, line.open) == (8, 6, 1)
    assert (line.accepted, line.declined, line.expired, line.withdrawn) == (4, 1, 1, 1)
    assert line.offered == line.open + line.accepted + line.declined + line.expired + line.withdrawn
    assert line.over == 6
    assert line.rate == pytest.approx(4 / 6)
    assert (line.months, line.yearly) == (5, {"EUR": 6600.0})
    assert line.monthly == {"EUR": 1000.0, "USD": 500.0}


def test_by_kind_an_offer_counts_for_each_of_its_options(world: World) -> None:
    found = rates(world, "kind")
    assert set(found) == {"all", "billing_pause", "plan_downgrade", "upgrade"}
    pause, down = found["billing_pause"], found["plan_downgrade"]
    assert (pause.offered, pause.accepted, pause.over, pause.rate) == (7, 2, 5, 0.4)
    assert (down.offered, down.accepted, down.over, down.rate) == (7, 1, 5, 0.2)
    assert (pause.seen, down.seen, pause.months, down.months) == (5, 5, 5, 0)
    assert found["upgrade"].rate == 1.0


def test_by_playbook_by_month_and_in_a_period(world: World) -> None:
    assert {name: line.offered for name, line in rates(world, "playbook").items()} == {
        "all": 8,
        "critical": 7,
        "usage_limit": 1,
    }
    months = rates(world, "month")
    assert {name: line.rate for name, line in months.items() if name != "all"} == {
        "2026-10": 0.0,
        "2026-11": pytest.approx(4 / 5),
    }
    assert rates(world, since=NOW - DAY)["all"].offered == 7
    assert rates(world, until=NOW - DAY)["all"].offered == 1
    nothing = rates(world, until=NOW - 50 * DAY)["all"]
    assert (nothing.offered, nothing.rate) == (0, None)
