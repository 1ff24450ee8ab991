"""The trend that is kept with a score is the one that lists and pages show."""

from __future__ import annotations

from datetime import timedelta

import pytest

from keepwell.db.engine import Store
from keepwell.db.repositories.views_customer import CustomerDetail, customer_detail
from keepwell.db.repositories.views_portfolio import customer_shown
from keepwell.db.repositories.views_portfolio_lines import PortfolioLine
from keepwell.db.tables import Portfolio, Score
from tests.unit.db.world import CARD, DAY, NOW, World


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def line_of(world: World, customer: str) -> PortfolioLine:
    with world.store.read() as session:
        return customer_shown(session, world.organisation, customer, NOW)


def page_of(world: World, customer: str, after: timedelta = timedelta(hours=1)) -> CustomerDetail:
    with world.store.read() as session:
        return customer_detail(session, world.organisation, customer, NOW + after)


def test_the_list_and_the_page_show_what_the_score_keeps(world: World) -> None:
    for key, points in (("falls", (80, 70, 60)), ("stays", (70, 71, 70)), ("rises", (50, 60, 70))):
        world.customer(key)
        for back, one in zip((20, 10, 0), points, strict=True):
            world.score(key, one, NOW - back * DAY)
    world.customer("new")
    world.score("new", 60, NOW)
    world.customer("nobody")
    told = {"falls": "declining", "stays": "stable", "rises": "rising", "new": "unknown", "nobody": "unknown"}
    assert {key: line_of(world, key).trend for key in told} == told
    assert {key: page_of(world, key).trend.direction for key in told} == told
    assert {key: page_of(world, key).customer.trend for key in told} == told
    last = world.scores("falls")[-1]
    assert page_of(world, "falls").trend.slope == last.trend_slope == pytest.approx(-30)
    # Nothing is worked out a second time: both show what is kept, whatever it is.
    world.change(Score, last.id, trend_slope=12.5)
    with world.store.write() as session:
        session.get_one(Portfolio, (world.organisation, "falls")).trend = "rising"
    assert (page_of(world, "falls").trend.slope, line_of(world, "falls").trend) == (12.5, "rising")


def test_the_days_before_too_little_data_keep_their_trend(world: World) -> None:
    world.customer("acme")
    for back, points in ((10, 80), (5, 60)):
        world.score("acme", points, NOW - back * DAY)
    world.measure("acme", dict.fromkeys(CARD.metric_names, -1e9), NOW)
    world.rescore("acme", NOW)
    last, trend = world.scores("acme")[-1], page_of(world, "acme").trend
    assert (last.insufficient, last.score) == (True, None)
    assert (trend.direction, line_of(world, "acme").trend) == ("declining", "declining")
    assert [point.score for point in trend.points] == pytest.approx([80, 60])
    # 20 points in 5 days are 120 in 30.
    assert trend.slope == pytest.approx(-120)


def test_an_old_score_has_no_trend_of_today(world: World) -> None:
    world.customer("acme")
    for back, points in ((2, 80), (0, 60)):
        world.score("acme", points, NOW - back * DAY)
    assert page_of(world, "acme", 30 * DAY).trend.direction == "declining"
    late = page_of(world, "acme", 31 * DAY).trend
    assert (late.points, late.slope, late.direction) == ((), None, "unknown")
