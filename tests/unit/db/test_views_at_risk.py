"""Customers at risk with their reasons, who may leave, and one customer's health over time."""

from __future__ import annotations

from datetime import timedelta
from importlib.resources import files

import pytest
from sqlalchemy import select, update

from keepwell.db.engine import Store
from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.views_at_risk import at_risk
from keepwell.db.repositories.views_at_risk_lines import AtRiskPage
from keepwell.db.repositories.views_churn_risk import churn_risk_analytics
from keepwell.db.repositories.views_health import customer_health, health_trends
from keepwell.db.repositories.views_portfolio_lines import PortfolioFilter
from keepwell.db.repositories.views_portfolio_query import urgency
from keepwell.db.repositories.views_stats_lines import Period
from keepwell.db.tables import Customer
from keepwell.errors import InputError, NotFoundError
from scoring.levels import Level
from scoring.priority import Priority, intervention_priority
from scoring.trend import Direction
from tests.unit.db.portfolio_world import OTHER, daily, predict, small_portfolio
from tests.unit.db.world import CARD, DAY, NOW, World

HOUR = timedelta(hours=1)


@pytest.fixture
def world(store: Store) -> World:
    return small_portfolio(store)


def risky(world: World, wanted: PortfolioFilter | None = None, **how: object) -> AtRiskPage:
    with world.store.read() as session:
        return at_risk(session, world.organisation, wanted, now=NOW, **how)  # type: ignore[arg-type]


def test_the_most_urgent_come_first_with_reasons_and_what_to_do(world: World) -> None:
    predict(world, NOW - DAY, cleo=0.75, bert=0.2)
    found = risky(world)
    assert found.total == 3
    assert [one.customer.id for one in found.lines] == ["alma", "cleo", "bert"]
    assert [one.priority.priority if one.priority else None for one in found.lines] == [
        *(Priority.CRITICAL, Priority.CRITICAL, Priority.HIGH)
    ]
    for one in found.lines:
        assert one.priority == intervention_priority(one.customer.score, one.customer.churn)
    alma = found.lines[0]
    assert len(alma.reasons) == 3
    lost = [reason.lost for reason in alma.reasons]
    assert lost == sorted(lost, reverse=True)
    first = alma.reasons[0]
    metric = CARD.metric(first.metric)
    assert (first.title, first.category) == (metric.title, metric.category)
    assert first.words == f"{metric.title} costs {first.lost:.1f} points"
    assert first.points == pytest.approx(12.0, abs=0.1)
    assert [one.name for one in alma.categories] == list(CARD.category_names)
    assert all(one.points == pytest.approx(12.0, abs=0.1) for one in alma.categories)
    advice = alma.recommendations[0]
    assert (advice.metric, advice.due_days, advice.reason) == (first.metric, metric.due_days, first.words)
    assert "{target}" not in advice.success


def test_a_prediction_that_is_too_old_makes_nobody_urgent(world: World) -> None:
    predict(world, NOW - 32 * DAY, cleo=0.95)
    found = risky(world)
    assert [one.customer.id for one in found.lines] == ["alma", "bert", "cleo"]
    assert found.lines[2].priority == intervention_priority(45.0)


@pytest.mark.parametrize("size", [1, 2])
def test_at_risk_goes_page_by_page(world: World, size: int) -> None:
    predict(world, NOW - DAY, cleo=0.75)
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = risky(world, cursor=cursor, limit=size)
        found += [one.customer.id for one in page.lines]
        cursor = page.next
        if cursor is None:
            break
    assert found == ["alma", "cleo", "bert"]


def test_a_filter_narrows_or_opens_the_list(world: World) -> None:
    predict(world, NOW - DAY, dora=0.9, alma=0.1)
    narrow = risky(world, PortfolioFilter(at_risk=True, owners=("evan",)))
    assert [one.customer.id for one in narrow.lines] == ["bert"]
    wide = risky(world, PortfolioFilter(churn_above=0.5))
    assert [one.customer.id for one in wide.lines] == ["dora"]
    assert wide.lines[0].priority is not None
    assert wide.lines[0].priority.priority is Priority.CRITICAL


@pytest.mark.parametrize("score", [24.9999999, 25.0, 49.99, 50.0, 69.999, 70.0])
def test_the_order_goes_by_the_same_borders_as_the_priority(world: World, score: float) -> None:
    """What the database sorts by is what `intervention_priority` says, at the borders too."""
    rows = table("portfolio")
    known = intervention_priority(score, 0.3)
    assert known is not None
    with world.store.write() as session:
        session.connection().execute(
            update(rows).where(rows.c.customer_id == "alma").values(score=score, churn=0.3, churn_at=NOW)
        )
        rank = session.connection().execute(select(urgency(NOW)).where(rows.c.customer_id == "alma")).scalar()
    assert rank == known.priority.rank


