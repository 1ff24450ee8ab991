"""Our own customers as a table: what was known on a day, who left after it, and nothing from later."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from sksurv.nonparametric import kaplan_meier_estimator

from keepwell.churn.own import (
    AT,
    CUSTOMER,
    LEFT,
    MEASURED,
    SINCE,
    TENURE,
    lives,
    mapping_of,
    now_table,
    snapshots,
    time_mapping_of,
)
from keepwell.db.engine import Store
from keepwell.db.repositories.lookup import table as table_named
from scoring.churn.errors import TableError
from scoring.churn.table import describe
from tests.unit.db.world import DAY, NOW, World

WINDOW = timedelta(days=90)
LOGIN = "days_since_last_login"


@pytest.fixture
def world(store: Store) -> World:
    """An organisation with nobody in it, on both engines."""
    return World(store)


def measured(world: World, key: str, days: int, value: float, name: str = LOGIN) -> None:
    world.measure(key, {name: value}, NOW - timedelta(days=days))


def test_a_snapshot_knows_what_was_known_then_and_who_left_within_the_window(world: World) -> None:
    world.customer("stays", started_on=date(2025, 1, 1))
    world.customer("leaves", active=False, left_on=(NOW - 60 * DAY).date())
    world.customer("long_gone", active=False, left_on=(NOW - 150 * DAY).date())
    world.customer("nobody_knows_when", active=False)
    for key in ("stays", "leaves", "long_gone", "nobody_knows_when"):
        measured(world, key, 100, 3.0)
    measured(world, "leaves", 80, 30.0)
    table = snapshots(world.store, world.organisation, (), NOW, WINDOW)
    last = table.frame[table.frame[AT] == NOW - WINDOW].set_index(CUSTOMER)
    assert set(last.index) == {"stays", "leaves"}
    assert last[LOGIN].tolist() == [3.0, 3.0], "the 30 was measured later"
    assert last[LEFT].to_dict() == {"stays": False, "leaves": True}
    assert last[TENURE]["stays"] == pytest.approx(
        (NOW - WINDOW - NOW.replace(2025, 1, 1)).days / 30.4375, 0.01
    )
    assert np.isnan(last[TENURE]["leaves"]), "whose start nobody knows has no tenure"
    assert (
        table.left_out["customers who are not active and of whom nobody says when they left (left_on)"] == 1
    )
    # Of nothing is more known than the day before the window begins.
    assert (table.frame[MEASURED] <= table.frame[AT]).all()


def test_the_window_ends_on_its_last_day(world: World) -> None:
    for key, after in (("in_time", 90), ("too_late", 91)):
        world.customer(key, active=False, left_on=(NOW - WINDOW + after * DAY).date())
        measured(world, key, 95, 1.0)
    table = snapshots(world.store, world.organisation, (), NOW, WINDOW).frame.set_index(CUSTOMER)
    assert table[LEFT].to_dict() == {"in_time": True, "too_late": False}


def test_old_values_are_missing_and_who_has_none_is_listed(world: World) -> None:
    world.customer("fresh")
    world.customer("stale")
    measured(world, "fresh", 44, 1.0)
    measured(world, "stale", 46, 1.0)
    found = now_table(world.store, world.organisation, (), NOW)
    assert found.frame[CUSTOMER].tolist() == ["fresh"]
    assert found.left_out == {"nothing measured in the 45 days before": 1}


def test_events_say_what_no_metric_says_and_none_is_not_zero(world: World) -> None:
    for key in ("busy", "quiet"):
        world.customer(key)
        measured(world, key, 1, 5.0, "monthly_active_users")
    happened = [
        ("login", 4),
        ("login", 9),
        ("ticket_opened", 2),
        ("ticket_opened", 29),
        ("ticket_opened", 31),
    ]
    world.did("busy", *((kind, NOW - timedelta(days=days)) for kind, days in happened))
    table = now_table(world.store, world.organisation, (), NOW).frame.set_index(CUSTOMER)
    assert table[LOGIN]["busy"] == pytest.approx(4.0)
    assert np.isnan(table[LOGIN]["quiet"])
    assert table["support_tickets_30_days"].to_dict() == {"busy": 2.0, "quiet": 0.0}
    assert table["dashboard_views"].isna().all(), "nobody sends such events: that is not none"


def test_a_life_counts_from_its_first_snapshot_until_the_customer_left_or_now(world: World) -> None:
    world.customer("gone", active=False, started_on=date(2025, 11, 1), left_on=(NOW - 30 * DAY).date())
    world.customer("soon_gone", active=False, left_on=(NOW - 175 * DAY).date())
    world.customer("here", started_on=date(2025, 11, 1))
    world.customer("unknown")
    world.customer("gone_before", active=False, left_on=(NOW - 180 * DAY).date())
    for key in ("gone", "soon_gone", "here", "unknown", "gone_before"):
        for days in (200, 170, 140, 110, 80):
            measured(world, key, days, float(days))
    own = lives(world.store, world.organisation, ("uptime",), NOW, WINDOW)
    table = own.frame.set_index(CUSTOMER)
    after = {"gone": 150, "soon_gone": 5, "here": 180, "unknown": 180}
    assert table[SINCE].to_dict() == pytest.approx({key: one / 30.4375 for key, one in after.items()})
    assert set(table[LOGIN]) == {200.0}, "as seen at the snapshot"
    assert table[LEFT].to_dict() == {"gone": True, "soon_gone": True, "here": False, "unknown": False}
    assert TENURE in time_mapping_of(own).features
    assert sum(own.left_out.values()) == 1
    now = now_table(world.store, world.organisation, (), NOW - 75 * DAY).frame
    assert set(now[SINCE]) == {0.0}, "the clock of a prediction begins now"


@pytest.mark.parametrize("median", [5.0, 9.0])
def test_a_constant_hazard_gives_its_median_back(store: Store, median: float) -> None:
    """Customers who came in over ten years and leave at the same rate whenever one looks."""
    world, dice = World(store), np.random.default_rng(11)
    people, metrics = [], []
    for number in range(1500):
        ago = int(dice.integers(1, 3650))
        gone = ago - dice.exponential(median * 30.4375 / np.log(2))
        left_on = (NOW - timedelta(days=int(gone))).date() if gone >= 1 else None
        key, started_on = f"c{number:04}", (NOW - timedelta(days=ago)).date()
        people.append(
            {
                "id": key, "organisation_id": "org-1", "external_id": key, "name": key,
                "active": left_on is None, "started_on": started_on, "left_on": left_on, "plan": "",
                "industry": "", "segment": "", "country": "", "time_zone": "", "currency": "", "facts": {},
                "created_at": NOW, "updated_at": NOW,
            }
        )  # fmt: skip
        for back in range(450, 0, -30):
            if max(gone, 0) < back < ago:
                at = NOW - timedelta(days=back)
                metrics.append(
                    {"customer_id": key, "name": LOGIN, "measured_at": at, "value": 1.0, "received_at": at}
                )
    with store.write() as session:
        session.connection().execute(table_named("customer").insert(), people)
        session.connection().execute(table_named("metric").insert(), metrics)
    rows = lives(store, world.organisation, (), NOW, WINDOW).frame
    months, there = kaplan_meier_estimator(rows[LEFT].to_numpy(bool), rows[SINCE].to_numpy(float))
    assert months[there <= 0.5][0] == pytest.approx(median, rel=0.15)


def test_a_customer_known_by_events_alone_does_not_stop_training(world: World) -> None:
    for number in range(60):
        gone = (NOW - timedelta(days=30 + number)).date() if number % 2 else None
        world.customer(f"c{number}", active=gone is None, left_on=gone)
        measured(world, f"c{number}", 95 + number % 7, float(number % 9))
    world.customer("by_events")
    world.did("by_events", ("login", NOW - WINDOW - DAY))
    own = snapshots(world.store, world.organisation, (), NOW, WINDOW)
    row = own.frame[own.frame[CUSTOMER] == "by_events"]
    assert (row[MEASURED] == row[AT]).all()
    assert describe(own.frame, mapping_of(own, WINDOW)).rows == 61


def test_where_nobody_left_the_way_to_say_it_is_told(world: World) -> None:
    world.customer("stays")
    measured(world, "stays", 100, 1.0)
    with pytest.raises(TableError, match=r"in 1 rows nobody left within 90 days.* the column left_on"):
        snapshots(world.store, world.organisation, (), NOW, WINDOW)


def test_too_young_a_store_is_refused_with_the_reason(world: World) -> None:
    world.customer("new")
    measured(world, "new", 10, 1.0)
    with pytest.raises(TableError, match=r"the first value is of 2026-11-11.*90 days old"):
        snapshots(world.store, world.organisation, (), NOW, WINDOW)


def test_the_mapping_groups_by_customer_and_keeps_the_days_apart(world: World) -> None:
    world.customer("one", active=False, left_on=(NOW - 60 * DAY).date())
    measured(world, "one", 100, 1.0)
    mapping = mapping_of(snapshots(world.store, world.organisation, ("uptime",), NOW, WINDOW), WINDOW)
    assert (mapping.group, mapping.measured, mapping.window_start) == (CUSTOMER, MEASURED, AT)
    assert "uptime" in mapping.features
    assert len(mapping.features) == 14
