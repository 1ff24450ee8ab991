"""Scores in the store: the daily run, its repetition, the guard's memory, one customer at once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from keepwell.contracts.scoring import PartitionResult, ScoreRequest
from keepwell.db.engine import Store
from keepwell.db.repositories.scores import ScoreRepository
from keepwell.db.repositories.transitions import TransitionRepository
from keepwell.db.tables import Organisation, ScoreRun
from keepwell.db.tables import Scorecard as ScorecardRow
from keepwell.errors import ConfigurationError, InputError, NotFoundError, RefusedError
from scoring.levels import Level
from tests.unit.db.world import CARD, DAY, NOW, World, run_all

HASH = CARD.fingerprint()


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def test_begin_run_cuts_active_customers_into_ranges(world: World) -> None:
    for number in range(7):
        world.customer(f"c{number}", active=number != 2)
    plan = ScoreRepository(world.store, 3).begin_run(ScoreRequest(organisation="brightdesk"), NOW)
    assert plan.organisation == world.organisation
    assert plan.scorecard == HASH
    assert plan.as_of == NOW
    assert [(part.number, part.first, part.last) for part in plan.partitions] == [
        (0, "c0", "c3"),
        (1, "c4", "c6"),
    ]
    with world.store.read() as session:
        run = session.get_one(ScoreRun, plan.run)
        assert run.key == f"2026-11-21/{HASH[:12]}"
        assert session.get_one(ScorecardRow, HASH).content.startswith("#")


def test_begin_run_again_on_the_day_is_the_same_run_and_moment(world: World) -> None:
    world.customer("c0")
    repository = ScoreRepository(world.store)
    request = ScoreRequest(organisation=world.organisation)
    plan = repository.begin_run(request, NOW)
    assert repository.begin_run(request, NOW + timedelta(hours=5)) == plan
    other = repository.begin_run(request.model_copy(update={"again": "repair"}), NOW + timedelta(hours=5))
    assert other.run != plan.run
    assert other.as_of == NOW + timedelta(hours=5)
    assert repository.begin_run(request, NOW + DAY).run != plan.run


def test_the_day_is_that_of_the_organisations_time_zone(world: World) -> None:
    world.change(Organisation, world.organisation, time_zone="Pacific/Auckland")
    plan, _ = run_all(world, datetime(2026, 11, 21, 11, 30, tzinfo=UTC))
    with world.store.read() as session:
        assert session.get_one(ScoreRun, plan.run).day == date(2026, 11, 22)
    world.change(Organisation, world.organisation, time_zone="Atlantis/Deep")
    with pytest.raises(ConfigurationError, match="Atlantis/Deep"):
        run_all(world)


def test_begin_run_refuses_what_it_does_not_know(world: World) -> None:
    repository = ScoreRepository(world.store)
    with pytest.raises(NotFoundError, match=r"no organisation 'nobody'"):
        repository.begin_run(ScoreRequest(organisation="nobody"), NOW)
    with pytest.raises(NotFoundError, match="no scorecard 'abc'"):
        repository.begin_run(ScoreRequest(organisation=world.organisation, scorecard="abc"), NOW)
    with pytest.raises(InputError, match="40 characters"):
        repository.begin_run(ScoreRequest(organisation=world.organisation, again="x" * 41), NOW)
    with pytest.raises(InputError, match="at least 1"):
        ScoreRepository(world.store, 0)


def test_an_organisation_without_customers_has_an_empty_run(world: World) -> None:
    plan, results = run_all(world)
    assert results == []
    summary = ScoreRepository(world.store).finish_run(plan, NOW)
    assert (summary.customers, summary.transitions) == (0, 0)


def test_every_customer_is_in_exactly_one_count(world: World) -> None:
    for name in ("fine", "little", "nothing", "old", "broken"):
        world.customer(name)
    world.at_points("fine", 70)
    world.measure("little", {"daily_active_rate": 30})
    world.at_points("old", 70, NOW - timedelta(days=400))
    world.measure("broken", {"daily_active_rate": 30, "payment_health": 900})
    plan, results = run_all(world, size=2)
    assert [(part.scored, part.insufficient, part.rejected) for part in results] == [
        (1, 1, 0),
        (0, 2, 0),
        (0, 0, 1),
    ]
    fine, old, broken = world.scores("fine")[0], world.scores("old")[0], world.scores("broken")[0]
    assert fine.score == pytest.approx(70)
    assert (fine.baseline, fine.level, fine.raw_level) == (True, "HEALTHY", "HEALTHY")
    assert fine.categories == {"usage": 70, "engagement": 70, "business": 70, "relationship": 70}
    assert [entry["metric"] for entry in fine.factors["top"]] == [
        "daily_active_rate",
        "feature_adoption_depth",
        "usage_trend_30_days",
    ]
    assert fine.factors["top"][0] == {"metric": "daily_active_rate", "lost": 4.5, "points": 70.0}
    assert (old.insufficient, old.score, old.level) == (True, None, None)
    assert old.unusable == 16
    # 900 % is out of range; even with it there would be too little, so it is not the reason.
    assert (broken.insufficient, broken.unusable) == (True, 1)
    summary = ScoreRepository(world.store).finish_run(plan, NOW)
    assert (summary.customers, summary.scored, summary.insufficient, summary.rejected) == (5, 1, 3, 1)


def test_a_first_score_is_a_baseline_and_no_transition(world: World) -> None:
    world.customer("c0")
    world.at_points("c0", 10)
    _, results = run_all(world)
    assert results == [PartitionResult(number=0, scored=1, insufficient=0, rejected=0, transitions=0)]
    health = world.health("c0")
    assert (health.level, health.raw_level, health.sequence) == ("CRITICAL", "CRITICAL", 0)
    assert (health.since, health.day, health.previous_raw_level) == (NOW, NOW.date(), None)
    assert world.transitions("c0") == []


def test_a_worse_level_makes_a_transition_with_its_score(world: World) -> None:
    world.customer("c0")
    world.at_points("c0", 70, NOW)
    run_all(world)
    world.at_points("c0", 30, NOW + DAY)
    plan, results = run_all(world, NOW + DAY)
    assert results[0].transitions == 1
    (change,) = world.transitions("c0")
    assert (change.kind, change.previous, change.level, change.sequence) == (
        "change",
        "HEALTHY",
        "HIGH_RISK",
        1,
    )
    assert (change.run_id, change.score_id, change.at) == (plan.run, world.scores("c0")[-1].id, NOW + DAY)
    assert change.decision is None
    health = world.health("c0")
    assert (health.level, health.since, health.sequence) == ("HIGH_RISK", NOW + DAY, 1)
    assert health.previous_raw_level == "HEALTHY"


def test_a_better_level_waits_for_the_margin_or_a_second_day(world: World) -> None:
    world.customer("c0")
    world.score("c0", 55, NOW - 2 * DAY)
    world.score("c0", 61, NOW - DAY)
    assert world.health("c0").level == "AT_RISK"
    # The same day again is not the second daily score.
    world.score("c0", 61, NOW - DAY + timedelta(hours=3))
    assert world.health("c0").level == "AT_RISK"
    assert world.health("c0").since == NOW - 2 * DAY
    world.score("c0", 61, NOW)
    assert world.health("c0").level == "HEALTHY"
    world.customer("c1")
    world.score("c1", 55, NOW - DAY)
    world.score("c1", 64, NOW - DAY + timedelta(hours=3))
    assert world.health("c1").level == "HEALTHY"


def test_days_with_too_little_data_are_passed_over(world: World) -> None:
    world.customer("c0")
    world.score("c0", 55, NOW - 4 * DAY)
    world.score("c0", 61, NOW - 3 * DAY)
    before = world.health("c0")
    repository = ScoreRepository(world.store)
    world.measure("c0", {name: 5e11 for name in CARD.metric_names}, NOW - 2 * DAY)
    answer = repository.score_customer(world.organisation, "c0", NOW - 2 * DAY)
    assert (answer.score, answer.level, answer.previous, answer.transition) == (
        None,
        Level.AT_RISK,
        Level.AT_RISK,
        None,
    )
    health = world.health("c0")
    assert (health.level, health.score, health.coverage) == ("AT_RISK", before.score, 0)
    assert (health.raw_level, health.previous_raw_level) == (None, "HEALTHY")
    assert health.score_id == world.scores("c0")[-1].id
    # The last two days that have a score agree.
    world.score("c0", 61, NOW)
    assert world.health("c0").level == "HEALTHY"


def test_too_little_data_from_the_start_leaves_the_baseline_open(world: World) -> None:
    world.customer("c0")
    run_all(world)
    health = world.health("c0")
    assert (health.level, health.score, health.since) == (None, None, None)
    world.score("c0", 10, NOW + DAY)
    assert world.scores("c0")[-1].baseline
    assert world.health("c0").level == "CRITICAL"
    assert world.transitions("c0") == []


def test_only_values_known_at_the_moment_count(world: World) -> None:
    world.customer("c0")
    world.at_points("c0", 30, NOW - DAY)
    world.at_points("c0", 70, NOW)
    world.at_points("c0", 90, NOW + timedelta(seconds=1))
    run_all(world)
    assert world.scores("c0")[0].score == pytest.approx(70)


def test_the_last_value_counts_even_when_it_is_unusable(world: World) -> None:
    world.customer("c0")
    world.at_points("c0", 70, NOW - DAY)
    world.measure("c0", {"payment_health": 900}, NOW)
    run_all(world)
    score = world.scores("c0")[0]
    assert score.unusable == 1
    assert score.coverage == pytest.approx(0.92)


def test_unusable_values_reject_whom_they_cost_the_score(world: World) -> None:
    world.customer("c0")
    world.at_points("c0", 70, NOW - DAY)
    world.measure("c0", {name: -1e9 for name in CARD.metric_names[:9]}, NOW)
    _, results = run_all(world)
    assert (results[0].rejected, results[0].insufficient) == (1, 0)


def test_a_late_run_of_an_older_day_changes_only_the_history(world: World) -> None:
    world.customer("c0")
    world.score("c0", 70, NOW)
    world.at_points("c0", 10, NOW - 3 * DAY)
    before = world.health("c0")
    _, results = run_all(world, NOW - 3 * DAY)
    assert (results[0].scored, results[0].transitions) == (1, 0)
    late = world.scores("c0")[0]
    assert late.score == pytest.approx(10)
    assert (late.raw_level, late.level, late.baseline) == ("CRITICAL", None, False)
    # The packed days lack the older one now; the next score reads them from the history.
    assert world.health("c0").model_dump(exclude={"recent"}) == before.model_dump(exclude={"recent"})
    assert world.health("c0").recent is None
    assert world.transitions("c0") == []


def test_score_customer_gives_the_same_answer_for_the_same_moment(world: World) -> None:
    world.customer("c0")
    world.score("c0", 70, NOW - DAY)
    world.at_points("c0", 10)
    repository = ScoreRepository(world.store)
    answer = repository.score_customer("brightdesk", "c0", NOW)
    assert (answer.previous, answer.level, answer.baseline) == (Level.HEALTHY, Level.CRITICAL, False)
    assert answer.score == pytest.approx(10)
    assert answer.transition == world.transitions("c0")[0].id
    assert repository.score_customer("brightdesk", "c0", NOW) == answer
    assert len(world.scores("c0")) == 2
    assert repository.score_customer("brightdesk", "c0", NOW + timedelta(minutes=1)).transition is None


def test_one_customer_scores_like_the_batch(world: World) -> None:
    world.customer("c0")
    world.measure("c0", {name: 0.7 for name in CARD.metric_names[:12]}, NOW - timedelta(days=3))
    run_all(world)
    ScoreRepository(world.store).score_customer(world.organisation, "c0", NOW)
    alone, batch = sorted(world.scores("c0"), key=lambda row: row.run_id or "")
    assert alone.score == batch.score
    assert (alone.coverage, alone.categories, alone.factors) == (
        batch.coverage,
        batch.categories,
        batch.factors,
    )


def test_score_customer_refuses_strangers_and_inactive(world: World) -> None:
    world.add(Organisation(id="org-2", key="other", name="Other", created_at=NOW))
    world.customer("c0", active=False)
    repository = ScoreRepository(world.store)
    with pytest.raises(NotFoundError, match="no customer 'nobody'"):
        repository.score_customer(world.organisation, "nobody", NOW)
    with pytest.raises(NotFoundError, match="other has no customer 'c0'"):
        repository.score_customer("other", "c0", NOW)
    with pytest.raises(RefusedError, match="not active"):
        repository.score_customer(world.organisation, "c0", NOW)


def test_pending_get_and_mark(world: World) -> None:
    world.customer("c0")
    world.score("c0", 70, NOW - 2 * DAY)
    world.score("c0", 30, NOW - DAY)
    world.at_points("c0", 10)
    plan, _ = run_all(world)
    older, newer = world.transitions("c0")
    repository = TransitionRepository(world.store)
    assert repository.pending(world.organisation, None, None) == (older.id, newer.id)
    assert repository.pending(world.organisation, None, NOW) == (older.id,)
    assert repository.pending(world.organisation, plan.run, None) == (newer.id,)
    assert repository.pending("org-2", None, None) == ()
    got = repository.get(older.id)
    assert (got.sequence, got.newest, got.level, got.previous) == (1, 2, Level.HIGH_RISK, Level.HEALTHY)
    assert (got.customer_name, got.open, got.decision) == ("C0", None, None)
    repository.mark(newer.id, "started", NOW)
    repository.mark(newer.id, "refused", NOW + DAY)
    assert repository.pending(world.organisation, plan.run, None) == ()
    assert repository.pending(world.organisation, None, None) == (older.id, newer.id)
    row = world.transitions("c0")[1]
    assert (row.handed, row.handed_at) == ("started", NOW)
    summary = ScoreRepository(world.store).finish_run(plan, NOW)
    assert (summary.transitions, summary.started, summary.refused) == (1, 1, 0)
    with pytest.raises(NotFoundError):
        repository.get("nobody")
