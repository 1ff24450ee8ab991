"""The made-up portfolio: the same each time, made up throughout, and spread as the demo needs it."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from keepwell.contracts.people import Consent, StaffRole
from keepwell.db.repositories.projection import used_up_at
from keepwell.db.repositories.value import known_facts, value_figures
from keepwell.demo.names import STAFF
from keepwell.demo.portfolio import BOOKING_URL, DemoCustomer, portfolio, slug, staff_email
from keepwell.demo.stories import DAYS, PAST, STORIES
from keepwell.demo.worth import Worth, worth_of
from scoring.arrays import LevelArray
from scoring.guard import hold_levels
from scoring.kernel import Scores, score_many
from scoring.levels import LEVELS, UNKNOWN, Level
from scoring.load import builtin
from scoring.signal import Signal
from scoring.signals import SIGNAL_METRIC_NAMES, detect_signals

CARD = builtin("intervention")
TODAY = date(2026, 11, 21)
MADE_UP = re.compile(r"^[a-z0-9.-]+@([a-z0-9-]+\.test|[a-z0-9.-]*example\.com)$")


@pytest.fixture(scope="module")
def customers() -> tuple[DemoCustomer, ...]:
    return portfolio(CARD, TODAY)


def scored_on(customers: tuple[DemoCustomer, ...], day: int) -> Scores:
    """The scores as of a day (0 is today), each metric with its latest value, as the store gives it."""
    at = DAYS - 1 + day
    values = np.full((len(customers), len(CARD.metrics)), np.nan)
    ages = values.copy()
    for row, customer in enumerate(customers):
        for column in range(len(CARD.metrics)):
            measured = np.flatnonzero(customer.figures.measured[: at + 1, column])
            if measured.size:
                values[row, column] = customer.figures.values[measured[-1], column]
                ages[row, column] = at - measured[-1]
    return score_many(CARD, values, ages)


@pytest.fixture(scope="module")
def levels(customers: tuple[DemoCustomer, ...]) -> list[LevelArray]:
    """The levels held after each of the past days and after today."""
    held = np.full(len(customers), UNKNOWN, np.int8)
    before, found = held.copy(), []
    for day in (*PAST, 0):
        scores = scored_on(customers, day)
        held = hold_levels(CARD, scores.score, scores.level, held, before)
        before = scores.level
        found.append(held)
    return found


def changes(
    customers: tuple[DemoCustomer, ...], before: LevelArray, after: LevelArray
) -> Counter[tuple[str, Level]]:
    """Story and new level of those whose level changed; a level once held is never unknown again."""
    return Counter(
        (customer.story.name, LEVELS[now])
        for customer, was, now in zip(customers, before, after, strict=True)
        if was not in (UNKNOWN, now)
    )


def test_the_same_seed_and_day_give_the_same_portfolio(customers: tuple[DemoCustomer, ...]) -> None:
    again = portfolio(CARD, TODAY)
    assert [(one.key, one.name, one.contacts, one.owner) for one in customers] == [
        (one.key, one.name, one.contacts, one.owner) for one in again
    ]
    for one, other in zip(customers, again, strict=True):
        np.testing.assert_array_equal(one.figures.values, other.figures.values)
        np.testing.assert_array_equal(one.figures.measured, other.figures.measured)


def test_another_day_moves_dates_and_nothing_else(customers: tuple[DemoCustomer, ...]) -> None:
    later = portfolio(CARD, date(2027, 2, 3))
    assert [one.name for one in later] == [one.name for one in customers]
    assert all(one.started_on < date(2027, 2, 3) < one.renews_on for one in later)
    np.testing.assert_array_equal(later[7].figures.values, customers[7].figures.values)


def test_another_seed_gives_another_portfolio(customers: tuple[DemoCustomer, ...]) -> None:
    other = portfolio(CARD, TODAY, seed=7)
    assert [one.name for one in other] != [one.name for one in customers]


def test_names_keys_and_addresses_are_unique_and_made_up(customers: tuple[DemoCustomer, ...]) -> None:
    assert len(customers) == sum(story.count for story in STORIES) == 200
    assert len({one.name for one in customers}) == len({one.key for one in customers}) == 200
    contacts = [contact for one in customers for contact in one.contacts]
    addresses = [contact.email for contact in contacts] + [staff_email(one.name) for one in STAFF]
    assert len(set(addresses)) == len(addresses)
    assert [address for address in addresses if not MADE_UP.match(address)] == []
    assert all(re.fullmatch(r"\+1 555 01\d\d", contact.phone) for contact in contacts)
    assert "example.com" in BOOKING_URL


def test_people_and_places_are_varied(customers: tuple[DemoCustomer, ...]) -> None:
    contacts = [contact for one in customers for contact in one.contacts]
    assert {contact.consent for contact in contacts} == set(Consent)
    assert any(contact.suppressed for contact in contacts)
    assert {len(one.contacts) for one in customers} == {0, 1, 2, 3}
    assert any(one.owner is None for one in customers)
    assert {zone.partition("/")[0] for zone in (one.time_zone for one in customers)} == {
        "Africa",
        "America",
        "Asia",
        "Australia",
        "Europe",
    }
    assert Counter(one.role for one in STAFF) == {
        StaffRole.CSM: 5,
        StaffRole.LEAD: 1,
        StaffRole.EXECUTIVE: 1,
    }


def test_levels_are_spread_as_the_demo_tells(levels: list[LevelArray]) -> None:
    spread = Counter(None if severity == UNKNOWN else LEVELS[severity] for severity in levels[-1])
    assert spread.pop(None) == 4
    wanted = {
        Level.THRIVING: 20,
        Level.HEALTHY: 40,
        Level.AT_RISK: 22,
        Level.HIGH_RISK: 12,
        Level.CRITICAL: 6,
    }
    for level, percent in wanted.items():
        assert spread[level] == pytest.approx(200 * percent / 100, abs=4), level


def test_today_brings_falls_recoveries_and_a_rise(
    customers: tuple[DemoCustomer, ...], levels: list[LevelArray]
) -> None:
    assert changes(customers, levels[-2], levels[-1]) == {
        ("cliff", Level.CRITICAL): 5,
        ("slips today", Level.AT_RISK): 10,
        ("falls today", Level.HIGH_RISK): 3,
        ("recovered today", Level.HEALTHY): 3,
        ("better today", Level.THRIVING): 2,
    }


def test_the_past_had_changes_too(customers: tuple[DemoCustomer, ...], levels: list[LevelArray]) -> None:
    past = sum((changes(customers, *pair) for pair in pairwise(levels[:-1])), Counter())
    assert past.total() >= 10
    assert ("fell last week", Level.CRITICAL) in past


@pytest.mark.parametrize("day", [*PAST, 0])
def test_no_value_is_unusable(customers: tuple[DemoCustomer, ...], day: int) -> None:
    assert not scored_on(customers, day).rejected.any()


def test_the_figures_of_a_day_measured_in_full_score_what_the_story_says(
    customers: tuple[DemoCustomer, ...],
) -> None:
    scores = scored_on(customers, 0)
    for row, customer in enumerate(customers):
        if customer.story.name == "cliff":
            assert 9 <= scores.score[row] <= 17.5
        if customer.story.name == "slips today":
            assert 46.5 <= scores.score[row] <= 56.5


def test_an_onboarding_step_that_is_done_stays_done(customers: tuple[DemoCustomer, ...]) -> None:
    column = CARD.metric_names.index("onboarding_completion_rate")
    grown = 0
    for customer in customers:
        done = customer.figures.values[customer.figures.measured[:, column], column]
        if not done.size:
            continue
        assert (np.diff(done) >= 0).all(), customer.name
        grown += bool(done[-1] > done[0])
    assert grown > 50


def test_a_few_customers_who_are_well_show_room_to_grow(customers: tuple[DemoCustomer, ...]) -> None:
    growing = [one for one in customers if one.signals]
    assert Counter(one.story.name for one in growing) == {"power user": 4, "thriving": 2}
    names = list(SIGNAL_METRIC_NAMES)
    values = np.full((len(growing), len(names)), np.nan)
    for row, one in enumerate(growing):
        for name, back, value in one.signals:
            if back == 0:
                values[row, names.index(name)] = value
    found = detect_signals(values, [one.monthly_revenue for one in growing])
    assert {one.signal for one in found} == set(Signal)
    assert {one.row for one in found} == set(range(len(growing)))
    assert all(one.value for one in found)
    assert all(one.contacts for one in growing)


def test_the_day_a_plan_is_used_up_can_be_foretold(customers: tuple[DemoCustomer, ...]) -> None:
    now = datetime(2026, 11, 21, 9, tzinfo=UTC)
    found = {}
    for one in customers:
        series = [
            (now - timedelta(days=back), value)
            for name, back, value in one.signals
            if name == "usage_percentage"
        ]
        if series:
            assert [at for at, _ in series] == sorted(at for at, _ in series)
            limit = used_up_at(series, now)
            assert limit is not None
            found[one.name] = (limit - now).days
    # Half a point a day: 87 % lasts for 26 days, 94 % for 12.
    assert sorted(found.values()) == [12, 26]


def test_what_customers_get_out_of_it_is_known_for_most_and_fits_their_price(
    customers: tuple[DemoCustomer, ...],
) -> None:
    kinds = Counter(
        "hours" if one.worth.counted else "money" if one.worth.value_delivered else "nothing"
        for one in customers
    )
    assert set(kinds) == {"hours", "money", "nothing"}
    assert kinds["hours"] > 120
    assert kinds["nothing"] > 10
    shares: dict[str, list[float]] = {}
    for one in customers:
        known, unusable = known_facts(one.worth.facts)
        figures = value_figures(known, one.monthly_revenue, "USD", unusable)
        assert unusable == ()
        assert bool(figures.value) == (one.worth != Worth())
        if figures.ratio is not None:
            assert 0.2 < figures.ratio < 3.5, one.name
            shares.setdefault(one.story.name, []).append(figures.ratio)
    # Who uses it little gets little out of it: some customers pay more than comes back.
    assert max(shares["critical"]) < min(shares["thriving"])
    assert any(ratio < 1 for ratios in shares.values() for ratio in ratios)


def test_value_figures_depend_on_the_seed_and_on_nothing_else() -> None:
    scores = np.full(DAYS, 40.0)
    one = worth_of((1, 7), scores, 2000.0, "US")
    assert one == worth_of((1, 7), scores, 2000.0, "US")
    assert one != worth_of((2, 7), scores, 2000.0, "US")
    assert Worth(hours_saved=12, hourly_cost=30.5).facts == {"hours_saved": "12", "hourly_cost": "30.5"}
    assert Worth().facts == {}


def test_who_is_shown_first_can_be_written_to(customers: tuple[DemoCustomer, ...]) -> None:
    for customer in customers:
        if customer.story.name in ("cliff", "slips today"):
            assert customer.contacts
    assert sum(customer.owner is None for customer in customers if customer.story.name == "cliff") == 1


@pytest.mark.parametrize(
    ("words", "address"),
    [("Élise Wójcik", "elise-wojcik"), ("Yılmaz", "yilmaz"), ("Zieliński & Co.", "zielinski-co")],
)
def test_slug(words: str, address: str) -> None:
    assert slug(words) == address
