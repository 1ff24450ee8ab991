"""Figures of a whole portfolio: now, by day, compared; key figures; all out of what is stored, or None."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from keepwell.db.engine import Store
from keepwell.db.repositories.scores import ScoreRepository
from keepwell.db.repositories.views_kpis import kpis
from keepwell.db.repositories.views_stats import dashboard_stats, totals
from keepwell.db.repositories.views_stats_lines import DashboardStats, Money, Period
from keepwell.db.tables import Customer, PortfolioDay
from scoring.levels import Level
from tests.unit.db.portfolio_world import OTHER, daily, predict, small_portfolio
from tests.unit.db.world import DAY, NOW, World, run_all

SCORED = (12.0, 35.0, 45.0, 90.0, 65.0, 65.0)


@pytest.fixture
def world(store: Store) -> World:
    return small_portfolio(store)


def stats(world: World, period: Period = Period.MONTH, segment: str | None = None) -> DashboardStats:
    with world.store.read() as session:
        return dashboard_stats(session, world.organisation, now=NOW, period=period, segment=segment)


def test_totals(world: World) -> None:
    predict(world, NOW - 40 * DAY, dora=0.99)
    predict(world, NOW - DAY, alma=0.8, bert=0.4)
    found = stats(world).totals
    assert (found.total, found.active, found.churned, found.unscored) == (8, 7, 1, 1)
    assert (found.at_risk, found.insufficient) == (3, 0)
    assert found.average_score == pytest.approx(sum(SCORED) / 6)
    assert found.average_churn == pytest.approx(0.6)
    assert found.predicted == 2, "old predictions do not count"
    assert found.nps is None
    assert found.revenue == Money(currency="USD", monthly=2000.0, yearly=24_000.0, customers=4)
    assert found.other_revenue == (Money(currency="EUR", monthly=100.0, yearly=1200.0, customers=1),)
    assert found.churned_in_period == 1
    assert stats(world, Period.WEEK).totals.churned_in_period == 0
    with world.store.read() as session:
        assert totals(session, world.organisation, now=NOW) == found


def test_levels_then_and_now(world: World) -> None:
    found = stats(world)
    assert found.compared_with is None, "40 days ago is too far from 30 days ago"
    assert [one.before for one in found.levels] == [None] * 5
    daily(world, NOW - 33 * DAY)
    found = stats(world)
    assert found.compared_with == (NOW - 33 * DAY).date()
    now = {one.level: one.customers for one in found.levels}
    assert now == {
        Level.THRIVING: 1,
        Level.HEALTHY: 2,
        Level.AT_RISK: 1,
        Level.HIGH_RISK: 1,
        Level.CRITICAL: 1,
    }
    before = {one.level: one.before for one in found.levels}
    assert before == {
        Level.THRIVING: 1,
        Level.HEALTHY: 4,
        Level.AT_RISK: 1,
        Level.HIGH_RISK: 0,
        Level.CRITICAL: 0,
    }
    assert sum(one.share for one in found.levels) == pytest.approx(1.0)
    assert found.revenue_at_risk == 1400.0, "alma's 900 and bert's 500; nobody knows cleo's"
    assert found.levels[1].before_share == pytest.approx(4 / 6)
    assert found.at_risk.now == 3
    assert found.at_risk.before == 1
    assert found.at_risk.percent == pytest.approx(200.0)
    assert found.average_score.before == pytest.approx((80 + 62 + 70 + 50 + 65 + 65) / 6)
    assert found.average_score.change == pytest.approx((sum(SCORED) - 392) / 6)


def test_days_of_the_period(world: World) -> None:
    found = stats(world, Period.QUARTER)
    assert [one.day for one in found.days] == [(NOW - days * DAY).date() for days in (40, 20, 0)]
    last = found.days[-1]
    assert (last.scored, last.at_risk) == (6, 3)
    assert last.average_score == pytest.approx(sum(SCORED) / 6)
    assert last.monthly_revenue == 2000.0, "the one in EUR is not in it"
    assert len(stats(world, Period.MONTH).days) == 2
    assert len(stats(world, Period.WEEK).days) == 1


def test_a_segment_alone_and_beside_the_others(world: World) -> None:
    found = stats(world, segment="enterprise")
    assert (found.totals.active, found.totals.at_risk) == (2, 2)
    assert found.totals.average_score == pytest.approx((12 + 35) / 2)
    assert found.days[-1].scored == 2
    beside = {one.segment: one for one in stats(world).segments}
    assert beside.keys() == {"", "enterprise", "mid"}
    assert (beside["mid"].customers, beside["mid"].at_risk, beside["mid"].monthly_revenue) == (4, 1, 300.0)
    assert beside[""].average_score == pytest.approx(65.0)


def test_another_organisation_has_its_own_figures(world: World) -> None:
    with world.store.read() as session:
        found = dashboard_stats(session, OTHER, now=NOW)
    assert (found.totals.total, found.totals.revenue.monthly, found.days) == (1, 5000.0, ())
    assert found.totals.average_score is None


def test_a_day_is_written_once_and_a_later_run_takes_its_place(world: World) -> None:
    plan, _ = run_all(world, NOW)
    repository = ScoreRepository(world.store)
    repository.finish_run(plan, NOW)
    repository.finish_run(plan, NOW)
    assert stats(world).days[-1].scored == 6
    world.at_points("alma", 90.0, NOW + timedelta(hours=1))
    plan, _ = run_all(world, NOW + timedelta(hours=2), again="noon")
    repository.finish_run(plan, NOW + timedelta(hours=2))
    assert stats(world).days[-1].average_score == pytest.approx((sum(SCORED) + 78.0) / 6)


def test_a_late_run_tells_of_its_own_day(world: World) -> None:
    """What stands now is none of an earlier day's business."""
    daily(world, NOW - 30 * DAY)
    found = stats(world, Period.QUARTER)
    assert [one.day for one in found.days][1] == (NOW - 30 * DAY).date()
    assert found.days[1].average_score == pytest.approx((80 + 62 + 70 + 50 + 65 + 65) / 6)
    assert found.days[-1].average_score == pytest.approx(sum(SCORED) / 6)
    assert found.days[1].at_risk == 1


