"""Tasks through the API: lists by pages, and what people do with one, with the call that takes it back."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlmodel import select

from keepwell.contracts.access import Permission
from keepwell.db.tables import Event, PendingCommand, Task
from tests.unit.api.desk_world import DAY, HOUR, Desk

Desks = tuple[Desk, Desk]


def one(desk: Desk, task: str) -> Task:
    with desk.store.read() as session:
        return session.get_one(Task, task)


def test_pages_hold_each_task_once(desks: Desks) -> None:
    ours, theirs = desks
    acme, beta = ours.named("acme"), ours.named("beta")
    dana = ours.named("dana")
    due = [ours.now + DAY, ours.now + DAY, ours.now - HOUR, ours.now + 3 * DAY]
    made = [ours.task(f"t{place}", acme, due_at=at) for place, at in enumerate(due)]
    closed = ours.task("closed", acme, state="done", closed_at=ours.now, owner_id=dana)
    asleep = ours.task("asleep", acme, snoozed_until=ours.now + HOUR, owner_id=dana)
    elsewhere = ours.task("elsewhere", beta)
    theirs.task("t", theirs.named("acme"))

    first = ours.get("/tasks", limit=2).json()
    assert (first["total"], first["asleep"]) == (5, 1)
    assert [row["overdue"] for row in first["items"]] == [True, False]
    listed = [row["id"] for row in ours.pages("/tasks", limit=2)]
    assert sorted(listed) == sorted([*made, elsewhere])
    assert listed[0] == made[2]
    assert listed[-1] == made[3]
    everything = [row["id"] for row in ours.pages("/tasks", limit=3, state="all")]
    assert sorted(everything) == sorted([*made, elsewhere, closed, asleep])
    assert everything[-1] == closed
    assert [row["id"] for row in ours.pages("/tasks", state="closed")] == [closed]
    assert {row["id"] for row in ours.pages("/tasks", customer="beta")} == {elsewhere}
    assert {row["id"] for row in ours.pages("/tasks", owner="dana", snoozed=True)} == {asleep}
    late = {row["id"] for row in ours.pages("/tasks", due_before=ours.now.isoformat())}
    assert late == {made[2]}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"customer": "no-such"}, 404),
        ({"owner": "no-such"}, 404),
        ({"owner": "me"}, 422),
        ({"cursor": "bm90IGEgY3Vyc29y"}, 422),
        ({"cursor": "WzEsMiwzXQ"}, 422),
        ({"due_before": "2026-01-01T00:00:00"}, 422),
        ({"limit": "0"}, 422),
        ({"state": "lost"}, 422),
    ],
)
def test_a_list_asked_wrongly(desks: Desks, query: dict[str, str], status: int) -> None:
    answer = desks[0].get("/tasks", **query)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_snooze_and_wake(desks: Desks) -> None:
    ours, _ = desks
    task = ours.task("t", ours.named("acme"))
    until = (ours.now + HOUR).isoformat()
    snoozed = ours.post(f"/tasks/{task}/snooze", {"until": until})
    assert snoozed.status_code == 200, snoozed.text
    assert snoozed.json()["task"]["snoozed"] is True
    undo = snoozed.json()["undo"]
    assert undo["path"] == f"/api/v1/tasks/{task}/wake"
    woken = ours.post(undo["path"].removeprefix("/api/v1"), undo["body"])
    assert woken.json()["task"]["snoozed"] is False
    back = woken.json()["undo"]
    again = ours.post(back["path"].removeprefix("/api/v1"), back["body"])
    assert datetime.fromisoformat(again.json()["task"]["snoozed_until"]) == ours.now + HOUR
    late = ours.post(f"/tasks/{task}/snooze", {"until": (ours.now + 2 * DAY).isoformat()})
    assert "until its deadline" in late.json()["text"]
    past = ours.post(f"/tasks/{task}/snooze", {"until": (ours.now - HOUR).isoformat()})
    assert past.status_code == 422
    assert past.json()["errors"][0]["place"] == "until"


def test_comment_due_and_give(desks: Desks) -> None:
    ours, _ = desks
    dana, omar = ours.named("dana"), ours.named("omar")
    task = ours.task("t", ours.named("acme"), owner_id=dana)
    noted = ours.post(f"/tasks/{task}/comment", {"text": "They call back"}).json()
    assert [(row["by"], row["text"]) for row in noted["task"]["comments"]] == [("key test", "They call back")]
    assert ours.post(f"/tasks/{task}/comment", {"text": "  "}).status_code == 422

    moved = ours.post(f"/tasks/{task}/due", {"to": (ours.now + 5 * DAY).isoformat(), "reason": "away"}).json()
    assert one(ours, task).due_at == ours.now + 5 * DAY
    ours.post(moved["undo"]["path"].removeprefix("/api/v1"), moved["undo"]["body"])
    assert one(ours, task).due_at == ours.now + DAY
    assert ours.post(f"/tasks/{task}/due", {"to": (ours.now + DAY).isoformat()}).status_code == 422

    given = ours.post(f"/tasks/{task}/give", {"to": "omar"}).json()
    assert (given["task"]["owner_id"], given["task"]["owner"]) == (omar, "Omar Haddad")
    ours.post(given["undo"]["path"].removeprefix("/api/v1"), given["undo"]["body"])
    assert one(ours, task).owner_id == dana
    assert ours.post(f"/tasks/{task}/give", {"to": "nobody"}).status_code == 404


def test_closing_tells_the_playbook_and_counts_once(desks: Desks) -> None:
    ours, _ = desks
    acme = ours.named("acme")
    run = ours.intervention("i", acme)
    with ours.store.read() as session:
        step = next(iter(ours.steps(session, run, "task")))
    with ours.store.write() as session:
        row = session.merge(step)
        row.state = "done"
    task = ours.task("t", acme, intervention_id=run, step=step.name)
    closed = ours.post(f"/tasks/{task}/close", {"outcome": "reached", "note": "all fine"})
    assert closed.status_code == 200, closed.text
    assert closed.json()["tells_its_playbook"] is True
    assert closed.json()["task"]["state"] == "done"
    assert closed.json()["undo"] is None
    again = ours.post(f"/tasks/{task}/close", {"outcome": "done"})
    assert again.status_code == 409
    assert "is done by key test already" in again.json()["title"]
    with ours.store.read() as session:
        kept = session.get_one(PendingCommand, f"task/{task}")
    assert (kept.command["kind"], kept.command["step"], kept.by) == ("complete", step.name, "key test")


def test_nobody_reaches_anothers_tasks(desks: Desks) -> None:
    ours, theirs = desks
    task = theirs.task("t", theirs.named("acme"))
    assert ours.get(f"/tasks/{task}").status_code == 404
    for what, body in (
        ("snooze", {"until": (ours.now + HOUR).isoformat()}),
        ("wake", {}),
        ("comment", {"text": "mine"}),
        ("due", {"to": (ours.now + HOUR).isoformat(), "reason": "mine"}),
        ("give", {"to": "dana"}),
        ("close", {"outcome": "done"}),
    ):
        assert ours.post(f"/tasks/{task}/{what}", body).status_code == 404, what
    mine = ours.task("u", ours.named("acme"))
    assert ours.post(f"/tasks/{mine}/give", {"to": theirs.named("omar")}).status_code == 404
    with ours.store.read() as session:
        assert session.exec(select(Event)).all() == []
    assert theirs.get(f"/tasks/{task}").json()["state"] == "open"


def test_who_may_only_read_changes_nothing(desks: Desks) -> None:
    ours, _ = desks
    task = ours.task("t", ours.named("acme"))
    reader = ours.as_who(Permission.READ)
    assert reader.get(f"/tasks/{task}").status_code == 200
    assert reader.post(f"/tasks/{task}/close", {"outcome": "done"}).status_code == 403
    assert ours.as_who(Permission.INGEST).get("/tasks").status_code == 403