def test_who_may_leave(world: World) -> None:
    predict(world, NOW - 20 * DAY, alma=0.5, bert=0.3)
    predict(world, NOW - DAY, alma=0.9, bert=0.3, cleo=0.65, fred=0.61)
    predict(world, NOW - 50 * DAY, dora=0.99)
    with world.store.read() as session:
        found = churn_risk_analytics(
            session, world.organisation, now=NOW, threshold=0.61, factors=True, limit=2
        )
        assert churn_risk_analytics(session, OTHER, now=NOW).predicted == 0
        with pytest.raises(InputError, match="threshold"):
            churn_risk_analytics(session, world.organisation, now=NOW, threshold=61)
    assert (found.predicted, found.above, found.examined) == (4, 3, 3)
    assert found.average == pytest.approx((0.9 + 0.3 + 0.65 + 0.61) / 4)
    assert found.revenue_at_risk == 900.0, "cleo's is not known, fred's is in another currency"
    assert [(one.category, one.customers) for one in found.bands] == [
        *(("low", 1), ("medium", 0), ("high", 2), ("critical", 1))
    ]
    assert [one.customer.id for one in found.customers] == ["alma", "cleo"]
    alma = found.customers[0]
    assert (alma.probability, alma.low, alma.months) == (0.9, 0.45, 4.0)
    assert alma.reasons[0].lost > 0
    assert found.trend == (), "no run has ended since"
    assert sum(one.customers for one in found.factors) == 9, "three of each of the three"


def test_the_trend_of_predictions_is_kept_by_the_daily_runs(world: World) -> None:
    predict(world, NOW - 40 * DAY, dora=0.99)
    predict(world, NOW - DAY, alma=0.5, bert=0.3)
    daily(world, NOW + HOUR)
    predict(world, NOW + DAY, alma=0.8)
    daily(world, NOW + DAY + HOUR)
    with world.store.read() as session:
        found = churn_risk_analytics(session, world.organisation, now=NOW + DAY + 2 * HOUR)
    assert [(day, number) for day, _, number in found.trend] == [(NOW.date(), 2), ((NOW + DAY).date(), 2)]
    assert [mean for _, mean, _ in found.trend] == pytest.approx([0.4, 0.55])


def test_one_customers_health(world: World) -> None:
    predict(world, NOW - DAY, alma=0.8)
    with world.store.read() as session:
        found = customer_health(session, world.organisation, "alma", now=NOW, period=Period.QUARTER)
        month = customer_health(session, world.organisation, "alma", now=NOW)
    assert found.score == pytest.approx(12.0)
    assert found.level is Level.CRITICAL
    assert [(one.day, round(one.score)) for one in found.points] == [
        ((NOW - 40 * DAY).date(), 80),
        ((NOW - 20 * DAY).date(), 70),
        (NOW.date(), 12),
    ]
    assert found.change == pytest.approx(-68.0)
    assert month.change == pytest.approx(-58.0)
    assert found.trend is Direction.DECLINING
    assert {one.trend for one in found.components} == {Direction.DECLINING}
    assert [one.name for one in found.components] == list(CARD.category_names)
    assert all(one.points == pytest.approx(12.0, abs=0.1) for one in found.components)
    assert {one.name for one in found.key_metrics} == set(CARD.metric_names)
    assert found.prediction is not None
    assert found.prediction.probability == 0.8
    assert found.priority == intervention_priority(12.0, 0.8)
    assert len(found.recommendations) == 3
    assert found.recommendations[0].reason in found.risk_factors
    assert not found.other_scorecards


def test_scores_by_another_scorecard_do_not_compare(world: World) -> None:
    source = (files("scoring") / "scorecards" / "intervention.toml").read_text(encoding="utf-8")
    world.use(source.replace(f"version = {CARD.version}", f"version = {CARD.version + 1}", 1))
    world.score("alma", 20.0, NOW + DAY)
    with world.store.read() as session:
        found = customer_health(session, world.organisation, "alma", now=NOW + DAY)
    assert [one.day for one in found.points] == [(NOW + DAY).date()]
    assert found.other_scorecards
    assert found.change is None
    assert {one.trend for one in found.components} == {Direction.UNKNOWN}


def test_the_health_of_who_was_never_scored_or_is_nobody(world: World) -> None:
    with world.store.read() as session:
        found = customer_health(session, world.organisation, "gwen", now=NOW)
        with pytest.raises(NotFoundError, match="stranger"):
            customer_health(session, world.organisation, "stranger", now=NOW)
    assert (found.score, found.level, found.points, found.priority) == (None, None, (), None)
    assert found.trend is Direction.UNKNOWN


def test_everybodys_health(world: World) -> None:
    with world.store.read() as session:
        found = health_trends(
            session, world.organisation, now=NOW, period=Period.QUARTER, risky=True, limit=2
        )
        plain = health_trends(session, world.organisation, now=NOW, period=Period.WEEK)
        nobody = health_trends(session, OTHER, now=NOW)
    assert [(one.name, one.count) for one in found.segments] == [
        *(("healthy", 1), ("moderate", 2), ("at_risk", 1), ("critical", 2))
    ]
    assert sum(one.percentage for one in found.segments) == pytest.approx(100.0)
    assert found.average_score == pytest.approx((12 + 35 + 45 + 90 + 65 + 65) / 6)
    assert [one.day for one in found.days] == [(NOW - timedelta(days=days)).date() for days in (40, 20, 0)]
    assert found.at_risk is not None
    assert (found.at_risk.total, len(found.at_risk.lines)) == (3, 2)
    assert plain.at_risk is None
    assert len(plain.days) == 1
    assert (nobody.average_score, [one.percentage for one in nobody.segments]) == (None, [0.0] * 4)


def test_a_perfect_score_is_in_the_best_segment(world: World) -> None:
    world.score("dora", 100.0, NOW + DAY)
    world.change(Customer, "alma", active=False)
    with world.store.read() as session:
        found = health_trends(session, world.organisation, now=NOW + DAY)
    assert [one.count for one in found.segments] == [1, 2, 1, 1]
