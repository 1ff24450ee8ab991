"""What needs a person today, on both engines: all kinds of it, whose it is, and in which order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from keepwell.db.engine import Store
from keepwell.db.repositories.views_today import today
from keepwell.db.repositories.views_today_lines import Need, NeedKind, Today
from keepwell.db.tables import (
    Absence,
    Alert,
    Customer,
    Delivery,
    Draft,
    InboundMessage,
    Intervention,
    InterventionStep,
    Offer,
    Organisation,
    Task,
)
from keepwell.errors import NotFoundError
from keepwell.keys import reply_key
from tests.unit.db.busy_world import customers_of, open_for, staff_of, tasks_for
from tests.unit.db.test_calendar import open_critical
from tests.unit.db.world import DAY, NOW, World
from workflows.critical import CRITICAL

HOUR = timedelta(hours=1)


@pytest.fixture
def world(store: Store) -> World:
    """Dana owns a critical customer and a small one that thrives; Omar is her deputy, Lena leads."""
    world = World(store)
    world.staff("lena", role="lead")
    world.staff("omar", manager_id="lena")
    world.staff("dana", manager_id="lena", deputy="omar")
    world.customer("acme", owner_id="dana", monthly_revenue=900.0, currency="EUR")
    world.customer("tiny", owner_id="dana", monthly_revenue=20.0, currency="EUR")
    world.score("acme", 12.0, NOW - DAY)
    world.score("tiny", 90.0, NOW - DAY)
    open_critical(world)
    first = next(step for step in CRITICAL.steps if step.kind == "escalate")
    world.change(Intervention, "i-1", started_at=NOW + 2 * HOUR - first.at)
    return world


def needs(world: World, **how: Any) -> Today:
    """What needs somebody now."""
    with world.store.read() as session:
        return today(session, world.organisation, NOW, **how)


def by_id(found: Today) -> dict[str, Need]:
    """The needs by their ids."""
    return {one.id: one for one in found.needs}


def task(world: World, own: str, **values: Any) -> None:
    """An open task of Dana's for acme, due in two hours."""
    row: dict[str, Any] = {
        "id": own,
        "key": own,
        "organisation_id": world.organisation,
        "customer_id": "acme",
        "kind": "step",
        "title": f"Task {own}",
        "owner_id": "dana",
        "due_at": NOW + 2 * HOUR,
        "created_at": NOW - HOUR,
        **values,
    }
    world.add(Task(**row))


def alert(world: World, own: str, **values: Any) -> None:
    """An open alert of acme's."""
    row: dict[str, Any] = {
        "id": own,
        "key": own,
        "organisation_id": world.organisation,
        "customer_id": "acme",
        "trigger": "inactivity",
        "severity": "warning",
        "words": "nobody has come by for 50 hours",
        "raised_at": NOW - HOUR,
        "due_at": NOW + DAY,
        **values,
    }
    world.add(Alert(**row))


def unknown(world: World, step: str) -> None:
    """A message of a step of which nobody knows whether it went out, with the task to find out."""
    world.add(
        Delivery(
            key=f"k/{step}",
            organisation_id=world.organisation,
            customer_id="acme",
            intervention_id="i-1",
            step=step,
            channel="email",
            recipient_id="ann",
            recipient_kind="contact",
            recipient_name="Ann",
            subject="Hello",
            state="unknown",
            reason="the provider cannot say",
            planned_at=NOW,
            updated_at=NOW,
        )
    )
    with world.store.write() as session:
        session.get_one(InterventionStep, ("i-1", step)).state = "held"
    task(world, f"by-hand-{step}", kind="fallback", intervention_id="i-1", step=step)


def offer(world: World, own: str, state: str) -> None:
    """An offer of the intervention's that ends in two days."""
    world.add(
        Offer(
            id=own,
            organisation_id=world.organisation,
            customer_id="acme",
            intervention_id="i-1",
            step=own,
            options={"trial": {"kind": "trial", "summary": "s", "days": 30}},
            valid_for=3 * DAY,
            state=state,
            offered_at=NOW - DAY,
            valid_until=NOW + 2 * DAY,
            seen_at=NOW - HOUR if state == "seen" else None,
        )
    )


