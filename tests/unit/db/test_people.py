"""Who is away, who stands in, and how work follows the people."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import select

from keepwell.contracts.alerts import MonitorCall
from keepwell.contracts.playbook import Audience, Sender
from keepwell.contracts.tasks import TaskOutcome
from keepwell.db.engine import Store
from keepwell.db.repositories.absences import add_absence, away_at, withdraw_absence
from keepwell.db.repositories.alert_rules import set_rules
from keepwell.db.repositories.monitor import MonitorRepository
from keepwell.db.repositories.reassigning import reassign_customer
from keepwell.db.repositories.tasks import close_task, comment_on, move_due, snooze_task
from keepwell.db.repositories.team import sender_staff, staff_for, standing_in, standing_words
from keepwell.db.repositories.views_work import tasks
from keepwell.db.tables import Alert, Customer, Event, Intervention, PendingCommand, Staff, Task
from keepwell.errors import InputError, RefusedError
from tests.unit.db.world import CARD, DAY, NOW, World

TODAY = NOW.date()
HOUR = timedelta(hours=1)


@pytest.fixture
def world(store: Store) -> World:
    """Dana's customer is in trouble; Omar is her deputy, Lou leads, Eve is the executive."""
    made = World(store)
    made.staff("dana", deputy="omar", manager_id=None)
    made.staff("omar")
    made.staff("lou", role="lead")
    made.staff("eve", role="executive")
    made.customer("acme", owner_id="dana")
    made.score("acme", 10, NOW)
    made.intervention("i-1", "acme", owner_id="dana")
    return made


def away(world: World, who: str, first: int = 0, last: int = 3, cover: str | None = None) -> str:
    """Enter an absence, in days from today."""
    with world.store.write() as session:
        other = session.get_one(Staff, cover) if cover else None
        row = add_absence(
            session,
            session.get_one(Staff, who),
            TODAY + first * DAY,
            TODAY + last * DAY,
            cover=other,
            reason="a holiday",
            by="lou",
            now=NOW,
        )
        return row.id


def stands_in(world: World, who: str, at: datetime = NOW) -> str:
    with world.store.read() as session:
        return standing_in(session, session.get_one(Staff, who), at).id


def meant(world: World, audience: Audience, at: datetime = NOW) -> str | None:
    with world.store.read() as session:
        found = staff_for(session, session.get_one(Intervention, "i-1"), audience, at)
        return found.id if found else None


def task(world: World, key: str = "t-1", **values: object) -> str:
    row = {"title": f"Task {key}", "due_at": NOW + DAY, "created_at": NOW, "owner_id": "dana", **values}
    world.add(
        Task(id=key, key=key, organisation_id="org-1", customer_id="acme", kind="step", **row)  # type: ignore[arg-type]  # plain columns
    )
    return key


def row_of(world: World, key: str = "t-1") -> Task:
    with world.store.read() as session:
        return session.get_one(Task, key)


def look(world: World, at: datetime) -> None:
    found = MonitorRepository(world.store).look(MonitorCall(organisation="org-1", as_of=at))
    assert found.failed == 0


def lines(world: World, kind: str) -> list[str]:
    with world.store.read() as session:
        query = select(Event).where(Event.kind == kind).order_by(Event.id)
        return [f"{one.text} | {one.why}" for one in session.exec(query).all()]


def alerts(world: World) -> list[Alert]:
    with world.store.read() as session:
        query = select(Alert).where(Alert.trigger == "deadline_missed").order_by(Alert.id)
        return list(session.exec(query).all())


def test_who_stands_in_is_the_named_cover_else_the_deputy_else_the_lead(world: World) -> None:
    assert stands_in(world, "dana") == "dana"
    away(world, "dana", cover="eve")
    assert stands_in(world, "dana") == "eve"
    assert stands_in(world, "dana", NOW + 4 * DAY) == "dana"
    away(world, "dana", first=5, last=6)
    assert stands_in(world, "dana", NOW + 5 * DAY) == "omar"
    away(world, "omar", first=5, last=5)
    assert stands_in(world, "dana", NOW + 5 * DAY) == "lou"
    assert stands_in(world, "dana", NOW + 6 * DAY) == "omar"