def test_nobody_at_all(store: Store) -> None:
    world = World(store)
    found = stats(world)
    assert found.totals.revenue == Money(currency="USD", monthly=0.0, yearly=0.0, customers=0)
    assert (found.totals.average_score, found.segments, found.days) == (None, (), ())
    assert [one.share for one in found.levels] == [0.0] * 5


def test_means_of_metrics_come_from_the_last_run(world: World) -> None:
    world.measure("alma", {"nps": 40.0, "csat": 4.0}, NOW)
    world.measure("bert", {"nps": -10.0, "feature_adoption_rate": 30.0}, NOW)
    world.measure("cleo", {"nps": 90.0}, NOW - 400 * DAY)
    daily(world, NOW + timedelta(hours=1))
    assert stats(world).totals.nps is not None
    assert stats(world).totals.nps == pytest.approx(15.0), "what is older than a year does not count"
    assert stats(world, segment="mid").totals.nps is None
    with world.store.read() as session:
        found = kpis(session, world.organisation, now=NOW + timedelta(hours=2))
        assert found.work_metrics.customer_satisfaction == 4.0
        assert found.work_metrics.adoption_rate == 30.0
        assert found.work_metrics.time_to_value is None
        assert found.health_metrics.nps_score == pytest.approx(15.0)
        later = kpis(session, world.organisation, now=NOW + 40 * DAY)
    assert later.health_metrics.nps_score is None, "a month without a run says nothing of today"


def test_key_figures(world: World) -> None:
    daily(world, NOW - 30 * DAY)
    with world.store.read() as session:
        found = kpis(session, world.organisation, now=NOW)
    assert found.overview.model_dump() == {
        "total_customers": 8,
        "active_customers": 7,
        "at_risk_customers": 3,
        "churned_customers_30d": 1,
    }
    money = found.financial_metrics
    assert (money.monthly_recurring_revenue, money.annual_recurring_revenue) == (2000.0, 24_000.0)
    assert money.average_revenue_per_customer == 500.0
    assert money.monthly_growth == pytest.approx(0.0)
    assert money.churned_revenue_30d == 200.0
    assert money.customer_acquisition_cost is None
    assert money.ltv_cac_ratio is None
    # Seven were there on every of the days, hugo among them; gwen began later.
    rates = found.retention_rates
    assert [(one.there, one.stayed, one.undated) for one in rates.spans] == [(7, 6, 0)] * 3
    assert rates.retention_30d == pytest.approx(100 * 6 / 7)
    assert rates.churn_12m == pytest.approx(100 / 7)
    leaving = 1 - (6 / 7) ** (1 / 12)
    assert money.customer_lifetime_value == pytest.approx(500.0 / leaving)


def test_who_left_nobody_knows_when_leaves_no_rate(world: World) -> None:
    world.change(Customer, "bert", active=False, updated_at=NOW - 60 * DAY)
    with world.store.read() as session:
        found = kpis(session, world.organisation, now=NOW)
    month, quarter, year = found.retention_rates.spans
    assert (month.undated, quarter.undated, year.undated) == (0, 1, 1)
    assert month.rate == pytest.approx(100 * 5 / 6)
    assert (quarter.rate, year.rate) == (None, None)
    assert found.financial_metrics.customer_lifetime_value is None


def test_nobody_has_left_so_nobody_knows_what_a_customer_is_worth(world: World) -> None:
    world.change(Customer, "hugo", active=True, left_on=None)
    with world.store.read() as session:
        found = kpis(session, world.organisation, now=NOW)
    assert found.retention_rates.retention_12m == pytest.approx(100.0)
    assert found.financial_metrics.customer_lifetime_value is None


def test_revenue_of_before_it_was_kept_is_not_told(world: World) -> None:
    with world.store.write() as session:
        row = session.get_one(
            PortfolioDay, (world.organisation, (NOW - 20 * DAY).date(), "enterprise", "", "HEALTHY")
        )
        assert row.revenue == 1400.0
    world.add(
        PortfolioDay(
            organisation_id=world.organisation,
            day=date(2026, 10, 20),
            segment="",
            currency="",
            level="HEALTHY",
            customers=3,
            scored=2,
            score_sum=130.0,
        )
    )
    found = stats(world)
    assert found.compared_with == date(2026, 10, 20)
    assert found.monthly_revenue.before is None
    assert found.monthly_revenue.percent is None
    assert found.customers.before == 3
