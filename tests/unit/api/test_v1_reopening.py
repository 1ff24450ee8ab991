"""A closed task is opened again where no run has gone on because of it; a letter is handled with its task."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import select

from keepwell.contracts.intervention import StepState
from keepwell.db.tables import Event, InboundMessage, Intervention, InterventionStep, Staff, Task
from keepwell.keys import reply_key
from tests.unit.api.desk_world import HOUR, Desk

Desks = tuple[Desk, Desk]


def one(desk: Desk, task: str) -> Task:
    with desk.store.read() as session:
        return session.get_one(Task, task)


def follow(desk: Desk, undo: dict[str, Any]) -> Any:
    return desk.post(undo["path"].removeprefix("/api/v1"), undo["body"])


def of_step(desk: Desk) -> tuple[str, str]:
    """A task that is a step of an open intervention, and the intervention."""
    run = desk.intervention("i", desk.named("acme"))
    with desk.store.write() as session:
        step = next(iter(desk.steps(session, run, "task")))
        session.get_one(InterventionStep, (run, step.name)).state = StepState.DONE
        name = step.name
    return desk.task("t", desk.named("acme"), intervention_id=run, step=name), run


def test_a_closing_is_taken_back_and_comes_again(desks: Desks) -> None:
    ours, theirs = desks
    task = ours.task("t", ours.named("acme"), owner_id=ours.named("dana"), due_at=ours.now - HOUR)
    closed = ours.post(f"/tasks/{task}/close", {"outcome": "reached", "note": "all fine"}).json()
    assert closed["undo"]["path"] == f"/api/v1/tasks/{task}/reopen"
    assert theirs.post(f"/tasks/{task}/reopen").status_code == 404
    opened = follow(ours, closed["undo"])
    assert opened.status_code == 200, opened.text
    assert opened.json()["text"] == "It is open again. It is overdue."
    row = one(ours, task)
    assert (row.state, row.outcome, row.note, row.closed_at, row.closed_by) == ("open", "", "", None, "")
    assert row.owner_id == ours.named("dana")
    with ours.store.read() as session:
        line = session.exec(select(Event).where(Event.kind == "task.reopened")).one()
    assert (line.text, line.by, line.why) == (
        "Opened again: Call about t",
        "key test",
        "it was done (key test)",
    )
    again = follow(ours, opened.json()["undo"]).json()["task"]
    assert (again["state"], again["outcome"], again["note"]) == ("done", "reached", "all fine")
    assert ours.post(f"/tasks/{ours.task('u', ours.named('acme'))}/reopen").status_code == 409


def test_what_a_playbook_was_told_stays_until_it_is_over(desks: Desks) -> None:
    ours, _ = desks
    task, run = of_step(ours)
    closed = ours.post(f"/tasks/{task}/close", {"outcome": "done"}).json()
    assert (closed["tells_its_playbook"], closed["undo"]) == (True, None)
    refused = ours.post(f"/tasks/{task}/reopen")
    assert refused.status_code == 409
    assert "its playbook was told that step" in refused.json()["title"]
    assert "has gone on" in refused.json()["title"]
    assert one(ours, task).state == "done"
    ours.world.change(Intervention, run, outcome="completed", ended_at=ours.now)
    assert ours.post(f"/tasks/{task}/reopen").status_code == 200


def test_a_task_of_no_step_is_opened_again_while_the_playbook_runs(desks: Desks) -> None:
    ours, _ = desks
    run = ours.intervention("i", ours.named("acme"))
    task = ours.task("t", ours.named("acme"), intervention_id=run, state="done", closed_by="Dana")
    assert ours.post(f"/tasks/{task}/reopen").json()["task"]["state"] == "open"


def test_an_approval_stays_closed_when_its_draft_is_decided(desks: Desks) -> None:
    ours, _ = desks
    key = "draft/gone"
    task = ours.task("t", ours.named("acme"), kind="approval", key=key, state="done", closed_by="Dana")
    refused = ours.post(f"/tasks/{task}/reopen")
    assert (refused.status_code, "draft it asks about is decided" in refused.json()["title"]) == (409, True)


def test_whose_owner_has_left_goes_to_who_has_the_customer_now(desks: Desks) -> None:
    ours, _ = desks
    omar = ours.named("omar")
    task = ours.task("t", ours.named("acme"), owner_id=omar, state="done", closed_by="Omar Haddad")
    ours.world.change(Staff, omar, active=False)
    assert ours.post(f"/tasks/{task}/reopen").json()["task"]["owner"] == "Dana Reyes"


@pytest.mark.parametrize("outcome", ["done", "not_needed"])
def test_a_letter_is_handled_when_its_task_is_closed(desks: Desks, outcome: str) -> None:
    ours, theirs = desks
    for desk in desks:
        desk.world.add(
            InboundMessage(
                id=desk.named("letter"),
                message_id=f"<one@{desk.world.organisation}>",
                organisation_id=desk.world.organisation,
                customer_id=desk.named("acme"),
                from_name="Ann Lee",
                from_address="ann@acme.example",
                subject="Re: Hello",
                text="Call me.",
                received_at=desk.now,
                effect="an answer",
            )
        )
    key = reply_key("<one@org-1>")
    task = ours.task("t", ours.named("acme"), kind="reply", key=key, created_at=ours.now)
    path = f"/letters/{ours.named('letter')}"
    waits = ours.get(path).json()["letter"]
    assert (waits["task"], waits["handled_at"], waits["handled_by"]) == (task, None, "")
    closed = ours.post(f"/tasks/{task}/close", {"outcome": outcome}).json()
    handled = ours.get("/letters").json()["items"][0]
    assert handled["handled_by"] == "key test"
    assert handled["handled_at"] == closed["task"]["closed_at"]
    follow(ours, closed["undo"])
    assert ours.get(path).json()["letter"]["handled_at"] is None
    assert theirs.get(f"/letters/{theirs.named('letter')}").json()["letter"]["task"] is None
