"""The offer and the opportunity as templates see them: from the store, left out where unknown."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from keepwell.contracts.intervention import StepCall
from keepwell.contracts.offers import OfferKind, Terms
from keepwell.contracts.playbook import Channel, Send
from keepwell.contracts.rendering import OfferFigures, OpportunityFigures
from keepwell.db.engine import Store
from keepwell.db.repositories.facts import Facts
from keepwell.db.repositories.growth import prices_of
from keepwell.db.repositories.offer_words import moment_words
from keepwell.db.tables import Health, Intervention, Offer, Opportunity
from scoring.signal import Signal
from tests.unit.db.world import DAY, NOW, World
from workflows.critical import CRITICAL
from workflows.expansion import USAGE_LIMIT


@pytest.fixture
def world(store: Store) -> World:
    made = World(store)
    made.customer("acme", monthly_revenue=1240, currency="EUR", time_zone="Europe/Berlin")
    made.score("acme", 70, NOW - DAY)
    return made


def figures(world: World, now: datetime = NOW) -> tuple[OfferFigures | None, OpportunityFigures | None]:
    step = Send(name="hello", channel=Channel.EMAIL, template="email/a/b", why="to say hello")
    call = StepCall(
        organisation="org-1",
        customer="acme",
        intervention="i-1",
        playbook="mine@1",
        step=step,
        templates={},
        now=now,
    )
    context = Facts(world.store).context(call)
    return context.offer, context.opportunity


def begin(world: World, **values: Any) -> None:
    world.intervention("i-1", "acme")
    world.change(Intervention, "i-1", **values)


def offer(world: World, **values: Any) -> None:
    step = CRITICAL.offer
    assert step is not None
    row: dict[str, Any] = {
        "id": "o-1",
        "organisation_id": "org-1",
        "customer_id": "acme",
        "intervention_id": "i-1",
        "step": "retention_offer",
        "options": {one.kind.value: one.model_dump(mode="json") for one in step.options},
        "valid_for": 4 * DAY,
        "state": "offered",
        "offered_at": NOW,
        "valid_until": NOW + 4 * DAY,
        **values,
    }
    world.add(Offer(**row))


def opportunity(world: World, key: str, customer: str, **values: Any) -> None:
    row: dict[str, Any] = {
        "signal": "USAGE_LIMIT_APPROACHING",
        "urgency": "HIGH",
        "value": 6600.0,
        "currency": "EUR",
        "action": "PROACTIVE_UPGRADE_OUTREACH",
        "words": "usage is at 84 % of the plan's limit",
        "evidence": {"usage_percentage": 84.0, "next_plan_price": 1700.0, "monthly_revenue": 1240.0},
        "state": "running",
        "detected_at": NOW,
        "seen_at": NOW,
        **values,
    }
    world.add(Opportunity(id=key, organisation_id="org-1", customer_id=customer, **row))


def test_without_an_offer_there_is_none(world: World) -> None:
    begin(world)
    assert figures(world) == (None, None)


@pytest.mark.parametrize(
    ("playbook", "titles"),
    [
        (
            CRITICAL,
            [
                "Pause the billing for up to 3 months",
                "A smaller plan, with 30 days of grace",
                "Setup and training, free of charge",
                "A solution of your own",
            ],
        ),
        (USAGE_LIMIT, ["50 % off the first month"]),
    ],
)
def test_before_it_is_made_the_options_are_the_playbooks(
    world: World, playbook: Any, titles: list[str]
) -> None:
    begin(world, definition=playbook.model_dump(mode="json"))
    found, _ = figures(world)
    assert found is not None
    assert [option.title for option in found.options] == titles
    assert (found.ends, found.hours_left, found.agreed) == ("", None, "")


def test_an_offer_stands_until_its_end_on_the_customers_clock(world: World) -> None:
    begin(world)
    offer(world)
    found, _ = figures(world, NOW + DAY + timedelta(seconds=40))
    assert found is not None
    assert [option.kind for option in found.options] == [
        "billing_pause",
        "plan_downgrade",
        "dedicated_support",
        "custom_solution",
    ]
    assert (found.ends, found.hours_left) == ("Wednesday, 25 November 2026, 10:00 (Berlin time)", 72)
    assert figures(world, NOW + 4 * DAY)[0] is None


@pytest.mark.parametrize("state", ["declined", "expired", "withdrawn"])
def test_an_offer_that_is_over_is_none(world: World, state: str) -> None:
    begin(world)
    offer(world, state=state)
    assert figures(world)[0] is None


def test_what_was_agreed_stays_after_the_end(world: World) -> None:
    begin(world)
    terms = Terms(kind=OfferKind.BILLING_PAUSE, months=2)
    offer(world, state="accepted", terms=terms.model_dump(mode="json"), note="from December")
    found, _ = figures(world, NOW + 30 * DAY)
    assert found is not None
    assert (found.agreed, found.agreed_kind) == ("billing pause, 2 months", "billing_pause")
    assert (found.note, found.options) == ("from December", ())


def test_the_opportunity_with_the_newest_figures(world: World) -> None:
    opportunity(world, "p-1", "acme")
    begin(world, opportunity_id="p-1", family="expansion")
    for weeks, percent in enumerate((86, 81, 76)):
        world.measure("acme", {"usage_percentage": percent}, NOW - weeks * 7 * DAY)
    world.measure("acme", {"next_plan_price": 1790}, NOW - 30 * DAY)
    _, found = figures(world)
    assert found is not None
    assert found.signal is Signal.USAGE_LIMIT_APPROACHING
    assert (found.words, found.value) == ("usage is at 84 % of the plan's limit", "€6,600")
    # 5 points a week and 14 left: 19.6 days from 21 November.
    assert (found.usage, found.limit_day) == ("86 %", date(2026, 12, 10))
    assert (found.next_price, found.step_up) == ("€1,790", "€550")
    assert (found.overage, found.saved, found.users, found.growth) == ("", "", None, "")
    assert (found.upgraded, found.doing_well) == (0, 0)


def test_what_was_not_measured_is_left_out(world: World) -> None:
    opportunity(world, "p-1", "acme", evidence={}, value=None)
    begin(world, opportunity_id="p-1")
    _, found = figures(world)
    assert found == OpportunityFigures(
        signal=Signal.USAGE_LIMIT_APPROACHING, words="usage is at 84 % of the plan's limit"
    )


def test_counts_of_other_signals(world: World) -> None:
    seen = {"active_users": 9, "team_size_estimate": 24, "integration_requests": 2, "overage_months": 4}
    opportunity(world, "p-1", "acme", evidence={**seen, "api_usage_growth_rate": 1.8})
    begin(world, opportunity_id="p-1")
    _, found = figures(world)
    assert found is not None
    assert (found.users, found.team, found.requests, found.overage_months) == (9, 24, 2, 4)
    assert found.growth == "1.8 times"


def test_others_are_spoken_of_from_three_on(world: World) -> None:
    opportunity(world, "p-1", "acme")
    begin(world, opportunity_id="p-1")
    for number, points in enumerate((70, 65, 30)):
        name = f"peer{number}"
        world.customer(name)
        world.score(name, points, NOW - DAY)
        assert figures(world)[1] is not None
        opportunity(world, f"p-{name}", name, state="converted", closed_at=NOW - 100 * DAY)
        opportunity(world, f"again-{name}", name, state="converted", closed_at=NOW - 50 * DAY)
        found = figures(world)[1]
        assert found is not None
        assert (found.upgraded, found.doing_well) == ((3, 2) if number == 2 else (0, 0))
    world.change(Opportunity, "again-peer0", closed_at=NOW - 400 * DAY)
    world.change(Opportunity, "p-peer0", state="lost")
    world.change(Health, "peer1", score=20.0)
    found = figures(world)[1]
    assert found is not None
    assert (found.upgraded, found.doing_well) == (0, 0)


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        ((1790, 1240, 610), {"step_up": "$550", "saved": "$60", "overage_year": "$7,320"}),
        ((1790, 1240, 400), {"step_up": "$550", "saved": "", "overage": "$400"}),
        ((1200, 1240, 400), {"next_price": "$1,200", "step_up": "", "saved": ""}),
        ((None, 1240, 400), {"next_price": "", "step_up": "", "saved": "", "overage": "$400"}),
        ((1790, None, None), {"next_price": "$1,790", "step_up": "", "overage": "", "overage_year": ""}),
    ],
)
def test_prices(amounts: tuple[float | None, float | None, float | None], expected: dict[str, str]) -> None:
    found = prices_of(*amounts, currency="USD")
    assert {name: found[name] for name in expected} == expected


def test_a_moment_in_words() -> None:
    assert moment_words(NOW, "America/New_York") == "Saturday, 21 November 2026, 04:00 (New York time)"
