"""Figures for a wanted score: the customer stays itself, and the score is the wanted one."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from keepwell.db.engine import Store
from keepwell.db.repositories.scores import ScoreRepository
from keepwell.rehearsal.figures import move_to, values_for
from scoring.kernel import score_many
from scoring.normalise import raw_for
from tests.unit.db.world import CARD, NOW, World


def profile(*, only: int | None = None) -> np.ndarray:
    """Raw values of a customer with ups and downs; NaN beyond the first `only` metrics."""
    points = np.linspace(20, 95, len(CARD.metrics))
    values = np.array(
        [raw_for(metric.normalise, gained) for metric, gained in zip(CARD.metrics, points, strict=True)]
    )
    if only is not None:
        values[only:] = np.nan
    return values


@pytest.mark.parametrize("wanted", [0, 5, 10, 30, 50, 65, 90, 100])
def test_the_score_is_the_wanted_one(wanted: float) -> None:
    values = values_for(CARD, score_many(CARD, profile()[None, :]), wanted)
    assert score_many(CARD, values[None, :]).score[0] == pytest.approx(wanted, abs=0.1)


def test_what_was_better_stays_better() -> None:
    before = score_many(CARD, profile()[None, :])
    after = score_many(CARD, values_for(CARD, before, 40)[None, :])
    assert (np.diff(after.points[0]) >= -8).all()
    assert after.points[0][-1] - after.points[0][0] > 50


def test_what_was_not_measured_stays_unmeasured_where_enough_is_known() -> None:
    few = profile(only=len(CARD.metrics) - 2)
    before = score_many(CARD, few[None, :])
    assert not before.insufficient[0]
    assert np.isnan(values_for(CARD, before, 40)).tolist() == np.isnan(few).tolist()


def test_a_customer_of_whom_nothing_is_known_gets_figures_for_all() -> None:
    nothing = score_many(CARD, np.full((1, len(CARD.metrics)), np.nan))
    values = values_for(CARD, nothing, 12)
    assert score_many(CARD, values[None, :]).score[0] == pytest.approx(12, abs=0.1)


def test_production_scoring_finds_the_wanted_score(sqlite_store: Store) -> None:
    world = World(sqlite_store)
    world.customer("acme")
    world.score("acme", 72, NOW - timedelta(days=3))
    move_to(sqlite_store, "org-1", "acme", 10, NOW)
    scored = ScoreRepository(sqlite_store).score_customer("org-1", "acme", NOW)
    assert scored.score == pytest.approx(10, abs=0.1)
    assert scored.transition is not None
