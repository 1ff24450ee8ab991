"""How customers are spoken with, by type and outcome, out of all that is stored; and recent activity."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from keepwell import cursors
from keepwell.db.engine import Store
from keepwell.db.repositories import journal
from keepwell.db.repositories.views_activity import recent_activity
from keepwell.db.repositories.views_engagement import engagement_analytics
from keepwell.db.repositories.views_engagement_lines import (
    EngagementAnalytics,
    EngagementOutcome,
    EngagementType,
)
from keepwell.db.repositories.views_stats_lines import Period
from keepwell.db.tables import Delivery, EngagementEvent, Task
from keepwell.errors import InputError
from tests.unit.db.portfolio_world import OTHER, small_portfolio
from tests.unit.db.world import DAY, NOW, World

HOUR = timedelta(hours=1)


@pytest.fixture
def world(store: Store) -> World:
    return small_portfolio(store)


def analytics(world: World, organisation: str = "", **wanted: Any) -> EngagementAnalytics:
    with world.store.read() as session:
        return engagement_analytics(session, organisation or world.organisation, now=NOW, **wanted)


def event(world: World, key: str, customer: str, kind: str, days: float = 1.0) -> None:
    at = NOW - days * DAY
    row: dict[str, Any] = {"organisation_id": world.organisation, "customer_id": customer}
    row |= {"key": key, "kind": kind}
    world.add(EngagementEvent(id=key, at=at, received_at=at, **row))


def message(world: World, key: str, customer: str, intervention: str, **values: Any) -> None:
    row: dict[str, Any] = {"channel": "email", "state": "delivered", "recipient_kind": "contact", **values}
    row = {"begun_at": NOW - DAY, "accepted_at": NOW - DAY, "planned_at": NOW - DAY, "updated_at": NOW, **row}
    row |= {"organisation_id": world.organisation, "customer_id": customer, "intervention_id": intervention}
    world.add(Delivery(key=key, step="one", recipient_id="p", **row))


def task(world: World, key: str, customer: str, outcome: str, days: float = 1.0) -> None:
    row: dict[str, Any] = {"organisation_id": world.organisation, "customer_id": customer}
    row |= {"kind": "call", "title": "Call"}
    closed = NOW - days * DAY
    world.add(
        Task(
            id=key,
            key=key,
            due_at=NOW,
            created_at=NOW,
            state="done",
            closed_at=closed,
            outcome=outcome,
            **row,
        )
    )


def busy(world: World) -> None:
    """Two meetings and a call with alma, messages to bert of whom one was answered, talk with cleo."""
    event(world, "e1", "alma", "meeting_held")
    event(world, "e2", "alma", "meeting_held", days=29)
    event(world, "e3", "alma", "login")
    event(world, "e4", "cleo", "negative_outcome", days=31)
    event(world, "e5", "cleo", "positive_outcome")
    task(world, "t1", "alma", "reached")
    task(world, "t2", "alma", "done")
    task(world, "t3", "cleo", "left_message", days=40)
    world.intervention(
        "i1", "bert", outcome="responded", responded_at=NOW - 22 * HOUR, ended_at=NOW - 22 * HOUR
    )
    world.intervention("i2", "alma")
    message(world, "m1", "bert", "i1")
    message(world, "m2", "bert", "i1", begun_at=NOW - 2 * DAY, accepted_at=NOW - 2 * DAY)
    message(world, "m3", "bert", "i1", state="failed")
    message(world, "m4", "bert", "i1", recipient_kind="staff")
    message(world, "m5", "alma", "i2", channel="in_app")


def test_types_and_outcomes_of_a_period(world: World) -> None:
    busy(world)
    found = analytics(world)
    counted = {(one.type.value, one.outcome.value): (one.count, one.customers) for one in found.correlation}
    assert counted == {
        ("meeting", "none"): (2, 1),
        ("other", "positive"): (1, 1),
        ("call", "positive"): (1, 1),
        ("email", "positive"): (2, 1),
        ("in_app", "none"): (1, 1),
    }
    assert found.total == 7
    assert found.by_type[EngagementType.MEETING] == 2
    assert found.by_type[EngagementType.DEMO] == 0
    assert found.by_outcome[EngagementOutcome.POSITIVE] == 4
    assert found.customers == 3
    assert found.participation == pytest.approx(3 / 7)
    assert found.frequency == pytest.approx(7 / 7)
    change = {one.type: one.average_change for one in found.correlation}
    assert change[EngagementType.MEETING] == pytest.approx(-58.0), "alma's"
    assert change[EngagementType.EMAIL] == pytest.approx(-27.0), "bert's"
    assert (found.answered, found.average_response_seconds) == (1, 2 * 3600)


def test_a_longer_period_sees_more(world: World) -> None:
    busy(world)
    found = analytics(world, period=Period.QUARTER)
    assert found.by_outcome[EngagementOutcome.NEGATIVE] == 1
    assert found.by_outcome[EngagementOutcome.ACTION_REQUIRED] == 1
    assert found.frequency == pytest.approx(9 / 7 / 3)


@pytest.mark.parametrize(
    ("wanted", "total", "customers"),
    [
        ({"types": [EngagementType.EMAIL, EngagementType.CALL]}, 3, 2),
        ({"outcomes": [EngagementOutcome.POSITIVE]}, 4, 3),
        ({"team_member": "dana"}, 5, 2),
        ({"team_member": "evan", "outcomes": [EngagementOutcome.NONE]}, 0, 0),
    ],
)
def test_it_can_be_narrowed(world: World, wanted: dict[str, Any], total: int, customers: int) -> None:
    busy(world)
    found = analytics(world, **wanted)
    assert (found.total, found.customers) == (total, customers)


def test_another_organisation_sees_nothing_of_it(world: World) -> None:
    busy(world)
    found = analytics(world, OTHER)
    assert (found.total, found.customers, found.answered, found.average_response_seconds) == (0, 0, 0, None)
    assert found.frequency == 0.0


def tell(world: World, number: int, kind: str, organisation: str = "") -> None:
    with world.store.write() as session:
        journal.write(
            session,
            key=f"line-{number}",
            organisation=organisation or world.organisation,
            customer=None if organisation else "alma",
            kind=kind,
            text=f"line {number}",
            at=NOW,
        )


def lines(world: World, size: int, **wanted: Any) -> list[str]:
    found: list[str] = []
    cursor: str | None = None
    while True:
        with world.store.read() as session:
            page = recent_activity(session, world.organisation, cursor=cursor, limit=size, **wanted)
        assert len(page.lines) <= size
        found += [one.text for one in page.lines if one.kind.startswith("made.")]
        cursor = page.next
        if cursor is None:
            return found


@pytest.mark.parametrize("size", [1, 2, 200])
def test_recent_activity_newest_first_page_by_page(world: World, size: int) -> None:
    for number in range(5):
        tell(world, number, "made.even" if number % 2 == 0 else "made.odd")
    tell(world, 9, "made.odd", OTHER)
    assert lines(world, size) == [f"line {number}" for number in (4, 3, 2, 1, 0)]
    assert lines(world, size, kinds=["made.odd"]) == ["line 3", "line 1"]
    assert lines(world, size, kinds=["made.odd", "made.even", "made.odd"]) == [
        f"line {number}" for number in (4, 3, 2, 1, 0)
    ]
    assert lines(world, size, kinds=["made"]) == []


def test_a_line_names_its_customer(world: World) -> None:
    tell(world, 1, "made.one")
    with world.store.read() as session:
        line = recent_activity(session, world.organisation, limit=1).lines[0]
    assert (line.customer_id, line.customer, line.text) == ("alma", "alma", "line 1")


@pytest.mark.parametrize("cursor", ["x", cursors.encode(["yesterday", "id"]), cursors.encode([1, "id"])])
def test_no_cursor_of_another_list(world: World, cursor: str) -> None:
    with world.store.read() as session, pytest.raises(InputError, match="cursor"):
        recent_activity(session, world.organisation, cursor=cursor)