def test_a_circle_ends_at_a_lead_who_is_there(world: World) -> None:
    away(world, "dana", cover="omar")
    away(world, "omar", cover="dana")
    assert stands_in(world, "dana") == stands_in(world, "omar") == "lou"
    away(world, "lou", cover="dana")
    assert stands_in(world, "dana") == "eve"
    away(world, "eve", cover="dana")
    # Nobody is there; somebody has to be told all the same.
    assert stands_in(world, "dana") == "lou"


def test_days_are_days_on_the_clock_of_who_is_away(world: World) -> None:
    world.change(Staff, "dana", time_zone="Asia/Tokyo")
    away(world, "dana", first=1, last=1, cover="eve")
    # 22 November in Tokyo is from 15:00 UTC on the 21st to 15:00 UTC on the 22nd.
    begins = datetime(2026, 11, 21, 15, tzinfo=UTC)
    moments = (begins - HOUR, begins, begins + 23 * HOUR, begins + 24 * HOUR)
    assert [stands_in(world, "dana", at) for at in moments] == ["dana", "eve", "eve", "dana"]
    with world.store.read() as session:
        assert [one.id for one in away_at(session, "org-1", begins)] == ["dana"]
        assert away_at(session, "org-1", begins - HOUR) == []


def test_what_makes_no_sense_is_refused_and_stores_nothing(world: World) -> None:
    away(world, "dana", first=2, last=4)
    for first, last, cover, error, words in (
        (4, 6, None, RefusedError, "is away from 2026-11-23 until 2026-11-25 already"),
        (8, 7, None, InputError, "before it begins"),
        (8, 9, "dana", InputError, "cannot cover for"),
        (-9, -8, None, InputError, "is past"),
        (8, 900, None, InputError, "more than two years"),
    ):
        with pytest.raises(error, match=words):
            away(world, "dana", first=first, last=last, cover=cover)
    assert len(lines(world, "staff.absent")) == 1


def test_a_withdrawn_absence_counts_no_more(world: World) -> None:
    absence = away(world, "dana")
    with world.store.write() as session:
        withdraw_absence(session, absence, "lou", NOW)
    assert stands_in(world, "dana") == "dana"
    away(world, "dana", cover="eve")
    with world.store.write() as session, pytest.raises(RefusedError, match="was withdrawn at"):
        withdraw_absence(session, absence, "lou", NOW)


def test_every_audience_and_sender_is_stood_in_for(world: World) -> None:
    assert [meant(world, one) for one in (Audience.OWNER, Audience.COVER, Audience.LEAD)] == [
        "dana",
        "omar",
        "lou",
    ]
    away(world, "dana", cover="omar")
    # Omar acts as the owner, and has no deputy: his cover is the lead.
    assert [meant(world, one) for one in (Audience.OWNER, Audience.COVER)] == ["omar", "lou"]
    away(world, "lou", cover="eve")
    assert meant(world, Audience.LEAD) == "eve"
    world.staff("fay", role="executive")
    away(world, "eve")
    assert meant(world, Audience.EXECUTIVE) == "fay"
    with world.store.read() as session:
        run = session.get_one(Intervention, "i-1")
        sender = sender_staff(session, run, Sender.OWNER, NOW)
        assert sender is not None
        assert sender.id == "omar"
        assert standing_words(session, run, sender, NOW) == ("for Dana Staff, who is away until 24 November")
        assert standing_words(session, run, session.get_one(Staff, "dana"), NOW) == ""


def test_a_lead_who_covers_is_not_told_of_their_own_silence(world: World) -> None:
    away(world, "dana", cover="lou")
    assert meant(world, Audience.OWNER) == "lou"
    assert meant(world, Audience.LEAD) == "eve"


