"""The migration fills the portfolio and its days from what is stored, as if they had always been kept."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from keepwell.db import migrate
from keepwell.db.engine import Store
from keepwell.db.repositories.views_portfolio import portfolio
from tests.unit.db.portfolio_world import daily, predict, small_portfolio
from tests.unit.db.test_migrations import back, everything
from tests.unit.db.world import DAY, NOW

KEPT = ("portfolio", "portfolio_day")
Rows = dict[str, list[dict[str, Any]]]


def shown(store: Store) -> Rows:
    """The rows of the portfolio; changes may differ in how they are rounded."""
    found = everything(store)
    for row in found["portfolio"]:
        for name in ("change_7", "change_30"):
            row[name] = pytest.approx(row[name], abs=0.011) if row[name] is not None else None
    return {name: found[name] for name in KEPT}


def test_the_portfolio_is_filled_from_what_is_stored(store: Store) -> None:
    world = small_portfolio(store)
    world.score("dora", 84.0, NOW + DAY)
    predict(world, NOW - 2 * DAY, alma=0.9, bert=0.2)
    predict(world, NOW - DAY, alma=0.8)
    # A second run of a day: the last one counts.
    daily(world, NOW + 2 * DAY)
    before = shown(store)
    assert len(before["portfolio"]) == 9
    assert len(before["portfolio_day"]) > 10
    back(store, "0006")
    migrate.upgrade(store)
    after = shown(store)
    assert after["portfolio"] == before["portfolio"]
    for row in before["portfolio_day"]:
        assert row.pop("revenue") is not None
    for row in after["portfolio_day"]:
        assert row.pop("revenue") is None, "what revenue was then is not known"
        row["score_sum"] = pytest.approx(row["score_sum"])
    assert after["portfolio_day"] == before["portfolio_day"]


def test_the_portfolio_goes_on_after_the_migration(store: Store) -> None:
    world = small_portfolio(store)
    back(store, "0006")
    with store.write() as session:
        session.connection().execute(text("UPDATE customer SET name = 'Alma the First' WHERE id = 'alma'"))
    migrate.upgrade(store)
    world.score("bert", 85.0, NOW + DAY)
    world.customer("iris")
    with store.read() as session:
        lines = {line.id: line for line in portfolio(session, world.organisation, now=NOW + DAY).lines}
    assert lines["alma"].name == "Alma the First"
    assert lines["bert"].score == pytest.approx(85.0)
    assert lines["iris"].score is None
