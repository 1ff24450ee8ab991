"""What a provider reports: kept once, the same whatever the order, each with its effect."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import SQLModel, col, delete, select

from keepwell.contracts.arrivals import Report, ReportKind, Taken
from keepwell.contracts.delivery import SANDBOX, Accepted
from keepwell.contracts.intervention import StepCall
from keepwell.contracts.people import Purpose
from keepwell.contracts.playbook import Audience, Channel, Send
from keepwell.db.engine import Store
from keepwell.db.repositories import suppressing, wishes
from keepwell.db.repositories.ledger import LedgerRepository
from keepwell.db.repositories.provider_events import ORDER, SHOWS, take
from keepwell.db.tables import (
    Contact,
    ContactPreference,
    Delivery,
    Event,
    InterventionStep,
    ProviderEvent,
    Suppression,
    Task,
)
from tests.unit.adapters.messages import email
from tests.unit.db.mailed import ADDRESS, STEP, by_hand, mailed, wrote
from tests.unit.db.world import NOW, World

K = ReportKind
LATER = NOW + timedelta(hours=1)


def report(key: str, kind: ReportKind, number: int = 0, **fields: Any) -> Report:
    given = {"provider": "sendgrid", "event_id": f"{kind.value}-{number}", "kind": kind, "key": key}
    return Report.model_validate({**given, "at": NOW + timedelta(minutes=number), "message": "abc"} | fields)


def rows(world: World, model: type[SQLModel], **where: Any) -> list[Any]:
    query = select(model)
    for name, value in where.items():
        query = query.where(col(getattr(model, name)) == value)
    with world.store.read() as session:
        return list(session.exec(query).all())


def message(world: World, key: str) -> Delivery:
    [row] = rows(world, Delivery, key=key)
    assert isinstance(row, Delivery)
    return row


def kinds_told(world: World) -> list[str]:
    return sorted(row.kind for row in rows(world, Event) if row.kind.startswith("delivery."))


def test_a_report_is_kept_once(store: Store) -> None:
    world, key = mailed(store)
    first = report(key, K.DELIVERED)
    assert take(store, [first, first], LATER) == Taken(new=1, repeated=1)
    assert take(store, [first, report(key, K.OPENED)], LATER) == Taken(new=1, repeated=1)
    assert {row.effect for row in rows(world, ProviderEvent)} == {
        "accepted → delivered; told",
        "opened, told",
    }
    assert kinds_told(world) == ["delivery.delivered", "delivery.opened"]
    row = message(world, key)
    assert (row.state, row.delivered_at, row.opened_at) == ("delivered", NOW, NOW)


def test_a_report_of_no_message_of_ours_is_kept_without_effect(store: Store) -> None:
    world, key = mailed(store)
    strangers = [report("", K.BOUNCED), report("org-1/other/x@1/y/z/email", K.COMPLAINED)]
    assert take(store, strangers, LATER) == Taken(new=2)
    assert {(row.organisation_id, row.effect) for row in rows(world, ProviderEvent)} == {
        (None, "no message of ours")
    }
    assert message(world, key).state == "accepted"
    assert rows(world, Suppression) == []


ALL = (K.ACCEPTED, K.DELAYED, K.DELIVERED, K.BOUNCED, K.OPENED)


def picture(world: World, key: str) -> tuple[Any, ...]:
    """Everything that must not depend on the order."""
    row = message(world, key)
    [step] = rows(world, InterventionStep, name=row.step)
    return (
        row.state,
        row.accepted_at,
        row.delivered_at,
        row.opened_at,
        row.clicked_at,
        step.state,
        sorted(one.kind for one in rows(world, Event) if one.data.get("delivery") == key),
        [one.state for one in rows(world, Task, step=row.step)],
        [one.lifted_at for one in rows(world, Suppression, address=row.address)],
        sorted((one.purpose, one.wanted) for one in rows(world, ContactPreference)),
    )


def after(world: World, state: str, reports: Sequence[Report]) -> tuple[Any, ...]:
    """The picture of a new message after these reports, which come one by one."""
    number = len(rows(world, Delivery))
    key = wrote(
        world,
        "one",
        "pat",
        state=state,
        step="held",
        name=f"step-{number}",
        address=f"pat-{number}@acme.example",
    )
    with world.store.write() as session:
        session.connection().execute(delete(ContactPreference))
    for one in reports:
        own = one.model_copy(update={"key": key, "event_id": f"{number}/{one.event_id}"})
        take(world.store, [own], LATER)
    return picture(world, key)


def test_every_order_comes_to_the_same(sqlite_store: Store) -> None:
    world, _ = mailed(sqlite_store)
    reports = [report("", kind, number) for number, kind in enumerate(ALL)]
    seen = [after(world, "unknown", order) for order in permutations(reports)]
    assert len(seen) == 120
    assert all(one == seen[0] for one in seen)
    assert seen[0][0] == "bounced"
    assert seen[0][6] == [
        "delivery.accepted",
        "delivery.bounced",
        "delivery.delayed",
        "delivery.delivered",
        "delivery.opened",
    ]


@pytest.fixture
def world_for_many(sqlite_store: Store) -> World:
    return mailed(sqlite_store)[0]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_reports_in_any_order_and_twice(world_for_many: World, data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(list(ReportKind)), min_size=1, max_size=6))
    reports = [report("", kind, number) for number, kind in enumerate(kinds)]
    orders = (reports, data.draw(st.permutations(reports)), [*reversed(reports), *reports])
    seen = [after(world_for_many, "unknown", order) for order in orders]
    if K.DROPPED in kinds:
        # A step that was done and then was not: the task for it is of one kind or of the other.
        assert all("open" in one[7] or one[0] != "failed" for one in seen)
        seen = [one[:5] + one[8:] for one in seen]
    assert seen[0] == seen[1] == seen[2]
    shown = [SHOWS[kind] for kind in kinds if kind in SHOWS]
    assert seen[0][0] == (max(shown, key=ORDER.index) if shown else "unknown")


@pytest.mark.parametrize("step", ["held", "missed", "planned", "deferred"])
@pytest.mark.parametrize("kind", [K.ACCEPTED, K.DELIVERED, K.OPENED])
@pytest.mark.parametrize("state", ["unknown", "sending", "planned", "failed"])
def test_a_late_acceptance_puts_everything_right(
    state: str, step: str, kind: ReportKind, sqlite_store: Store
) -> None:
    world, key = mailed(sqlite_store, state=state, step=step)
    by_hand(world)
    take(sqlite_store, [report(key, kind)], LATER)
    row = message(world, key)
    assert row.state == ("delivered" if kind is K.DELIVERED else "accepted")
    assert (row.provider, row.provider_id, row.lease) == ("sendgrid", "abc", "")
    [became] = rows(world, InterventionStep)
    assert (became.state, became.why) == ("done", "sent to Pat Person, as sendgrid reported")
    [task] = rows(world, Task)
    assert (task.state, task.closed_by) == ("withdrawn", "sendgrid")
    assert "delivery.accepted" in kinds_told(world)


def test_a_task_that_was_done_by_hand_stays_done(sqlite_store: Store) -> None:
    world, key = mailed(sqlite_store, state="unknown", step="held")
    by_hand(world)
    world.change(Task, "by-hand", state="done")
    take(sqlite_store, [report(key, K.ACCEPTED)], LATER)
    assert [task.state for task in rows(world, Task)] == ["done"]


def test_what_was_dropped_was_not_sent(sqlite_store: Store) -> None:
    """The step stays with the person who has it, and nobody gets a second task for the same."""
    world, key = mailed(sqlite_store, state="unknown", step="held")
    by_hand(world)
    take(sqlite_store, [report(key, K.DROPPED, why="Spam Content")], LATER)
    assert (message(world, key).state, message(world, key).reason) == ("failed", "Spam Content")
    assert [(task.id, task.state) for task in rows(world, Task)] == [("by-hand", "open")]
    assert [step.state for step in rows(world, InterventionStep)] == ["held"]
    assert rows(world, Suppression) == []


def test_a_hard_bounce_closes_the_address_and_somebody_acts(store: Store) -> None:
    world, key = mailed(store)
    why = "550 5.1.1 The email account does not exist"
    take(store, [report(key, K.BOUNCED, why=why), report(key, K.BOUNCED, 1)], LATER)
    assert (message(world, key).state, message(world, key).reason) == ("bounced", why)
    with store.read() as session:
        assert suppressing.suppressed(session, "org-1", [ADDRESS]) == {ADDRESS: f"bounced: {why}"}
    [task] = rows(world, Task)
    assert task.title == "Reach Pat Person at Acme another way: our email did not arrive"
    assert (task.owner_id, task.state, task.intervention_id) == ("dana", "open", "one")
    assert why in task.detail
    assert kinds_told(world) == ["delivery.bounced"]


@pytest.mark.parametrize("kind", [K.BLOCKED, K.DELAYED])
def test_what_may_work_another_time_closes_nothing(kind: ReportKind, sqlite_store: Store) -> None:
    world, key = mailed(sqlite_store)
    take(sqlite_store, [report(key, kind, why="421 try again")], LATER)
    assert rows(world, Suppression) == []
    assert len(rows(world, Task)) == (1 if kind is K.BLOCKED else 0)
    assert message(world, key).state == ("bounced" if kind is K.BLOCKED else "accepted")


@pytest.mark.parametrize(
    ("why", "reason"),
    [
        ("Bounced Address", "bounced"),
        ("Invalid", "invalid"),
        ("Spam Reporting Address", "complained"),
        ("Unsubscribed Address", "unsubscribed"),
        ("Recipient List over Package Quota", None),
        ("", None),
    ],
)
def test_why_it_was_dropped_says_whether_the_address_is_closed(
    why: str, reason: str | None, sqlite_store: Store
) -> None:
    world, key = mailed(sqlite_store)
    take(sqlite_store, [report(key, K.DROPPED, why=why)], LATER)
    assert [row.reason for row in rows(world, Suppression)] == ([reason] if reason else [])
    assert len(rows(world, Task)) == 1


def test_a_complaint_closes_the_address_and_is_told(store: Store) -> None:
    world, key = mailed(store)
    take(store, [report(key, K.COMPLAINED)], LATER)
    assert [(row.reason, row.address) for row in rows(world, Suppression)] == [("complained", ADDRESS)]
    assert "marked our email as spam" in rows(world, Task)[0].title
    assert message(world, key).state == "delivered"


def test_an_opt_out_of_a_group_is_of_the_messages_purpose(store: Store) -> None:
    world, key = mailed(store)
    take(store, [report(key, K.LEFT_GROUP)], LATER)
    with store.read() as session:
        assert wishes.unwanted(session, [session.get_one(Contact, "pat")]) == {"pat": (Purpose.ACCOUNT,)}
    assert rows(world, Suppression) == []
    take(store, [report(key, K.UNSUBSCRIBED)], LATER)
    assert [row.reason for row in rows(world, Suppression)] == ["unsubscribed"]
    by = {row.by for row in rows(world, Event) if row.kind.startswith("contact.")}
    assert by == {"customer"}


def test_a_report_from_before_somebody_lifted_the_suppression_says_nothing_new(sqlite_store: Store) -> None:
    world, key = mailed(sqlite_store)
    take(sqlite_store, [report(key, K.BOUNCED)], LATER)
    with sqlite_store.write() as session:
        suppressing.lift(session, "org-1", ADDRESS, by="dana", why="corrected", now=LATER)
    take(sqlite_store, [report(key, K.COMPLAINED, 5)], LATER)
    assert [row.lifted_at for row in rows(world, Suppression)] == [LATER]


def test_only_a_person_opens_and_the_first_time_counts(sqlite_store: Store) -> None:
    world, key = mailed(sqlite_store)
    take(sqlite_store, [report(key, K.OPENED_BY_MACHINE)], LATER)
    assert message(world, key).opened_at is None
    assert kinds_told(world) == []
    take(sqlite_store, [report(key, K.OPENED, 9), report(key, K.OPENED, 4), report(key, K.CLICKED, 6)], LATER)
    row = message(world, key)
    assert (row.opened_at, row.clicked_at) == (NOW + timedelta(minutes=4), NOW + timedelta(minutes=6))
    assert kinds_told(world) == ["delivery.clicked", "delivery.opened"]


def test_mail_to_staff_that_bounces_goes_to_somebody_else(sqlite_store: Store) -> None:
    world, key = mailed(
        sqlite_store, recipient_kind="staff", recipient_id="dana", recipient_name="Dana Staff"
    )
    take(sqlite_store, [report(key, K.BOUNCED)], LATER)
    assert [task.owner_id for task in rows(world, Task)] == ["lena"]
    assert rows(world, Suppression) == []


def the_call() -> StepCall:
    return StepCall(
        organisation="org-1",
        customer="acme",
        intervention="one",
        playbook="critical@1",
        step=Send(
            name=STEP,
            why="They have to hear from us",
            channel=Channel.EMAIL,
            to=Audience.PRIMARY_CONTACT,
            template="email/critical/executive_email",
            at=timedelta(),
        ),
        templates={},
        now=NOW,
    )


@pytest.mark.parametrize(("kind", "state"), [(K.DELIVERED, "delivered"), (K.DROPPED, "failed")])
def test_an_answer_that_comes_after_its_report_adds_what_the_report_lacks(
    kind: ReportKind, state: str, store: Store
) -> None:
    """The webhook may be faster than the answer to the attempt: also where it says that nothing was sent."""
    world, key = mailed(store, state="sending", step="planned", subject="")
    take(store, [report(key, kind)], LATER)
    call = the_call()
    accepted = Accepted(provider="sendgrid", provider_id="abc")
    LedgerRepository(store).accept(call, key, email(key=key), accepted)
    row = message(world, key)
    assert (row.state, row.subject) == (state, "Grüße: your plan")
    assert [step.state for step in rows(world, InterventionStep)] == ["done"]


def test_the_timeline_says_that_the_sandbox_sent_nothing(sqlite_store: Store) -> None:
    world, key = mailed(sqlite_store, state="sending", step="planned")
    LedgerRepository(sqlite_store).accept(
        the_call(), key, email(key=key), Accepted(provider=SANDBOX, provider_id="")
    )
    [told] = [row.text for row in rows(world, Event) if row.kind == "delivery.accepted"]
    assert told == f"{STEP}: email to Pat Person was checked by SendGrid and NOT sent (sandbox)"
    assert "NOT sent (sandbox)" in rows(world, InterventionStep)[0].why
