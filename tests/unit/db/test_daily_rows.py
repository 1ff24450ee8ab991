"""What a daily run leaves: the same rows each time and on each engine, trends, defaults, scores beside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from keepwell.contracts.scoring import ScoreRequest
from keepwell.db.engine import Store
from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.metrics_latest import store_metrics
from keepwell.db.repositories.scorecards_beside import add_beside, other_scores, remove_beside
from keepwell.db.repositories.scores import ScoreRepository
from keepwell.db.repositories.scores_recent import DAYS
from keepwell.db.tables import Health, Organisation, ScoreBeside, ScoreRun
from keepwell.errors import InputError, NotFoundError
from keepwell.ingest.importing import store_metric
from keepwell.keys import new_id, new_ids
from scoring.load import builtin
from scoring.trend import trend_of
from tests.unit.db.world import CARD, DAY, NOW, World, calls_of, run_all

SINGLE = """
name = "payments"
version = 1
title = "Payments"
description = "Whether bills are paid."

[[bands]]
name = "Good"
from = 50
level = "HEALTHY"
action = "Nothing."

[[bands]]
name = "Bad"
from = 0
level = "CRITICAL"
action = "Call."

[categories.money]
title = "Money"
weight = 100

[metrics.payment_health]
category = "money"
weight = 100
title = "Payment health"
unit = "percent"
minimum = 0
maximum = 100
normalise = { kind = "linear", worst = 0, best = 100 }
low = "bills stay open"
action = "Ask for the bills."
success = "At least {target} of the bills are paid."
owner = "csm"
due_days = 7
"""


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def fill(world: World, size: int = 60) -> None:
    """Customers of all kinds: complete, with gaps, with too little, with unusable values, with nothing."""
    dice = np.random.default_rng(3)
    records: list[dict[str, Any]] = []
    for number in range(size):
        key = world.customer(f"c{number:03d}")
        names = CARD.metric_names[: (17, 12, 3, 17, 0)[number % 5]]
        for name in names:
            value = float(dice.uniform(0, 100)) if number % 5 != 3 else -1e9
            at = NOW - int(dice.integers(0, 9)) * DAY
            row = {"customer_id": key, "name": name, "measured_at": at, "value": value, "received_at": at}
            records.append(row)
    with world.store.write() as session:
        store_metrics(session, records)


def rows(world: World, run: str) -> list[dict[str, Any]]:
    """A run's scores without ids and moments."""
    score = table("score")
    with world.store.read() as session:
        found = session.connection().execute(
            select(score).where(score.c.run_id == run).order_by(score.c.customer_id)
        )
        left_out = {"id", "run_id"}
        return [{k: v for k, v in row._mapping.items() if k not in left_out} for row in found]


def test_a_run_gives_the_same_rows_again_whatever_the_partitions(world: World) -> None:
    fill(world)
    first, _ = run_all(world, size=7)
    second, _ = run_all(world, size=60, again="again")
    before, after = rows(world, first.run), rows(world, second.run)
    assert len(before) == 60
    for row in before:
        # The first score of a customer is a baseline, the second is not.
        assert row.pop("baseline") is (row["level"] is not None)
    for row in after:
        assert row.pop("baseline") is False
    assert json.dumps(before, default=str) == json.dumps(after, default=str)
    summary = ScoreRepository(world.store).finish_run(second, NOW)
    assert (summary.scored, summary.insufficient, summary.rejected) == (24, 24, 12)


@pytest.fixture
def both(sqlite_url: str, postgresql_url: str) -> Iterator[tuple[World, World]]:
    stores = (Store(sqlite_url), Store(postgresql_url))
    yield World(stores[0]), World(stores[1])
    for one in stores:
        one.dispose()


def test_both_engines_store_the_same(both: tuple[World, World]) -> None:
    texts = []
    for world in both:
        fill(world)
        runs = [run_all(world, NOW + day * DAY, size=150)[0].run for day in range(3)]
        with world.store.read() as session:
            health = [
                session.get_one(Health, f"c{number:03d}").model_dump(exclude={"score_id"})
                for number in range(60)
            ]
        texts.append(json.dumps([[rows(world, run) for run in runs], health], default=repr, sort_keys=True))
    assert texts[0] == texts[1]


