"""One customer's timeline, on both engines: from every source, in order, page by page, each line once."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from keepwell.db.engine import Store
from keepwell.db.repositories import journal
from keepwell.db.repositories.views_customer_lines import CustomerTimeline, HistoryLine, LineKind
from keepwell.db.repositories.views_customer_plan import customer_plan
from keepwell.db.repositories.views_customer_timeline import customer_timeline
from keepwell.db.tables import Delivery, Intervention, Offer, OutboxMessage, Task
from keepwell.errors import InputError, NotFoundError
from keepwell.keys import new_id
from tests.unit.db.busy_world import put
from tests.unit.db.test_calendar import open_critical
from tests.unit.db.world import DAY, NOW, World

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def world(store: Store) -> World:
    """A customer in New York with an open critical intervention that has sent a message."""
    world = World(store)
    world.staff("lena", role="lead")
    world.staff("dana", manager_id="lena")
    world.customer("acme", owner_id="dana", time_zone="America/New_York")
    world.contact("ann", "acme", role="primary")
    open_critical(world)
    return world


def read(world: World, **how: Any) -> CustomerTimeline:
    """A page of the timeline."""
    with world.store.read() as session:
        return customer_timeline(session, world.organisation, "acme", NOW, **how)


def every(world: World, **how: Any) -> list[HistoryLine]:
    """All pages."""
    lines: list[HistoryLine] = []
    before = None
    while True:
        page = read(world, before=before, **how)
        lines += page.lines
        before = page.next
        if before is None:
            return lines


def tell(world: World, kind: str, at: datetime, **values: Any) -> None:
    """A line of the journal."""
    line = {"text": f"{kind} happened", "customer": "acme", "key": new_id(), **values}
    with world.store.write() as session:
        journal.write(session, organisation=world.organisation, kind=kind, at=at, **line)


def sent(world: World, step: str = "executive_email") -> None:
    """A message of a step that has arrived."""
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
            recipient_name="Ann Person",
            address="ann@customer.example",
            subject="Can we talk?",
            state="delivered",
            planned_at=NOW,
            accepted_at=NOW,
            delivered_at=NOW,
            updated_at=NOW,
        )
    )
    world.add(
        OutboxMessage(
            id="out-1",
            organisation_id=world.organisation,
            customer_id="acme",
            key=f"k/{step}",
            channel="email",
            recipient_name="Ann Person",
            address="ann@customer.example",
            sender_name="Dana",
            sender_address="dana@brightdesk.example",
            subject="Can we talk?",
            text="Dear Ann",
            accepted_at=NOW,
        )
    )


def test_lines_say_what_they_are_about_as_it_stands_now(world: World) -> None:
    sent(world)
    own = {"intervention": "i-1"}
    step = {"step": "executive_email", "delivery": "k/executive_email"}
    tell(world, "intervention.began", NOW - 3 * HOUR, why="CRITICAL", **own)
    tell(world, "delivery.accepted", NOW - 2 * HOUR, why="the executive writes", data=step, **own)
    tell(world, "delivery.delivered", NOW - 2 * HOUR + MINUTE, data=step, by="sendgrid", **own)
    tell(world, "task.step", NOW - HOUR, data={"step": "csm_call"}, **own)
    tell(world, "command.pause", NOW - 30 * MINUTE, by="Dana", **own)
    tell(world, "contact.replied", NOW - 20 * MINUTE, by="customer", data={"letter": "l-1"}, **own)
    world.add(
        Task(
            id="t-1",
            key="i-1/csm_call",
            organisation_id=world.organisation,
            customer_id="acme",
            intervention_id="i-1",
            step="csm_call",
            kind="step",
            title="Call them",
            owner_id="dana",
            due_at=NOW + DAY,
            created_at=NOW,
        )
    )
    found = read(world).lines
    assert [one.event for one in found] == [
        "contact.replied",
        "command.pause",
        "task.step",
        "delivery.accepted",
        "intervention.began",
    ]
    replied, paused, task, message, began = found
    assert (replied.kind, replied.doer, replied.letter) == (LineKind.ANSWER, "customer", "l-1")
    assert (paused.kind, paused.doer, paused.by) == (LineKind.COMMAND, "person", "Dana")
    assert task.task is not None
    assert (task.task.title, task.task.owner, task.state) == ("Call them", "Dana Staff", "open")
    assert message.message is not None
    assert (message.message.subject, message.message.state, message.message.message) == (
        "Can we talk?",
        "delivered",
        "out-1",
    )
    assert message.why == "the executive writes"
    assert {one.workflow_id for one in found} == {"risk/org-1/acme"}
    assert {one.playbook for one in found} == {"critical@3"}
    assert (began.kind, began.doer) == (LineKind.INTERVENTION, "engine")


def test_what_a_customer_did_is_one_line_a_day_of_its_own_zone(world: World) -> None:
    evening = datetime.fromisoformat("2026-11-20T23:30:00-05:00")
    world.did(
        "acme", *((("login", evening - number * MINUTE)) for number in range(14)), ("page_view", evening)
    )
    world.did("acme", ("login", evening + HOUR))
    late, early = read(world, kinds=[LineKind.ENGAGEMENT]).lines
    assert early.activity is not None
    assert late.activity is not None
    assert early.title == "14 × login, 1 × page view"
    assert early.activity.day.isoformat() == "2026-11-20"
    assert (early.activity.total, early.activity.last_at) == (15, evening)
    assert (late.activity.day.isoformat(), late.activity.total) == ("2026-11-21", 1)
    assert early.doer == "customer"


def test_scores_that_moved_are_told_and_small_steps_are_not(world: World) -> None:
    for days, points in ((9, 82.0), (8, 80.0), (7, 60.0), (6, 58.0), (5, 70.0)):
        world.score("acme", points, NOW - days * DAY)
    told = [one for one in read(world, kinds=[LineKind.SCORE]).lines if one.event == "score"]
    assert [one.title for one in told] == [
        "Score rose from 58.0 to 70.0",
        "Score fell from 80.0 to 60.0",
        "First score: 82.0",
    ]
    assert told[1].score is not None
    assert (told[1].score.before, told[1].score.score) == (80.0, 60.0)


def test_pages_hold_every_line_once_whatever_their_size(world: World) -> None:
    """Lines of all sources, many of one moment, read in pages of several sizes."""
    draw = random.Random(7)
    moments = [NOW - draw.randrange(60) * DAY - draw.randrange(3) * HOUR for _ in range(150)]
    lines = [
        {
            **journal.line(
                key=new_id(),
                organisation=world.organisation,
                kind=draw.choice(("task.closed", "alert.raised", "offer.made")),
                text=f"line {number}",
                customer="acme",
                at=at,
            )
        }
        for number, at in enumerate(moments)
    ]
    put(world.store, "event", lines)
    midnights = [NOW - NOW.hour * HOUR - number * DAY + 5 * HOUR for number in range(70)]
    world.did("acme", *(("login", at) for at in [*moments, *midnights]))
    for days in range(70, 0, -1):
        world.score("acme", draw.choice((30.0, 55.0, 90.0)), NOW - days * DAY)
    whole = every(world, limit=200)
    assert len({one.id for one in whole}) == len(whole)
    assert {one.kind for one in whole} >= {LineKind.SCORE, LineKind.ENGAGEMENT, LineKind.TASK}
    assert sum(one.title.startswith("line ") for one in whole) == 150
    assert [one.at for one in whole] == sorted((one.at for one in whole), reverse=True)
    total = sum(one.activity.total for one in whole if one.activity is not None)
    assert total == 220
    for limit in (1, 7, 50):
        assert [one.id for one in every(world, limit=limit)] == [one.id for one in whole]
    tasks = every(world, kinds=[LineKind.TASK], limit=4)
    assert [one.id for one in tasks] == [one.id for one in whole if one.kind is LineKind.TASK]


def test_a_line_that_comes_between_two_pages_changes_neither(world: World) -> None:
    for number in range(6):
        tell(world, "task.closed", NOW - number * HOUR, text=f"line {number}")
    first = read(world, limit=3)
    tell(world, "task.closed", NOW + HOUR, text="later")
    world.did("acme", ("login", NOW))
    second = read(world, limit=4, before=first.next)
    titles = [one.title for one in (*first.lines, *second.lines)]
    # A day's activity stands where the day begins in New York, below the lines of that day.
    assert titles == ["line 0", "line 1", "line 2", "line 3", "line 4", "1 × login", "line 5"]


def test_the_plan_stands_on_the_first_page_alone(world: World) -> None:
    for number in range(3):
        tell(world, "task.closed", NOW - number * HOUR)
    page = read(world, limit=2)
    assert page.plan is not None
    (one,) = page.plan.interventions
    assert (one.dated, one.stands) == (True, "")
    planned = {line.id: line for line in one.lines}
    email = planned["step:i-1/executive_email"]
    assert email.planned
    assert email.title == "email to the primary contact (Ann Person)"
    assert (email.kind, email.workflow_id) == (LineKind.MESSAGE, "risk/org-1/acme")
    assert planned["close:i-1"].title.startswith("ends, if nobody has answered")
    assert [line.at for line in one.lines] == sorted(line.at for line in one.lines)
    assert read(world, limit=2, before=page.next).plan is None


def test_the_plan_says_why_a_clock_stands(world: World) -> None:
    world.add(
        Offer(
            id="o-1",
            organisation_id=world.organisation,
            customer_id="acme",
            intervention_id="i-1",
            step="offer",
            options={"trial": {"kind": "trial", "summary": "s", "days": 30}},
            valid_for=DAY,
            state="offered",
            offered_at=NOW,
            valid_until=NOW + DAY,
        )
    )
    world.change(Intervention, "i-1", paused=True, paused_at=NOW, paused_until=NOW + DAY, pause_reason="away")
    with world.store.read() as session:
        (one,) = customer_plan(session, world.organisation, "acme", NOW).interventions
    assert one.stands == "paused until 22 Nov 2026 09:00 UTC: away"
    assert one.dated
    by_id = {line.id: line for line in one.lines}
    assert by_id["resume:i-1"].at == NOW + DAY
    assert by_id["offer:o-1"].title == "the offer ends, if nobody decides: trial of 30 days"
    world.change(
        Intervention, "i-1", paused=False, paused_until=None, held_why="a risk playbook runs", held_at=NOW
    )
    with world.store.read() as session:
        (one,) = customer_plan(session, world.organisation, "acme", NOW).interventions
    assert (one.stands, one.dated) == ("a risk playbook runs", False)


def test_other_organisations_and_odd_cursors(world: World) -> None:
    with world.store.read() as session:
        for organisation, customer in (("another", "acme"), (world.organisation, "nobody")):
            with pytest.raises(NotFoundError):
                customer_timeline(session, organisation, customer, NOW)
            with pytest.raises(NotFoundError):
                customer_plan(session, organisation, customer, NOW)
    for odd in ("x", "WzEsMiwzXQ", "WyJ5ZXN0ZXJkYXkiLDEsIngiXQ"):
        with pytest.raises(InputError):
            read(world, before=odd)


def test_a_customer_of_whom_nothing_is_known_has_an_empty_page(world: World) -> None:
    world.customer("new")
    with world.store.read() as session:
        found = customer_timeline(session, world.organisation, "new", NOW)
        assert (found.lines, found.next) == ((), None)