def test_open_tasks_go_to_the_cover_and_come_back(world: World) -> None:
    task(world)
    task(world, "t-2", state="done")
    away(world, "dana", first=1, last=2, cover="omar")
    look(world, NOW)
    assert row_of(world).owner_id == "dana"
    look(world, NOW + DAY)
    held = row_of(world)
    assert (held.owner_id, held.for_id) == ("omar", "dana")
    away(world, "omar", first=2, last=2, cover="eve")
    look(world, NOW + 2 * DAY)
    assert (row_of(world).owner_id, row_of(world).for_id) == ("eve", "dana")
    look(world, NOW + 2 * DAY + HOUR)
    look(world, NOW + 3 * DAY)
    assert (row_of(world).owner_id, row_of(world).for_id) == ("dana", None)
    assert row_of(world, "t-2").owner_id == "dana"
    assert lines(world, "task.moved") == [
        "Task t-1: now with Omar Staff | for Dana Staff, who is away until 23 November",
        "Task t-1: now with Eve Staff | for Dana Staff, who is away until 23 November",
        "Task t-1: now with Dana Staff | Dana Staff is there again",
    ]
    with world.store.read() as session:
        assert session.get_one(Customer, "acme").owner_id == "dana"


def test_tasks_of_who_has_left_go_to_the_lead(world: World) -> None:
    task(world)
    world.change(Staff, "dana", active=False)
    look(world, NOW)
    assert (row_of(world).owner_id, row_of(world).for_id) == ("lou", None)
    assert lines(world, "task.moved") == ["Task t-1: now with Lou Staff | Dana Staff has left"]


def test_a_missed_deadline_is_one_alert_and_over_with_the_task(world: World) -> None:
    task(world, intervention_id="i-1", step="phone_call")
    look(world, NOW + DAY)
    assert alerts(world) == []
    look(world, NOW + DAY + HOUR)
    look(world, NOW + DAY + 2 * HOUR)
    (alert,) = alerts(world)
    assert (alert.severity, alert.state, alert.decision) == ("critical", "open", "none")
    assert alert.words == "“Task t-1” (Dana Staff) was due 22 Nov 2026 09:00 UTC and is not done"
    assert row_of(world).overdue_alert == alert.id
    world.change(Task, "t-1", state="done", closed_by="dana")
    look(world, NOW + 2 * DAY)
    (alert,) = alerts(world)
    assert (alert.state, alert.closed_why) == ("closed", "the task is done by dana")


@pytest.mark.parametrize("still", [{"paused": True}, {"held_why": "the customer is at risk"}])
def test_the_time_to_approve_stands_still_with_the_playbook(world: World, still: dict[str, object]) -> None:
    for key, kind in (("t-1", "approval"), ("t-2", "step")):
        task(world, key, intervention_id="i-1")
        world.change(Task, key, kind=kind)
    world.change(Intervention, "i-1", **still)
    look(world, NOW + 2 * DAY)
    assert [one.subject for one in alerts(world)] == ["t-2"], "a call is due whatever its playbook does"
    world.change(Intervention, "i-1", paused=False, held_why="")
    look(world, NOW + 2 * DAY)
    assert [one.subject for one in alerts(world)] == ["t-2", "t-1"]


def test_a_snooze_keeps_the_deadline_and_moving_it_takes_a_reason(world: World) -> None:
    task(world)
    with world.store.write() as session:
        snooze_task(session, "t-1", NOW + 3 * DAY, "dana", NOW)
    with world.store.read() as session:
        found = tasks(session, "org-1", NOW)
        assert (found.total, found.asleep) == (0, 1)
        assert tasks(session, "org-1", NOW, snoozed=True).tasks[0].snoozed
        # Overdue, it is there again, snoozed or not.
        assert tasks(session, "org-1", NOW + DAY + HOUR).total == 1
    look(world, NOW + DAY + HOUR)
    assert [one.state for one in alerts(world)] == ["open"]
    with world.store.write() as session:
        with pytest.raises(InputError, match="with a reason"):
            move_due(session, "t-1", NOW + 5 * DAY, " ", "dana", NOW)
        move_due(session, "t-1", NOW + 5 * DAY, "they are at a fair", "dana", NOW + DAY + HOUR)
    assert [one.state for one in alerts(world)] == ["closed"]
    look(world, NOW + 4 * DAY)
    assert len(alerts(world)) == 1
    look(world, NOW + 6 * DAY)
    assert [one.state for one in alerts(world)] == ["closed", "open"]