def test_more_rows_than_single_statements_are_copied(world: World) -> None:
    fill(world, 250)
    plan, results = run_all(world, size=250)
    assert sum(part.scored + part.insufficient + part.rejected for part in results) == 250
    run_all(world, NOW + DAY, size=250)
    assert world.health("c000").day == (NOW + DAY).date()
    assert len(world.scores("c000")) == 2
    assert world.scores("c000")[0].run_id == plan.run


def test_the_trend_is_stored_with_the_score(world: World) -> None:
    world.customer("c0")
    points = [80, 78, 75, 75, 70]
    for day, value in enumerate(points):
        world.score("c0", value, NOW + day * DAY)
    days = np.full((1, DAYS), np.nan)
    days[0, -5:] = [row.score for row in world.scores("c0")]
    wanted = trend_of(days, range(DAYS), CARD.trend_threshold)
    last = world.scores("c0")[-1]
    assert (last.trend_slope, last.trend_direction) == (wanted.slope[0], "declining")
    first = world.scores("c0")[0]
    assert (first.trend_slope, first.trend_direction) == (None, None), "one score has no trend"
    # The packed days are a copy: without them the history says the same.
    world.change(Health, "c0", recent=None)
    world.score("c0", 69, NOW + 5 * DAY)
    packed = world.scores("c0")[-1].trend_slope
    days[0, :-1] = days[0, 1:]
    days[0, -1] = world.scores("c0")[-1].score
    assert packed == trend_of(days, range(DAYS), CARD.trend_threshold).slope[0]
    world.score("c0", 69, NOW + 60 * DAY)
    assert world.scores("c0")[-1].trend_direction is None, "what is older than 30 days is forgotten"


def test_a_late_score_is_part_of_the_next_trend(world: World) -> None:
    world.customer("c0")
    world.score("c0", 60, NOW)
    world.at_points("c0", 90, NOW - 5 * DAY)
    world.rescore("c0", NOW - 5 * DAY)
    assert world.scores("c0")[0].trend_direction is None
    world.score("c0", 60, NOW + DAY)
    assert world.scores("c0")[-1].trend_direction == "declining"


def test_another_scorecard_begins_the_trend_anew(world: World) -> None:
    world.customer("c0")
    world.score("c0", 90, NOW)
    world.use(SINGLE)
    world.score("c0", 20, NOW + DAY)
    assert world.scores("c0")[-1].trend_direction is None
    world.score("c0", 40, NOW + 2 * DAY)
    assert world.scores("c0")[-1].trend_direction == "rising"


def test_a_scorecard_that_comes_back_knows_its_own_scores(world: World) -> None:
    world.customer("c0")
    world.score("c0", 90, NOW)
    world.use(SINGLE)
    world.score("c0", 20, NOW + DAY)
    world.change(Organisation, world.organisation, scorecard=None)
    world.at_points("c0", 60, NOW + 2 * DAY)
    slopes = []
    for packed in ("by the other scorecard", None):
        if packed is None:
            world.change(Health, "c0", recent=None)
        world.rescore("c0", NOW + 2 * DAY)
        slopes.append(world.scores("c0")[-1].trend_slope)
    wanted = trend_of([[90.0, 60.0]], [0.0, 2.0], CARD.trend_threshold).slope[0]
    assert slopes == [pytest.approx(wanted), pytest.approx(wanted)]


def test_a_scorecard_of_one_metric_and_a_metric_that_nobody_has(world: World) -> None:
    world.use(SINGLE)
    world.customer("c0")
    world.customer("c1")
    world.measure("c0", {"payment_health": 40})
    _, results = run_all(world)
    assert [(one.scored, one.insufficient) for one in results] == [(1, 1)]
    score = world.scores("c0")[0]
    assert (score.score, score.level, score.categories) == (40, "CRITICAL", {"money": 40})
    assert score.factors == {"top": [{"metric": "payment_health", "lost": 60.0, "points": 40.0}]}
    assert world.scores("c1")[0].factors == {"top": []}
    assert world.scores("c1")[0].categories == {}


def test_what_cannot_be_beside_is_refused(world: World) -> None:
    card = world.use(SINGLE)
    with world.store.write() as session:
        organisation = session.get_one(Organisation, world.organisation)
        add_beside(session, organisation, "momentum", NOW)
        with pytest.raises(InputError, match="payments@1 is the scorecard in force"):
            add_beside(session, organisation, card.fingerprint(), NOW)
        with pytest.raises(InputError, match="beside the one in force already"):
            add_beside(session, organisation, builtin("momentum").fingerprint(), NOW)
        with pytest.raises(NotFoundError, match="no scorecard 'nothing'"):
            add_beside(session, organisation, "nothing", NOW)
        remove_beside(session, organisation, builtin("momentum").fingerprint(), NOW)
        with pytest.raises(NotFoundError, match="'momentum' is not computed beside"):
            remove_beside(session, organisation, "momentum", NOW)