def _one_of_each(world: World) -> None:
    """Each kind of what needs somebody, and beside it what looks alike and does not."""
    task(world, "t-1")
    task(world, "t-2", kind="reply", title="Read the answer", key=reply_key("<answer@customer.example>"))
    task(world, "t-3", kind="approval", key="draft/d-1", intervention_id="i-1")
    letter = InboundMessage(
        id="l-1",
        organisation_id=world.organisation,
        customer_id="acme",
        message_id="<answer@customer.example>",
        from_address="ann@customer.example",
        received_at=NOW - HOUR,
    )
    world.add(letter)
    world.add(
        Draft(
            id="d-1",
            organisation_id=world.organisation,
            customer_id="acme",
            intervention_id="i-1",
            step="executive_email",
            key="k",
            channel="email",
            recipient_id="ann",
            recipient_name="Ann",
            subject="Hello",
            text="t",
            created_at=NOW,
            decide_by=NOW + HOUR,
        )
    )
    alert(world, "a-1")
    alert(world, "a-2", trigger="deadline_missed", subject="t-1")
    alert(world, "a-3", state="acknowledged")
    unknown(world, "executive_email")
    offer(world, "o-1", "seen")
    offer(world, "o-2", "offered")


def test_each_kind_is_there_once_with_what_can_be_done(world: World) -> None:
    _one_of_each(world)
    found = needs(world)
    there = by_id(found)
    assert set(there) == {
        "escalation:i-1",
        "task:t-1",
        "reply:t-2",
        "draft:d-1",
        "alert:a-1",
        "delivery:k/executive_email",
        "offer:o-1",
    }
    assert found.counts == dict.fromkeys(NeedKind, 1)
    assert found.total == len(there)
    assert there["reply:t-2"].letter == "l-1"
    assert there["reply:t-2"].actions[0] == "open"
    assert there["draft:d-1"].actions[:3] == ("approve", "edit", "reject")
    assert there["draft:d-1"].due_at == NOW + HOUR
    assert there["alert:a-1"].actions == ("acknowledge_alert", "open")
    assert there["delivery:k/executive_email"].detail == "the provider cannot say"
    assert there["offer:o-1"].title == "Undecided: trial of 30 days"
    assert all(one.why and one.because and one.customer.name == "Acme" for one in found.needs)


def test_an_escalation_says_when_it_comes_and_whom_it_reaches(world: World) -> None:
    one = by_id(needs(world))["escalation:i-1"]
    assert one.escalates_to == "Omar Staff"
    assert one.title == "Escalates to Omar Staff"
    assert one.escalates_at == one.due_at == NOW + 2 * HOUR
    assert "acknowledge" in one.actions
    assert one.workflow_id == "risk/org-1/acme"
    world.change(Intervention, "i-1", shift=10 * DAY)
    assert needs(world).counts[NeedKind.ESCALATION] == 0, "a pause has made it later"
    world.change(Intervention, "i-1", shift=timedelta(), acknowledged_by="Dana")
    assert needs(world).counts[NeedKind.ESCALATION] == 0


def test_what_costs_more_by_waiting_comes_first_and_says_why(world: World) -> None:
    world.change(Intervention, "i-1", acknowledged_by="Dana")
    task(world, "late-tiny", customer_id="tiny", due_at=NOW - 3 * HOUR)
    task(world, "late", due_at=NOW - 3 * HOUR)
    task(world, "soon", due_at=NOW + 30 * timedelta(minutes=1))
    task(world, "soon-tiny", customer_id="tiny", due_at=NOW + 30 * timedelta(minutes=1))
    task(world, "far", due_at=NOW + 10 * DAY)
    found = needs(world)
    assert [one.ref for one in found.needs] == ["late", "soon", "late-tiny", "far", "soon-tiny"]
    assert [one.cost for one in found.needs] == [64.0, 48.0, 8.0, 8.0, 6.0]
    first = found.needs[0]
    assert first.overdue
    assert first.because == (
        "It is overdue by 3 h, the customer is critical, it is one of the largest customers here."
    )
    assert (first.customer.level, first.customer.monthly_revenue, first.customer.currency) == (
        "CRITICAL",
        900.0,
        "EUR",
    )
    assert found.overdue == 2


