"""A customer's own page and its insights, on both engines."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlmodel import select

from keepwell.db.engine import Store
from keepwell.db.repositories.client_insights import (
    InsightKind,
    InsightState,
    NewInsight,
    insights,
    is_address,
    move_insight,
    put_insight,
)
from keepwell.db.repositories.views_client import ClientSuccess, client_success
from keepwell.db.tables import Event
from keepwell.errors import InputError, NotFoundError
from tests.unit.db.world import DAY, NOW, World

HOUR = timedelta(hours=1)
BUSY = {
    "active_days_7": 5.0,
    "events_7": 63.0,
    "high_value_actions_7": 5.0,
    "onboarding_completion_rate": 100.0,
    "launch_kit_viewed": 1.0,
    "content_generated_30": 8.0,
    "visuals_created_30": 4.0,
    "activity_change_week": 40.0,
}


@pytest.fixture
def world(store: Store) -> World:
    """A customer in Tokyo."""
    world = World(store)
    world.customer("acme", time_zone="Asia/Tokyo")
    return world


def page(world: World) -> ClientSuccess:
    """The customer's own page."""
    with world.store.read() as session:
        return client_success(session, world.organisation, "acme", NOW)


def kept(world: World, key: str, **values: Any) -> tuple[str, bool]:
    """Keep an insight; its id, and whether it is new."""
    new = NewInsight(**{"key": key, "kind": "tip", "title": f"Insight {key}", **values})
    with world.store.write() as session:
        line, added = put_insight(session, world.organisation, "acme", new, NOW)
    return line.id, added


def moved(world: World, own: str, to: InsightState) -> InsightState:
    """Move an insight; where it stands then."""
    with world.store.write() as session:
        return move_insight(session, world.organisation, "acme", own, to, NOW, "customer").state


def test_the_score_is_that_of_what_the_customer_did_itself(world: World) -> None:
    world.measure("acme", {**BUSY, "events_7": 7.0, "content_generated_30": 1.0}, NOW - 8 * DAY)
    world.measure("acme", BUSY, NOW - HOUR)
    score = page(world).score
    assert score.score == 92.5, "all parts full, but for satisfaction: 50 points until there is feedback"
    assert (score.range, score.range_key, score.trend) == ("Excellent", "excellent", "rising")
    assert score.before is not None
    assert score.change == round(score.score - score.before, 1)
    assert str(score.before_on) == "2026-11-14"
    parts = {one.name: one for one in score.components}
    assert [one.weight for one in score.components] == [25, 20, 25, 15, 15]
    assert (parts["satisfaction"].points, parts["satisfaction"].measured) == (50.0, False)
    assert (parts["engagement"].points, parts["engagement"].measured) == (100.0, True)


def test_too_little_is_said_in_words_and_no_number_is_made_up(world: World) -> None:
    score = page(world).score
    assert (score.score, score.range, score.change, score.trend) == (None, "", None, "unknown")
    assert score.why.startswith("Too little is known")


def test_ranges_go_by_the_scorecard(world: World) -> None:
    world.measure("acme", dict.fromkeys(BUSY, 0.0) | {"activity_change_week": -60.0}, NOW - HOUR)
    score = page(world).score
    assert (score.range, score.range_key) == ("At risk", "at_risk")
    assert "Write personally" not in score.words, "a scorecard's action is for staff"


def test_the_heatmap_counts_days_of_the_customers_own_zone(world: World) -> None:
    late = NOW.replace(hour=16)  # one in the morning of the next day in Tokyo
    moments = [("login", late - DAY)] * 4 + [("page_view", NOW - 3 * DAY)] + [("payment_received", NOW)]
    moments += [("login", NOW - 30 * DAY)]
    world.did("acme", *moments)
    activity = page(world).activity
    assert activity.zone == "Asia/Tokyo"
    assert len(activity.days) == 30
    assert str(activity.days[-1].day) == "2026-11-21"
    counted = {str(one.day): (one.count, one.level) for one in activity.days if one.count}
    assert counted == {"2026-11-21": (4, 4), "2026-11-18": (1, 1)}
    assert (activity.total, activity.active_days, activity.most) == (5, 2, 4)
    assert activity.average == round(5 / 30, 2)


def test_an_insight_is_kept_once_and_goes_forward_only(world: World) -> None:
    own, added = kept(world, "week-47", kind="weekly_summary", action_label="See it", action_url="/week")
    assert added
    assert kept(world, "week-47", title="Another text") == (own, False)
    found = page(world)
    assert [one.title for one in found.insights] == ["Insight week-47"]
    assert (found.insights[0].kind, found.unread) == (InsightKind.WEEKLY_SUMMARY, 1)
    assert moved(world, own, InsightState.READ) == "read"
    assert page(world).unread == 0
    assert moved(world, own, InsightState.ACTED_ON) == "acted_on"
    assert moved(world, own, InsightState.READ) == "acted_on"
    assert moved(world, own, InsightState.DISMISSED) == "acted_on"
    assert page(world).insights == ()
    with world.store.read() as session:
        kinds = [one.kind for one in session.exec(select(Event).order_by(Event.recorded_at))]  # type: ignore[arg-type]
    assert kinds == ["insight.read", "insight.acted_on", "insight.dismissed"]


def test_what_has_expired_is_not_shown(world: World) -> None:
    kept(world, "over", expires_at=NOW - HOUR)
    kept(world, "lasts", expires_at=NOW + HOUR)
    assert [one.title for one in page(world).insights] == ["Insight lasts"]


def test_another_customers_insight_is_as_unknown_as_none(world: World) -> None:
    own, _ = kept(world, "a")
    world.customer("other")
    with world.store.write() as session:
        for organisation, customer in ((world.organisation, "other"), ("another", "acme")):
            with pytest.raises(NotFoundError):
                move_insight(session, organisation, customer, own, InsightState.READ, NOW, "x")
        with pytest.raises(InputError):
            move_insight(session, world.organisation, "acme", own, InsightState.UNREAD, NOW, "x")
        with pytest.raises(NotFoundError):
            put_insight(session, "another", "acme", NewInsight(key="k", kind="tip", title="t"), NOW)
        assert insights(session, "another", "acme", NOW) == ()
    with world.store.read() as session, pytest.raises(NotFoundError):
        client_success(session, "another", "acme", NOW)


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//elsewhere.example",
        "/\\elsewhere.example",
        "/\n/elsewhere.example",
        "tasks",
        "https://",
        "http://[",
    ],
)
def test_an_action_leads_to_a_page_and_to_nothing_else(address: str) -> None:
    assert not is_address(address)
    with pytest.raises(ValidationError):
        NewInsight(key="k", kind="tip", title="t", action_label="Go", action_url=address)


def test_addresses_and_paths_are_taken_with_a_label_only() -> None:
    for address in ("https://brightdesk.example/tasks?a=1#b", "/tasks", "http://localhost:8000/x"):
        made = NewInsight(key="k", kind="tip", title="t", action_label="Go", action_url=address)
        assert made.action_url == address
    with pytest.raises(ValidationError):
        NewInsight(key="k", kind="tip", title="t", action_url="/tasks")