def test_scorecards_beside_are_scored_and_start_nothing(world: World) -> None:
    world.customer("c0")
    world.at_points("c0", 70, NOW, payment_health=90)
    repository = ScoreRepository(world.store)
    world.use(SINGLE)
    with world.store.write() as session:
        organisation = session.get_one(Organisation, world.organisation)
        add_beside(session, organisation, "momentum", NOW)
        add_beside(session, organisation, "intervention", NOW + timedelta(seconds=1))
    plan = repository.begin_run(ScoreRequest(organisation=world.organisation), NOW)
    (call,) = calls_of(plan)
    result = repository.score_partition(call)
    assert repository.score_partition(call) == result
    with world.store.read() as session:
        run = session.get_one(ScoreRun, plan.run)
        assert run.beside == [builtin("momentum").fingerprint(), CARD.fingerprint()]
        others = {one.hash: one for one in other_scores(session, "c0")}
    assert set(others) == set(run.beside)
    # Payment health has a weight of 8 %, so the score is 71.6.
    intervention = others[CARD.fingerprint()]
    assert intervention.score == pytest.approx(71.6)
    assert (intervention.level, intervention.scorecard) == ("HEALTHY", f"intervention@{CARD.version}")
    assert (world.health("c0").score, world.health("c0").level) == (96, "HEALTHY")
    assert len(world.scores("c0")) == 1
    # The next day it is CRITICAL by the scorecard beside: nobody is told.
    world.at_points("c0", 1, NOW + DAY, payment_health=90)
    run_all(world, NOW + DAY)
    assert world.transitions("c0") == []
    with world.store.write() as session:
        organisation = session.get_one(Organisation, world.organisation)
        remove_beside(session, organisation, "momentum", NOW)
        remove_beside(session, organisation, CARD.fingerprint(), NOW)
        assert {one.level for one in other_scores(session, "c0") if one.level} == {"CRITICAL"}
    run_all(world, NOW + 2 * DAY)
    with world.store.read() as session:
        beside = session.connection().execute(select(table("score_beside"))).all()
        assert len(beside) == 4
        assert session.get(ScoreBeside, (plan.run, CARD.fingerprint(), "c0")) is not None


def test_imports_take_the_metrics_of_scorecards_beside(world: World) -> None:
    world.customer("c0")
    (metric, *_) = builtin("client-health").metrics
    value = metric.minimum if metric.minimum is not None else 0.0
    given: dict[str, Any] = {"now": NOW, "scorecard": CARD, "measured_at": None, "by": "test"}
    with pytest.raises(InputError, match="no such metric"):
        store_metric(world.store, world.organisation, "c0", metric.name, str(value), **given)
    with world.store.write() as session:
        add_beside(session, session.get_one(Organisation, world.organisation), "client-health", NOW)
    store_metric(world.store, world.organisation, "c0", metric.name, str(value), **given)
    run_all(world)
    with world.store.read() as session:
        (other,) = other_scores(session, "c0")
    assert other.insufficient
    assert other.coverage > 0


def test_a_default_that_counts_is_told_with_the_score(world: World) -> None:
    momentum = builtin("momentum")
    (default,) = [metric.name for metric in momentum.metrics if metric.default is not None]
    world.change(Organisation, world.organisation, scorecard="momentum")
    world.customer("c0")
    world.measure("c0", {one.name: 50 for one in momentum.metrics if one.name != default})
    run_all(world)
    assert world.scores("c0")[0].factors["defaults"] == [default]
    world.measure("c0", {default: 60}, NOW + DAY)
    run_all(world, NOW + DAY)
    assert "defaults" not in world.scores("c0")[1].factors


def test_many_ids_are_like_single_ones() -> None:
    ids = new_ids(2_000)
    assert len(set(ids)) == 2_000
    assert {len(one) for one in ids} == {len(new_id())}
    assert set("".join(ids)) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    assert ids[0][:8] <= new_id()[:8]
    assert new_ids(0) == []
