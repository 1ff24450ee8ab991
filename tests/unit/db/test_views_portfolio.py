"""The list of all customers: what it says of each, filters, orders and pages, and that it keeps up."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from keepwell import cursors
from keepwell.db.engine import Store
from keepwell.db.repositories.views_portfolio import (
    customers_in_order,
    customers_shown,
    kinds_of_customers,
    portfolio,
)
from keepwell.db.repositories.views_portfolio_lines import (
    NO_OWNER,
    PortfolioFilter,
    PortfolioLine,
    PortfolioPage,
    Sort,
    SortBy,
)
from keepwell.db.tables import Customer, Intervention
from keepwell.errors import InputError
from scoring.levels import Level
from scoring.trend import Direction
from tests.unit.db.portfolio_world import OTHER, daily, predict, small_portfolio
from tests.unit.db.world import DAY, NOW, World


@pytest.fixture
def world(store: Store) -> World:
    return small_portfolio(store)


def page(world: World, sort: Sort | None = None, **wanted: Any) -> PortfolioPage:
    with world.store.read() as session:
        return portfolio(session, world.organisation, PortfolioFilter(**wanted), sort, now=NOW)


def ids(world: World, **wanted: Any) -> list[str]:
    return [line.id for line in page(world, **wanted).lines]


def line(world: World, customer: str) -> PortfolioLine:
    with world.store.read() as session:
        return customers_shown(session, world.organisation, [customer], NOW)[customer]


def test_a_line_says_where_a_customer_stands(world: World) -> None:
    world.intervention("i-1", "alma", paused=True)
    predict(world, NOW - DAY, alma=0.8)
    alma = line(world, "alma")
    assert alma.score == pytest.approx(12.0)
    assert (alma.level, alma.trend) == (Level.CRITICAL, Direction.DECLINING)
    assert alma.change_7 is None, "the last seven days have one score"
    assert alma.change_30 == pytest.approx(-58.0)
    assert alma.points_until == NOW.date()
    assert len(alma.points) == 30
    assert [point for point in alma.points if point is not None] == pytest.approx([70.0, 12.0])
    assert alma.points[-1] == pytest.approx(12.0)
    assert (alma.owner, alma.currency, alma.monthly_revenue) == ("Dana Reyes", "USD", 900.0)
    assert alma.intervention is not None
    assert (alma.intervention.id, alma.intervention.playbook) == ("i-1", "critical@1")
    assert alma.intervention.paused
    assert (alma.churn, alma.churn_at, alma.churn_old) == (0.8, NOW - DAY, False)
    assert alma.tags == ("paused", "renews_soon")
    gwen = line(world, "gwen")
    assert (gwen.score, gwen.level, gwen.trend, gwen.points) == (None, None, Direction.UNKNOWN, ())
    assert gwen.tags == ("unscored", "no_owner")
    assert line(world, "Emil").tags == ("renewal_past",)
    assert line(world, "fred").currency == "EUR"


def test_the_worst_score_comes_first_and_the_unknown_last(world: World) -> None:
    found = page(world)
    assert [one.id for one in found.lines] == ["alma", "bert", "cleo", "Emil", "fred", "dora", "gwen"]
    assert (found.total, found.next) == (7, None)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"levels": (Level.CRITICAL, Level.THRIVING)}, "alma dora"),
        ({"owners": ("dana",)}, "alma cleo fred"),
        ({"owners": (NO_OWNER,)}, "dora gwen"),
        ({"owners": ("evan", NO_OWNER)}, "bert Emil dora gwen"),
        ({"segments": ("enterprise", "")}, "alma bert Emil"),
        ({"plans": ("Pro",)}, "alma dora"),
        ({"trend": Direction.RISING}, "dora"),
        ({"trend": Direction.UNKNOWN}, "gwen"),
        ({"search": "EM"}, "Emil"),
        ({"search": "%"}, ""),
        ({"at_risk": True}, "alma bert cleo"),
        ({"at_risk": False}, "Emil fred dora gwen"),
        ({"unscored": True}, "gwen"),
        ({"unscored": False, "segments": ("mid",)}, "cleo fred dora"),
        ({"insufficient": True}, ""),
        ({"renews_before": NOW.date() + timedelta(days=40)}, "alma Emil"),
        ({"inactive": True}, "hugo"),
        ({"intervention": True}, "bert"),
        ({"intervention": False, "at_risk": True}, "alma cleo"),
        ({"churn_above": 0.5}, "cleo"),
    ],
)
def test_filters(world: World, wanted: dict[str, Any], expected: str) -> None:
    world.intervention("i-1", "bert")
    world.intervention("i-2", "alma", outcome="stopped", ended_at=NOW)
    predict(world, NOW - 40 * DAY, alma=0.9)
    predict(world, NOW - DAY, cleo=0.51, bert=0.5)
    found = page(world, **wanted)
    assert [one.id for one in found.lines] == expected.split()
    assert found.total == len(expected.split())


@pytest.mark.parametrize(
    ("by", "up", "down"),
    [
        (SortBy.SCORE, "alma bert cleo Emil fred dora gwen", "dora Emil fred cleo bert alma gwen"),
        (SortBy.NAME, "alma bert cleo dora Emil fred gwen", "gwen fred Emil dora cleo bert alma"),
        (SortBy.REVENUE, "fred Emil dora bert alma cleo gwen", "alma bert Emil dora fred cleo gwen"),
        (SortBy.RENEWAL, "Emil alma dora bert cleo fred gwen", "bert dora alma Emil cleo fred gwen"),
        (SortBy.CHANGE_30, "alma bert Emil cleo fred dora gwen", "dora Emil cleo fred bert alma gwen"),
        (SortBy.CHURN, "bert alma Emil cleo dora fred gwen", "alma bert Emil cleo dora fred gwen"),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 200])
def test_orders_and_pages(world: World, by: SortBy, up: str, down: str, size: int) -> None:
    """Page by page comes the same as at once, ties by the id, what is not known last in both directions."""
    predict(world, NOW - DAY, alma=0.9, bert=0.1)
    for descending, expected in ((False, up), (True, down)):
        found: list[str] = []
        cursor = None
        while True:
            with world.store.read() as session:
                one = portfolio(
                    session,
                    world.organisation,
                    sort=Sort(by=by, descending=descending),
                    now=NOW,
                    cursor=cursor,
                    limit=size,
                )
            found += [line.id for line in one.lines]
            assert one.total == 7
            assert len(one.lines) <= size
            cursor = one.next
            if cursor is None:
                break
        assert found == expected.split()


@pytest.mark.parametrize("by", list(SortBy))
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_one_can_turn_back_page_by_page(world: World, by: SortBy, descending: bool, size: int) -> None:
    """Back from the end come the same pages in turn, up to the first."""
    predict(world, NOW - DAY, alma=0.9, bert=0.1)
    # A name may hold what is not printed.
    world.change(Customer, "cleo", name="cleo \u202e ☃\u00a0")
    asked: dict[str, Any] = {"sort": Sort(by=by, descending=descending), "now": NOW, "limit": size}
    with world.store.read() as session:
        there = [portfolio(session, world.organisation, **asked)]
        while there[-1].next is not None:
            there.append(portfolio(session, world.organisation, cursor=there[-1].next, **asked))
        assert there[0].previous is None
        back = [there[-1]]
        while back[-1].previous is not None:
            back.append(portfolio(session, world.organisation, cursor=back[-1].previous, back=True, **asked))
    assert [[line.id for line in one.lines] for one in reversed(back)] == [
        [line.id for line in one.lines] for one in there
    ]
    assert all(one.total == 7 for one in back)


def test_all_at_once_are_in_the_order_of_the_pages(world: World) -> None:
    for wanted in (PortfolioFilter(), PortfolioFilter(segments=("mid",)), PortfolioFilter(inactive=True)):
        sort = Sort(by=SortBy.NAME, descending=True)
        with world.store.read() as session:
            every = customers_in_order(session, world.organisation, wanted, sort, NOW)
            listed = portfolio(session, world.organisation, wanted, sort, now=NOW)
        assert every == [line.id for line in listed.lines]


def test_the_segments_and_plans_are_the_organisations_own(world: World) -> None:
    with world.store.read() as session:
        segments, plans = kinds_of_customers(session, world.organisation)
        assert (segments, plans) == (("", "enterprise", "mid"), ("", "Basic", "Pro"))
        assert kinds_of_customers(session, OTHER) == (("",), ("",))


def test_level_since_sorts_by_when_a_level_took_effect(world: World) -> None:
    by_since = page(world, Sort(by=SortBy.LEVEL_SINCE))
    moments = [one.since for one in by_since.lines]
    assert moments[-1] is None
    known = [one for one in moments if one is not None]
    assert known == sorted(known)
    assert len(set(known)) == 3


def test_who_leaves_between_two_pages_costs_nobody_else_a_place(world: World) -> None:
    with world.store.read() as session:
        first = portfolio(session, world.organisation, now=NOW, limit=2)
    world.change(Customer, "alma", active=False)
    with world.store.read() as session:
        rest = portfolio(session, world.organisation, now=NOW, cursor=first.next, limit=9)
    assert [one.id for one in (*first.lines, *rest.lines)] == [
        *("alma", "bert", "cleo", "Emil", "fred", "dora", "gwen")
    ]


@pytest.mark.parametrize(
    "cursor", ["x", "", cursors.encode([7, "2026-13-99", "alma"]), cursors.encode([1, 2])]
)
def test_a_cursor_of_another_list_is_refused(world: World, cursor: str) -> None:
    with world.store.read() as session, pytest.raises(InputError, match="cursor"):
        portfolio(session, world.organisation, sort=Sort(by=SortBy.RENEWAL), now=NOW, cursor=cursor)


@pytest.mark.parametrize("limit", [0, 201])
def test_a_page_has_a_size(world: World, limit: int) -> None:
    with world.store.read() as session, pytest.raises(InputError, match="1 to 200"):
        portfolio(session, world.organisation, now=NOW, limit=limit)


def test_organisations_stay_apart(world: World) -> None:
    with world.store.read() as session:
        other = portfolio(session, OTHER, now=NOW)
        assert [one.id for one in other.lines] == ["stranger"]
        assert customers_shown(session, OTHER, ["alma", "stranger"], NOW).keys() == {"stranger"}
    assert "stranger" not in ids(world)


def test_the_list_follows_customers_whoever_writes_them(world: World) -> None:
    world.change(
        Customer, "alma", name="Alma AG", segment="mid", owner_id="evan", monthly_revenue=1.5, plan="Max"
    )
    alma = line(world, "alma")
    assert (alma.name, alma.segment, alma.owner, alma.monthly_revenue, alma.plan) == (
        *("Alma AG", "mid", "Evan Cho", 1.5),
        "Max",
    )
    assert alma.score == pytest.approx(12.0), "the rest stays"
    world.change(Customer, "alma", renews_on=date(2027, 3, 1), active=False)
    assert line(world, "alma").renews_on == date(2027, 3, 1)
    assert ids(world, inactive=True) == ["alma", "hugo"]
    with world.store.write() as session:
        session.delete(session.get_one(Customer, "gwen"))
    assert "gwen" not in ids(world)


def test_too_little_data_keeps_the_last_score_and_says_so(world: World) -> None:
    later = NOW + 100 * DAY
    world.measure("bert", {"payment_health": 10.0}, later)
    daily(world, later)
    bert = line(world, "bert")
    assert bert.insufficient
    assert bert.score == pytest.approx(35.0)
    assert "bert" in ids(world, insufficient=True)
    assert "gwen" in ids(world, insufficient=True)


def test_a_late_score_changes_nothing(world: World) -> None:
    before = line(world, "dora")
    world.score("dora", 5.0, NOW - 10 * DAY)
    after = line(world, "dora")
    assert (after.score, after.level, after.change_30) == (before.score, before.level, before.change_30)


def test_changes_are_of_the_last_seven_and_thirty_days(world: World) -> None:
    for days, points in ((6, 80.0), (1, 84.0)):
        world.score("dora", points, NOW + (10 - days) * DAY)
    dora = line(world, "dora")
    assert dora.change_7 == pytest.approx(4.0)
    assert dora.change_30 == pytest.approx(84.0 - 61.0)


def test_an_older_prediction_does_not_replace_a_newer_one(world: World) -> None:
    predict(world, NOW, alma=0.7)
    predict(world, NOW - DAY, alma=0.2)
    assert line(world, "alma").churn == 0.7
    predict(world, NOW, alma=0.6)
    assert line(world, "alma").churn == 0.6
    predict(world, NOW - 40 * DAY, bert=0.4)
    assert line(world, "bert").churn_old


def test_a_risk_playbook_is_shown_before_a_campaign(world: World) -> None:
    world.intervention("i-1", "alma")
    world.intervention("i-2", "alma", family="expansion", playbook="upgrade")
    world.intervention("i-3", "bert", family="expansion", playbook="upgrade")
    shown = [line(world, one).intervention for one in ("alma", "bert")]
    assert [one.id if one else None for one in shown] == ["i-1", "i-3"]
    world.change(Intervention, "i-3", outcome="stopped")
    assert line(world, "bert").intervention is None
