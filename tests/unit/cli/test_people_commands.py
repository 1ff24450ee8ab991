"""`keepwell absences`, `keepwell tasks …` and `keepwell reassign --from`, as people type them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from keepwell.db.repositories.views_journal import events
from keepwell.db.tables import Customer, Intervention, Staff, Task
from tests.unit.cli.conftest import Begun, Cli
from tests.unit.db.world import DAY

HOUR = timedelta(hours=1)


def a_task(begun: Begun, key: str = "01TASKONE", **values: Any) -> str:
    now = datetime.now(UTC)
    row: dict[str, Any] = {
        "owner_id": "dana",
        "due_at": now + DAY,
        "title": "Call Mara",
        "detail": "Ring her.",
        **values,
    }
    begun.world.add(
        Task(
            id=key,
            key=key,
            organisation_id=begun.world.organisation,
            kind="step",
            created_at=now,
            **{"customer_id": begun.customer, **row},
        )
    )
    return key


def day(days: int) -> str:
    return str(datetime.now(UTC).date() + timedelta(days=days))


def test_an_absence_is_entered_listed_and_withdrawn(cli: Cli, begun: Begun) -> None:
    begun.world.staff("omar", name="Omar Haddad")
    assert "Nobody is away" in cli("absences").out
    added = cli("absences", "add", "dana", day(0), day(3), "--cover", "Omar", "--reason", "holiday")
    assert "Omar Haddad stands in." in added.out
    (line,) = cli("absences", "--json").json["absences"]
    assert (line["staff"], line["cover"], line["now"]) == ("Dana Reyes", "Omar Haddad", True)
    twice = cli("absences", "add", "dana", day(2), day(5))
    assert (twice.code, "already" in twice.err) == (4, True)
    own = cli("absences", "add", "dana", day(8), day(9), "--cover", "dana")
    assert (own.code, "cannot cover" in own.err) == (2, True)
    backwards = cli("absences", "add", "dana", day(9), day(8))
    assert (backwards.code, "before it begins" in backwards.err) == (2, True)
    assert "no day" in cli("absences", "add", "dana", "tomorrow", day(8)).err
    assert "away now" in cli("absences").out
    for command in ("customer", "intervention"):
        shown = cli(command, "acme").out
        assert "Dana Reyes (away until " in shown
        assert "; Omar Haddad stands in)" in shown
    assert "Withdrawn: Dana Reyes" in cli("absences", "withdraw", line["id"][-8:]).out
    assert cli("absences", "--json").json["absences"] == []
    assert "withdrawn" in cli("absences", "--all").out
    with begun.world.store.read() as session:
        kinds = [one.kind for one in events(session, begun.world.organisation, kind="staff")]
    assert kinds == ["staff.absent", "staff.absence_withdrawn"]


def test_a_task_is_snoozed_commented_moved_given_and_closed(cli: Cli, begun: Begun) -> None:
    task = a_task(begun)
    begun.world.staff("omar", name="Omar Haddad")
    assert "Call Mara" in cli("tasks").out
    late = cli("tasks", "snooze", task, "--until", "3d")
    assert "comes back then, with an alert" in late.out
    listed = cli("tasks")
    assert "Call Mara" not in listed.out
    assert "1 more is snoozed" in listed.out
    assert "snoozed until" in cli("tasks", "--all").out
    assert "in the list again" in cli("tasks", "snooze", task).out
    assert "1 comment" in cli("tasks", "comment", task, "She is in Rome", "--by", "omar").out
    assert "She is in Rome" in cli("tasks").out
    assert cli("tasks", "due", task, "--to", "4d", "--reason", " ").code == 2
    # What is too long is refused, and never cut without a word.
    long = cli("tasks", "comment", task, "x" * 2001)
    assert (long.code, "2,001 characters are too many: at most 2,000" in " ".join(long.err.split())) == (
        2,
        True,
    )
    assert cli("tasks", "due", task, "--to", "4d", "--reason", "x" * 501).code == 2
    assert "Read one whole: keepwell tasks show ID" in cli("tasks").out
    assert "is due" in cli("tasks", "due", task, "--to", "4d", "--reason", "a fair").out
    assert "is with Omar Haddad now" in cli("tasks", "give", task, "Omar").out
    shown = cli("tasks", "show", task).out
    assert all(words in shown for words in ("Omar Haddad", "Ring her.", "She is in Rome"))
    assert cli("tasks", "close", task, "--outcome", "gone").code == 2
    closed = cli("tasks", "close", task, "--outcome", "meeting_booked", "--note", "Monday", "--json").json
    assert (closed["state"], closed["outcome"], closed["note"]) == ("done", "meeting_booked", "Monday")
    again = cli("tasks", "close", task, "--outcome", "done")
    assert (again.code, "is done by" in again.err) == (4, True)
    assert "meeting booked" in cli("tasks", "--all").out
    opened = cli("tasks", "reopen", task)
    assert "is open again. It is due" in opened.out
    assert cli("tasks", "reopen", task).code == 4
    assert cli("tasks", "show", "nothing").code == 3


def test_everything_of_somebody_who_leaves_is_handed_over(cli: Cli, begun: Begun) -> None:
    task = a_task(begun)
    begun.world.staff("omar", name="Omar Haddad")
    begun.world.change(Staff, "dana", active=False)
    assert cli("reassign", "acme").code == 2
    assert cli("reassign", "--from", "omar", "--to", "omar").code == 2
    told = cli("reassign", "--from", "dana", "--to", "omar", "--json").json
    assert told == {"from": "Dana Reyes", "to": "Omar Haddad", "customers": 1, "tasks": 1}
    with begun.world.store.read() as session:
        assert session.get_one(Task, task).owner_id == "omar"
        assert session.get_one(Customer, begun.customer).owner_id == "omar"


def test_a_customer_for_whom_nothing_runs_is_reassigned_without_a_worker(cli: Cli, begun: Begun) -> None:
    world = begun.world
    world.staff("omar", name="Omar Haddad")
    world.customer("birch", owner_id="dana")
    task = a_task(begun, customer_id="birch")
    assert "Birch is Omar Haddad's now, with 1 open task." in cli("reassign", "birch", "omar").out
    assert "Birch is Omar Haddad's already." in cli("reassign", "Birch", "Omar").out
    with world.store.read() as session:
        assert session.get_one(Task, task).owner_id == "omar"
        assert session.get_one(Customer, "birch").owner_id == "omar"
        lines = events(session, world.organisation, kind="customer.reassigned")
    assert [line.why for line in lines] == ["before, Dana Reyes was the owner"]
    assert cli("reassign", "birch", "nobody").code == 3
    assert cli("reassign", "nobody", "omar").code == 3
    # Once its intervention has ended nothing runs for Acme either.
    world.change(Intervention, begun.id, outcome="recovered", ended_at=datetime.now(UTC))
    told = cli("reassign", "acme", "omar", "--json").json
    assert told == {"customer": begun.customer, "to": "Omar Haddad", "tasks": 0}


def test_who_gets_tasks_while_away_is_said(cli: Cli, begun: Begun) -> None:
    begun.world.staff("omar", name="Omar Haddad")
    begun.world.staff("lou", name="Lou Lead", role="lead")
    cli("absences", "add", "omar", day(0), day(2))
    given = cli("tasks", "give", a_task(begun), "omar").out
    assert "is with Lou Lead now" in given
    assert "Omar Haddad is away until" in given
    assert "Lou Lead (for Omar Haddad)" in cli("tasks").out
    assert "away until" in cli("reassign", "--from", "dana", "--to", "omar").out
