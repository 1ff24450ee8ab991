"""Assumed figures: each signal shows with them, and what is assumed is said."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from keepwell.db.engine import Store
from keepwell.db.repositories.campaigns import OpportunityRepository
from keepwell.db.repositories.projection import used_up_at
from keepwell.db.tables import Metric
from keepwell.rehearsal.signs import assume, assumed_for
from scoring.signal import Signal
from tests.unit.db.world import DAY, NOW, World


@pytest.mark.parametrize("revenue", [None, 1200.0])
@pytest.mark.parametrize("signal", Signal)
def test_the_signal_shows(sqlite_store: Store, signal: Signal, revenue: float | None) -> None:
    world = World(sqlite_store)
    world.customer("acme", monthly_revenue=revenue)
    world.score("acme", 72, NOW - 3 * DAY)
    figures = assumed_for(signal, revenue)
    with sqlite_store.write() as session:
        assume(session, "acme", figures, NOW)
    world.rescore("acme", NOW)
    waiting = OpportunityRepository(sqlite_store).waiting_of("acme")
    assert waiting is not None
    assert [one.signal for one in waiting.opportunities] == [signal]
    assert all(one.words for one in figures)


def test_assumed_figures_stand_in_the_place_of_its_own(sqlite_store: Store) -> None:
    world = World(sqlite_store)
    world.customer("acme")
    for days in (1, 8, 15, 100):
        world.measure("acme", {"usage_percentage": 30.0}, NOW - days * DAY)
    figures = assumed_for(Signal.USAGE_LIMIT_APPROACHING, None)
    with sqlite_store.write() as session:
        assume(session, "acme", figures, NOW)
    with sqlite_store.read() as session:
        rows = session.exec(select(Metric).where(Metric.name == "usage_percentage")).all()
    values = sorted((row.measured_at, row.value) for row in rows)
    # What is too old to count stays.
    assert [value for _, value in values] == [30.0, 79.0, 82.0, 85.0, 88.0]
    limit = used_up_at(values, NOW)
    assert limit is not None
    assert timedelta(days=20) < limit - NOW < timedelta(days=40)
    assert [one.words for one in figures] == ["usage percentage risen from 79 % to 88 % in three weeks"]