def test_counts_costs_and_reasons_are_the_same_when_only_some_kinds_are_shown(world: World) -> None:
    world.change(Intervention, "i-1", shift=10 * DAY)
    task(world, "call")
    task(world, "tiny", customer_id="tiny")
    alert(world, "a-tiny", customer_id="tiny")
    every, some = needs(world), needs(world, kinds=[NeedKind.TASK])
    assert some.counts == every.counts
    assert some.counts[NeedKind.ESCALATION] == 0, "a pause has made it later"
    told = {one.ref: (one.cost, one.because) for one in every.needs if one.kind is NeedKind.TASK}
    assert {one.ref: (one.cost, one.because) for one in some.needs} == told


def test_what_was_due_a_moment_ago_is_due_now(world: World) -> None:
    task(world, "call", due_at=NOW - timedelta(minutes=3))
    one = by_id(needs(world))["task:call"]
    assert (one.overdue, one.because.partition(",")[0]) == (True, "It is due now")


def test_what_was_snoozed_is_not_told_until_it_is_overdue(world: World) -> None:
    task(world, "asleep", snoozed_until=NOW + HOUR)
    task(world, "awake", snoozed_until=NOW - HOUR)
    task(world, "late", due_at=NOW - HOUR, snoozed_until=NOW + HOUR)
    assert {one.ref for one in needs(world, kinds=[NeedKind.TASK]).needs} == {"awake", "late"}


def test_everybody_sees_what_is_theirs_and_what_they_stand_in_for(world: World) -> None:
    task(world, "hers")
    task(world, "his", owner_id="omar")
    alert(world, "a-1")
    assert {one.id for one in needs(world, staff="dana").needs} == {
        "task:hers",
        "alert:a-1",
        "escalation:i-1",
    }
    assert {one.id for one in needs(world, staff="omar").needs} == {"task:his"}
    world.add(
        Absence(
            organisation_id=world.organisation,
            staff_id="dana",
            from_on=NOW.date(),
            until_on=NOW.date() + 3 * DAY,
            entered_by="Lena",
            entered_at=NOW,
        )
    )
    found = needs(world, staff="omar")
    assert {one.id for one in found.needs} == {"task:his", "task:hers", "alert:a-1", "escalation:i-1"}
    assert found.covers == ("Dana Staff",)
    assert needs(world, staff="lena").total == 0
    world.change(Customer, "acme", owner_id=None)
    assert {one.id for one in needs(world, staff="lena").needs} == {"alert:a-1"}, "nobody owns it"


def test_pages_by_kind_have_each_once(world: World) -> None:
    owners = staff_of_more(world)
    customers = customers_of(world, 120, owners)
    open_for(world, customers, owners)
    tasks_for(world, customers, owners)
    seen: list[str] = []
    offset: int | None = 0
    while offset is not None:
        page = needs(world, kinds=[NeedKind.TASK], limit=50, offset=offset)
        seen += [one.id for one in page.needs]
        offset = page.next
    assert len(seen) == len(set(seen)) == page.total == page.counts[NeedKind.TASK] == 120
    assert page.counts[NeedKind.ESCALATION] > 0, "counted, though not asked for"


@pytest.mark.parametrize("weighed", [1, 3, 500])
def test_all_are_counted_however_few_are_weighed(
    world: World, weighed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keepwell.db.repositories.views_today.PER_KIND", weighed)
    for number in range(3):
        task(world, f"t-{number}", due_at=NOW + (number - 1) * DAY)
    found = needs(world, kinds=[NeedKind.TASK])
    assert (found.counts[NeedKind.TASK], found.overdue, len(found.needs)) == (3, 1, min(weighed, 3))


def staff_of_more(world: World) -> list[str]:
    """CSMs beside Dana and Omar."""
    people = ["uma", "vic"]
    for one in people:
        world.staff(one, manager_id="lena")
    return people


def test_another_organisation_has_nothing_of_it(world: World) -> None:
    task(world, "t-1")
    home = world.organisation
    world.add(Organisation(id="other", key="other", name="Other Ltd", created_at=NOW))
    world.organisation = "other"
    assert needs(world).total == 0
    world.organisation = home
    with world.store.read() as session, pytest.raises(NotFoundError):
        today(session, "another", NOW)
    with world.store.read() as session, pytest.raises(NotFoundError):
        today(session, world.organisation, NOW, staff="stranger")


def test_what_is_done_needs_nobody(store: Store) -> None:
    world = World(store)
    owners = staff_of(world, 5)
    customers = customers_of(world, 50, owners)
    tasks_for(world, customers, owners, state="done")
    assert needs(world).total == 0