def test_who_wants_no_such_alerts_gets_none(world: World) -> None:
    with world.store.write() as session:
        set_rules(session, "org-1", CARD, {"deadline_missed": "off"})
    task(world)
    look(world, NOW + 2 * DAY)
    assert alerts(world) == []


def test_closing_a_task_says_what_came_of_it(world: World) -> None:
    task(world, intervention_id="i-1")
    look(world, NOW + 2 * DAY)
    with world.store.write() as session:
        comment_on(session, "t-1", "They are in Rome until Monday", "omar", NOW)
        row, told = close_task(session, "t-1", TaskOutcome.LEFT_MESSAGE, "voicemail", "dana", NOW + 2 * DAY)
        assert (row.state, row.outcome, told) == ("done", "left_message", False)
    assert [one.state for one in alerts(world)] == ["closed"]
    with world.store.write() as session, pytest.raises(RefusedError, match="is done by dana already"):
        close_task(session, "t-1", TaskOutcome.DONE, "", "dana", NOW)
    with world.store.read() as session:
        (line,) = tasks(session, "org-1", NOW, everything=True).tasks
        assert [one.text for one in line.comments] == ["They are in Rome until Monday"]
    assert lines(world, "task.closed") == ["Task t-1 | left message: voicemail"]


def test_reassigning_a_customer_carries_everything_along(world: World) -> None:
    task(world)
    task(world, "t-2", owner_id="omar", for_id="dana")
    task(world, "t-3", owner_id="lou")
    away(world, "eve", cover="lou")
    with world.store.write() as session:
        assert reassign_customer(session, "acme", session.get_one(Staff, "eve"), "lou", NOW) == 2
    moved = {key: (row_of(world, key).owner_id, row_of(world, key).for_id) for key in ("t-1", "t-2", "t-3")}
    assert moved == {"t-1": ("lou", "eve"), "t-2": ("lou", "eve"), "t-3": ("lou", None)}
    with world.store.read() as session:
        assert session.get_one(Customer, "acme").owner_id == "eve"
        assert session.get_one(Intervention, "i-1").owner_id == "eve"
        (command,) = session.exec(select(PendingCommand)).all()
        assert (command.intervention_id, command.command["kind"]) == ("i-1", "reassign")


def test_a_hundred_thousand_open_tasks_do_not_slow_the_pass(sqlite_store: Store) -> None:
    world = World(sqlite_store)
    world.staff("dana")
    world.customer("acme", owner_id="dana")
    with world.store.write() as session:
        session.connection().execute(
            Task.__table__.insert(),  # type: ignore[attr-defined]  # SQLModel has it at run time
            [
                {
                    "id": f"task-{n}",
                    "key": f"task-{n}",
                    "organisation_id": "org-1",
                    "customer_id": "acme",
                    "kind": "step",
                    "title": "x",
                    "owner_id": "dana",
                    "due_at": NOW + DAY,
                    "created_at": NOW,
                }
                for n in range(100_000)
            ],
        )
    # Computing time: SQLite works in this thread, and what else the machine does makes no difference.
    began = time.thread_time()
    look(world, NOW)
    quiet = time.thread_time() - began
    assert quiet < 2.0, f"a pass in which nothing is overdue took {quiet:.2f} s"


def test_absences_of_other_days_say_so(world: World) -> None:
    away(world, "dana", first=40, last=45)
    assert stands_in(world, "dana", NOW + 41 * DAY) == "omar"
    with world.store.read() as session:
        run = session.get_one(Intervention, "i-1")
        words = standing_words(session, run, session.get_one(Staff, "omar"), NOW + 39 * DAY + 24 * HOUR)
    assert words == "for Dana Staff, who is away until 5 January 2027"
    assert date(2027, 1, 5) == TODAY + 45 * DAY
