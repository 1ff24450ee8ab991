"""The value figures: from what was imported, worked out by hand here, and never made up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from keepwell.contracts.rendering import ValueFigures, ValueLine
from keepwell.db.engine import Store
from keepwell.db.repositories.figures import Measured, measured_at
from keepwell.db.repositories.value import Known, known_facts, value_figures, value_of
from keepwell.db.tables import Customer
from scoring.scorecard import Scorecard
from scoring.units import Unit
from tests.unit.db.world import CARD, DAY, NOW, World

RECORD = "from the records of this account"


def figures(revenue: float | None = 1240.0, currency: str = "EUR", **known: float) -> ValueFigures:
    return value_figures({name: Known(value, RECORD) for name, value in known.items()}, revenue, currency)


def test_hours_times_cost_against_the_price() -> None:
    # 64 h x 38.50 = 2,464; 2,464 / 1,240 = 1.987...; 2,464 - 1,240 = 1,224.
    value = figures(hours_saved=64, hourly_cost=38.5)
    assert (value.value, value.paid, value.hours, value.difference) == (
        "€2,464",
        "€1,240",
        "64 hours",
        "€1,224",
    )
    assert value.ratio == pytest.approx(1.98709677)
    assert value.lines == (
        ValueLine(title="Work saved in a month", value="64 hours", source=RECORD),
        ValueLine(title="Cost of an hour of that work", value="€38.50", source=RECORD),
        ValueLine(title="Value in a month", value="€2,464", source="64 hours × €38.50"),
        ValueLine(title="Price in a month", value="€1,240", source="the monthly price on record"),
    )
    assert (value.missing, value.unusable) == ((), ())


def test_value_delivered_counts_alone_and_hours_are_a_part_of_it() -> None:
    value = figures(value_delivered=620, hours_saved=10, hourly_cost=50)
    assert (value.value, value.ratio, value.difference) == ("€620", 0.5, "€620")
    assert [line.title for line in value.lines] == [
        "Work saved in a month",
        "Value in a month",
        "Price in a month",
    ]


@pytest.mark.parametrize(
    ("known", "revenue", "value", "hours", "missing"),
    [
        ({}, 1240.0, "", "", ("hours_saved", "hourly_cost")),
        ({}, None, "", "", ("hours_saved", "hourly_cost", "monthly_revenue")),
        ({"hours_saved": 64.0}, 1240.0, "", "64 hours", ("hourly_cost",)),
        ({"hourly_cost": 40.0}, 1240.0, "", "", ("hours_saved",)),
        ({"value_delivered": 900.0}, None, "€900", "", ("monthly_revenue",)),
        ({"value_delivered": 900.0}, 0.0, "€900", "", ()),
    ],
)
def test_what_is_missing_is_left_out_and_named(
    known: dict[str, float], revenue: float | None, value: str, hours: str, missing: tuple[str, ...]
) -> None:
    found = value_figures({name: Known(number, RECORD) for name, number in known.items()}, revenue, "EUR")
    assert (found.value, found.hours, found.missing) == (value, hours, missing)
    assert (found.ratio, found.difference) == (None, "")
    assert bool(found.lines) == bool(value or hours)


@pytest.mark.parametrize(
    ("currency", "value"), [("USD", "$2,464"), ("CHF", "2,464 CHF"), ("JPY", "¥2,464"), ("", "2,464")]
)
def test_money_is_in_the_customers_currency(currency: str, value: str) -> None:
    assert figures(currency=currency, hours_saved=64, hourly_cost=38.5).value == value


@pytest.mark.parametrize("fact", [64, 64.0, "64", " 64.0 ", "64."])
def test_facts_are_numbers_or_texts_of_numbers(fact: object) -> None:
    assert known_facts({"hours_saved": fact, "seats": "12"}) == ({"hours_saved": Known(64.0, RECORD)}, ())


@pytest.mark.parametrize("fact", ["about 40", "1,200", "1.200,50", "-3", -3, True, "nan", float("inf"), 1e13])
def test_what_is_no_number_is_not_guessed_and_named(fact: object) -> None:
    known, unusable = known_facts({"hourly_cost": fact})
    assert known == {}
    assert unusable == (f"hourly_cost is {str(fact)!r}; write a number above 0, like 1200.50",)


@pytest.mark.parametrize("fact", [None, "", 0, "0", "0.0"])
def test_nothing_and_0_are_unknown(fact: object) -> None:
    assert known_facts({"value_delivered": fact}) == ({}, ())


# ------------------------------------------------------------------------------------ from the store


@pytest.fixture
def world(store: Store) -> World:
    made = World(store)
    made.customer(
        "acme",
        monthly_revenue=1000,
        currency="EUR",
        facts={"hours_saved": "20", "hourly_cost": "50", "seats": "12"},
    )
    return made


def of(world: World, card: Scorecard = CARD, zone: str = "UTC", **revised: Any) -> ValueFigures:
    world.change(Customer, "acme", **revised)
    with world.store.read() as session:
        return value_of(session, session.get_one(Customer, "acme"), measure(session, card), zone)


def measure(session: Session, card: Scorecard) -> Measured:
    return measured_at(session, card, "acme", NOW, "EUR")


def test_facts_of_the_customer_are_found(world: World) -> None:
    value = of(world)
    assert (value.value, value.paid, value.ratio) == ("€1,000", "€1,000", 1.0)
    assert of(world, facts={"seats": "12"}).missing == ("hours_saved", "hourly_cost")
    assert of(world, facts={"value_delivered": "2,5"}).unusable == (
        "value_delivered is '2,5'; write a number above 0, like 1200.50",
    )


def card_with_hours(unit: Unit) -> Scorecard:
    """The scorecard with a metric `hours_saved` in the place of the one for documentation."""
    change = {"name": "hours_saved", "unit": unit, "max_age_days": 30}
    metrics = tuple(
        metric.model_copy(update=change) if metric.name == "documentation_engagement" else metric
        for metric in CARD.metrics
    )
    return CARD.model_copy(update={"metrics": metrics})


def test_a_metric_with_its_day_counts_before_the_fact(world: World) -> None:
    world.measure("acme", {"hours_saved": 99}, NOW - 20 * DAY)
    world.measure("acme", {"hours_saved": 32}, NOW - 3 * DAY - timedelta(hours=10))
    world.measure("acme", {"hours_saved": 77}, NOW + DAY)
    value = of(world, card_with_hours(Unit.HOURS))
    # The last one known by then: 32 h x 50.
    assert (value.value, value.ratio) == ("€1,600", 1.6)
    assert value.lines[0].source == "measured on 17 November 2026"
    # 23:00 UTC is the next day already in Tokyo.
    assert of(world, card_with_hours(Unit.HOURS), "Asia/Tokyo").lines[0].source.endswith("18 November 2026")


def test_a_metric_that_is_too_old_or_counts_something_else_leaves_the_fact(world: World) -> None:
    world.measure("acme", {"hours_saved": 32}, NOW - 40 * DAY)
    assert of(world, card_with_hours(Unit.HOURS)).hours == "20 hours"
    world.measure("acme", {"hours_saved": 32}, NOW - DAY)
    assert of(world, card_with_hours(Unit.MINUTES)).hours == "20 hours"
    assert of(world).hours == "20 hours", "a metric that the scorecard does not have"
