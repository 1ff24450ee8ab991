"""The monitor where the feed of events has stopped, and its pages: what one transaction takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from keepwell.contracts.alerts import MonitorCall
from keepwell.db.engine import Store
from keepwell.db.repositories import monitor, monitor_silence
from keepwell.db.repositories.alert_rules import Rules
from keepwell.db.repositories.alerts import lock_customers
from keepwell.db.repositories.alerts_churn import Newest, judge_predictions
from keepwell.db.repositories.monitor_silence import FEED_CUSTOMERS
from keepwell.db.tables import ChurnModel, ChurnPrediction
from keepwell.errors import StoreError
from scoring.triggers import Finding
from tests.unit.db.test_monitor import DAY, HOUR, NOW, alerts, happens, look
from tests.unit.db.world import World


@pytest.fixture
def world(store: Store) -> World:
    """Two customers, Acme and Bolt."""
    made = World(store)
    made.customer("acme")
    made.customer("bolt")
    return made


def a_feed(world: World) -> list[str]:
    """So many customers that silence of them all is the feed's; each has a task under way and a feature."""
    keys = [world.customer(f"c{number:02}") for number in range(FEED_CUSTOMERS)]
    for number, key in enumerate(keys):
        for day in (3, 2, 1):
            happens(world, key, "feature_used", NOW - day * DAY, feature="reports")
        happens(world, key, "task_started", NOW - number * HOUR, task="audit")
    return keys


def test_while_the_feed_has_stopped_nothing_is_judged(world: World) -> None:
    a_feed(world)
    for hours in (49, 73, 9 * 24):
        held = look(world, NOW + hours * HOUR)
        assert held.held.startswith(f"no event of any customer for {hours} hours")
        assert (held.raised, held.escalated) == (0, 0)
    assert alerts(world) == []


def test_a_feed_that_is_back_has_time_to_bring_what_piled_up(world: World) -> None:
    keys = a_feed(world)
    back = NOW + 9 * DAY
    look(world, back)
    happens(world, keys[0], "login", back - 8 * DAY)
    assert look(world, back).held, "what comes in first is old"
    happens(world, keys[0], "login", back)
    first = look(world, back + HOUR)
    assert first.held == "the feed had stopped and is back: silence counts from 2026-11-27 11:00 UTC on"
    assert first.raised == 0
    for key in keys[:-1]:
        for kind, data in (("task_updated", {"task": "audit"}), ("feature_used", {"feature": "reports"})):
            happens(world, key, kind, back, **data)
    assert look(world, back + 2 * HOUR - timedelta(seconds=1)).held
    after = look(world, back + 2 * HOUR)
    assert (after.held, after.raised) == ("", 3)
    assert {row.customer_id for row in alerts(world)} == {keys[-1]}, "who is silent in truth"


def test_a_page_is_of_watched_things_not_of_customers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor_silence, "PAGE", 4)
    for customer in ("acme", "bolt"):
        for number in range(9):
            happens(world, customer, "task_started", NOW, task=f"task {number}")
    sizes = []
    judge = monitor_silence.look_at

    def locked(session: Session, customers: Collection[str]) -> None:
        sizes.append(0)
        lock_customers(session, customers)

    def judged(*given: Any, active: bool) -> Finding | None:
        sizes[-1] += 1
        return judge(*given, active=active)

    monkeypatch.setattr(monitor_silence, "lock_customers", locked)
    monkeypatch.setattr(monitor_silence, "look_at", judged)
    assert look(world, NOW + 73 * HOUR).raised == 20
    assert sizes == [4] * 5


def predicting(world: World) -> Callable[[str, float, datetime], None]:
    """A model in use; what is returned stores a prediction of a customer."""
    world.add(
        ChurnModel(
            id="model",
            organisation_id=world.organisation,
            name="customers",
            version=1,
            state="in_use",
            content=b"",
            sha256="",
            trained_at=NOW,
        )
    )

    def predicted(customer: str, probability: float, at: datetime) -> None:
        world.add(
            ChurnPrediction(
                organisation_id=world.organisation,
                customer_id=customer,
                model_id="model",
                at=at,
                probability=probability,
                low=probability,
                high=probability,
                category="critical",
            )
        )

    return predicted


def test_predictions_raise_and_end_the_alert_of_leaving(world: World) -> None:
    predicted = predicting(world)
    predicted("acme", 0.83, NOW)
    predicted("bolt", 0.80, NOW)
    assert look(world, NOW + HOUR).raised == 1
    (row,) = alerts(world)
    assert row.words == "the probability to leave is 83 %; the limit is 80 %"
    assert (row.decision, row.customer_id) == ("none", "acme")
    predicted("acme", 0.78, NOW + DAY)
    assert look(world, NOW + DAY + HOUR).closed == 0, "not yet clear of the border"
    predicted("acme", 0.70, NOW + 2 * DAY)
    assert look(world, NOW + 2 * DAY + HOUR).closed == 1
    assert look(world, NOW + 2 * DAY + 90 * timedelta(minutes=1)).raised == 0
    predicted("acme", 0.91, NOW + 3 * DAY)
    assert look(world, NOW + 3 * DAY + HOUR).raised == 1


def test_predictions_are_judged_page_by_page_and_a_database_that_fails_loses_none(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor, "PREDICTED", 2)
    predicted, pages = predicting(world), list[list[str]]()
    for number in range(5):
        predicted(world.customer(f"c{number}"), 0.9, NOW)

    def failing(session: Session, call: MonitorCall, rules: Rules, page: Newest) -> Counter[str]:
        pages.append(sorted(page))
        if len(pages) == 2:
            raise StoreError("The connection is gone.", retryable=True)
        return judge_predictions(session, call, rules, page)

    monkeypatch.setattr(monitor, "judge_predictions", failing)
    with pytest.raises(StoreError):
        look(world, NOW + HOUR)
    assert [row.customer_id for row in alerts(world)] == ["c0", "c1"], "the first page stays"
    assert look(world, NOW + 6 * HOUR).raised == 3
    assert pages == [["c0", "c1"], ["c2", "c3"], ["c0", "c1"], ["c2", "c3"], ["c4"]]
