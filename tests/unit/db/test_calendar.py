"""The forward calendar, on both engines: what goes out when, to whom, and whose load it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from keepwell.db.engine import Store
from keepwell.db.repositories.switches import Stop, throw
from keepwell.db.repositories.views_calendar import calendar
from keepwell.db.repositories.views_calendar_lines import CalendarEntry, EntryKind, ForwardCalendar
from keepwell.db.tables import (
    Absence,
    ClosedDay,
    Contact,
    Draft,
    Intervention,
    InterventionStep,
    Offer,
    Organisation,
    Task,
)
from keepwell.errors import InputError, NotFoundError
from tests.databases import statements
from tests.unit.db.busy_world import customers_of, open_for, staff_of, tasks_for
from tests.unit.db.world import DAY, NOW, World
from workflows.critical import CRITICAL

HOUR = timedelta(hours=1)
"""NOW is a Saturday, 21 November 2026, 9:00 UTC."""


@pytest.fixture
def world(store: Store) -> World:
    """A critical intervention of a customer in Berlin, begun now; Omar covers for Dana, Lena leads."""
    world = World(store)
    world.change(
        Organisation,
        world.organisation,
        time_zone="Europe/Berlin",
        country="DE",
        quiet_from="20:00",
        quiet_until="08:00",
        business_days="12345",
    )
    world.staff("lena", role="lead")
    world.staff("omar", manager_id="lena")
    world.staff("dana", manager_id="lena", deputy="omar")
    world.customer("acme", owner_id="dana", time_zone="Europe/Berlin", country="DE")
    world.contact("ann", "acme", role="primary")
    world.contact("bob", "acme", role="executive")
    open_critical(world)
    return world


def open_critical(world: World) -> None:
    """The intervention "i-1" with all of its steps planned."""
    world.add(
        Intervention(
            id="i-1",
            organisation_id=world.organisation,
            customer_id="acme",
            start="s",
            workflow_id="risk/org-1/acme",
            playbook="critical",
            version=CRITICAL.version,
            definition=CRITICAL.model_dump(mode="json"),
            level="CRITICAL",
            score=12.5,
            owner_id="dana",
            started_at=NOW,
        )
    )
    for position, step in enumerate(CRITICAL.steps):
        world.add(
            InterventionStep(
                intervention_id="i-1",
                name=step.name,
                position=position,
                kind=step.kind,
                offset=step.at,
                state="planned",
                planned_at=NOW + step.at,
            )
        )


def asked(world: World, **how: object) -> ForwardCalendar:
    """The calendar of now."""
    with world.store.read() as session:
        return calendar(session, world.organisation, NOW, **how)  # type: ignore[arg-type]


def entry(found: ForwardCalendar, own: str) -> CalendarEntry:
    """The entry of that id."""
    return next(one for day in found.days for one in day.entries if one.id == own)


def test_a_message_goes_out_when_the_gate_lets_it_through(world: World) -> None:
    found = asked(world)
    assert (found.zone, found.from_day, found.until_day) == (
        "Europe/Berlin",
        date(2026, 11, 21),
        date(2026, 12, 4),
    )
    first = entry(found, "step:i-1/executive_email")
    assert first.kind is EntryKind.MESSAGE
    assert first.recipient == "Ann Person"
    assert first.planned_at == NOW
    assert first.at == datetime(2026, 11, 23, 7, 0, tzinfo=UTC), "Monday, eight in Berlin"
    assert "Saturday" in first.moved_why
    assert first.at.date() == next(day.day for day in found.days if first in day.entries)
    assert [day.closed for day in found.days[:3]] == ["Saturday", "Sunday", ""]
    assert sum(day.total for day in found.days) == found.total
    assert not found.more


def test_the_alternate_contact_is_another_one_than_the_first(world: World) -> None:
    other = [one for day in asked(world).days for one in day.entries if one.to == "another contact"]
    assert other
    assert {one.recipient for one in other} == {"Bob Person"}


def test_nobody_to_write_to_and_a_stop_are_told(world: World) -> None:
    with world.store.write() as session:
        throw(session, Stop(world.organisation), reason="a mistake in a letter", by="Lena", now=NOW)
    stopped = entry(asked(world), "step:i-1/executive_email")
    assert stopped.hindered == "Sending was stopped by Lena: a mistake in a letter"
    for one in ("ann", "bob"):
        world.change(Contact, one, active=False)
    assert entry(asked(world), "step:i-1/executive_email").hindered == "Acme has no active contact"


def test_closed_days_of_its_own_move_a_message(world: World) -> None:
    world.add(ClosedDay(organisation_id=world.organisation, day=date(2026, 11, 23), name="Company day"))
    found = asked(world)
    assert found.days[2].closed == "Company day"
    assert entry(found, "step:i-1/executive_email").at == datetime(2026, 11, 24, 7, 0, tzinfo=UTC)


def test_escalations_reach_who_is_there_and_count_as_their_load(world: World) -> None:
    found = asked(world)
    escalations = [one for day in found.days for one in day.entries if one.kind is EntryKind.ESCALATION]
    assert [one.recipient for one in escalations] == ["Omar Staff", "Lena Staff"]
    load = {one.name: one for one in found.load}
    assert load["Omar Staff"].escalations == 1
    assert load["Lena Staff"].escalations == 1
    assert load["Dana Staff"].escalations == 0
    assert load["Dana Staff"].messages > 0
    assert not any(day.away for day in load["Dana Staff"].days)


def test_while_the_owner_is_away_it_is_the_load_of_who_stands_in(world: World) -> None:
    before = {one.name: one for one in asked(world).load}
    world.add(
        Absence(
            organisation_id=world.organisation,
            staff_id="dana",
            from_on=date(2026, 11, 21),
            until_on=date(2026, 12, 31),
            entered_by="Lena",
            entered_at=NOW,
        )
    )
    load = {one.name: one for one in asked(world).load}
    assert load["Dana Staff"].messages == 0
    assert {day.away for day in load["Dana Staff"].days} == {"away until 31 December"}
    assert [week.days_away for week in load["Dana Staff"].weeks] == [2, 7, 5]
    assert load["Omar Staff"].messages == before["Dana Staff"].messages


def test_what_is_paused_until_a_moment_comes_later_and_what_stands_still_has_no_date(world: World) -> None:
    last = max(one.at for day in asked(world, days=30).days for one in day.entries)
    world.change(Intervention, "i-1", paused=True, paused_at=NOW, paused_until=NOW + 3 * DAY)
    found = asked(world, days=30)
    moments = [one for day in found.days for one in day.entries]
    assert max(one.at for one in moments) >= last + 2 * DAY
    assert all(one.paused for one in moments)
    world.change(Intervention, "i-1", paused_until=None, pause_reason="asked by phone")
    found = asked(world)
    assert found.total == 0
    (still,) = found.still
    assert (still.intervention, still.why, still.waiting) == (
        "i-1",
        "paused: asked by phone",
        len(CRITICAL.steps),
    )
    assert found.still_total == 1


def _with_deadlines(world: World) -> None:
    """A draft with its task, another task, one that is late, and two offers."""
    shared: dict[str, Any] = {
        "organisation_id": world.organisation,
        "customer_id": "acme",
        "intervention_id": "i-1",
    }
    world.add(
        Draft(
            **shared,
            id="d-1",
            step="executive_email",
            key="k",
            channel="email",
            recipient_id="ann",
            recipient_name="Ann",
            subject="Hello",
            text="t",
            created_at=NOW,
            decide_by=NOW + 5 * HOUR,
        )
    )
    task: dict[str, Any] = {**shared, "title": "Approve it", "created_at": NOW, "owner_id": "omar"}
    world.add(Task(**task, id="t-1", key="draft/d-1", kind="approval", due_at=NOW + HOUR))
    world.add(Task(**task, id="t-2", key="other", kind="step", due_at=NOW + 2 * DAY))
    world.add(Task(**task, id="t-3", key="late", kind="step", due_at=NOW - DAY))
    options = {"trial": {"kind": "trial", "summary": "s", "days": 30}}
    for own, ends in (("o-1", NOW + 3 * DAY), ("o-2", NOW + 40 * DAY)):
        world.add(
            Offer(
                **shared,
                id=own,
                step=own,
                options=options,
                valid_for=3 * DAY,
                state="seen",
                offered_at=NOW,
                valid_until=ends,
                seen_at=NOW,
            )
        )


def test_drafts_tasks_and_offers_have_their_deadlines(world: World) -> None:
    _with_deadlines(world)
    found = asked(world)
    entries = {one.id: one for day in found.days for one in day.entries}
    assert "step:i-1/executive_email" not in entries, "its draft waits already"
    assert entries["draft:d-1"].recipient == "Omar Staff"
    assert entries["task:t-2"].at == NOW + 2 * DAY
    assert "task:t-1" not in entries, "the draft has an entry of its own"
    assert "task:t-3" not in entries, "overdue is in no day"
    assert entries["offer:o-1"].title == "the offer ends: trial of 30 days"
    assert "offer:o-2" not in entries
    omar = next(one for one in found.load if one.staff_id == "omar")
    assert (omar.tasks, omar.overdue, omar.drafts) == (1, 1, 1)
    assert {one.id for day in asked(world, owner="omar").days for one in day.entries} == {
        "draft:d-1",
        "task:t-2",
    }


def test_others_see_none_of_it_and_odd_questions_are_refused(world: World) -> None:
    with world.store.read() as session:
        with pytest.raises(NotFoundError):
            calendar(session, "another", NOW)
        with pytest.raises(InputError):
            calendar(session, world.organisation, NOW, days=0)
        assert calendar(session, world.organisation, NOW, playbook="at_risk").total == 0
        assert calendar(session, world.organisation, NOW, owner="omar").total == 0


def test_many_interventions_take_few_statements(store: Store) -> None:
    world = World(store)
    owners = staff_of(world, 10)
    customers = customers_of(world, 400, owners)
    open_for(world, customers, owners)
    tasks_for(world, customers, owners)
    with statements(store) as first:
        few = asked(world, limit=20)
    more = customers_of(world, 400, owners, first=400)
    open_for(world, more, owners)
    with statements(store) as second:
        many = asked(world, limit=20)
    assert many.total > 1.5 * few.total > 600
    assert many.more
    assert sum(len(day.entries) for day in many.days) == 20
    assert len(second) < len(first) + 20, "statements go by parts of 500, not by interventions"
