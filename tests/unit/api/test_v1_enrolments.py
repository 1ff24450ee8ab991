"""A level's playbook for many at once: who it would be and who not and why, then the start."""

from __future__ import annotations

import pytest
from sqlmodel import select

from keepwell.contracts.access import Permission
from keepwell.db.tables import Customer, Transition
from tests.unit.api.desk_world import HOUR, Desk

Desks = tuple[Desk, Desk]


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")


def held(desk: Desk, key: str, points: float) -> str:
    """A customer that is held at the level of its first score."""
    own = desk.customer(key)
    desk.world.score(own, points, desk.now - HOUR)
    return own


def enrolled(desk: Desk) -> list[str]:
    query = select(Transition).where(Transition.kind == "enrolment")
    with desk.store.read() as session:
        return sorted(row.customer_id for row in session.exec(query).all())


def test_first_who_it_would_be_then_it_begins_for_just_those(desks: Desks) -> None:
    ours, theirs = desks
    worst, next_one, last = held(ours, "c", 5), held(ours, "d", 9), held(ours, "e", 14)
    running = held(ours, "f", 7)
    ours.intervention("i", running)
    held(ours, "g", 55)
    held(theirs, "c", 3)
    would = ours.post("/enrolments", {"level": "CRITICAL", "limit": 2, "dry_run": True})
    assert would.status_code == 200, would.text
    found = would.json()
    assert (found["state"], found["number"], found["refused"]) == ("would_start", 2, 1)
    assert [one["customer"] for one in found["customers"]] == [worst, next_one]
    assert found["refusals"][0]["customer"] == running
    assert "is running since" in found["refusals"][0]["refusal"]
    assert enrolled(ours) == []

    begun = ours.post("/enrolments", {"level": "CRITICAL", "limit": 2})
    assert begun.status_code == 202, begun.text
    assert begun.json()["state"] == "waiting"
    assert begun.json()["text"].endswith("begins for 2 customers. 1 may not have it now.")
    assert enrolled(ours) == [worst, next_one]
    # The same again goes on with the next ones: who waits already is not begun twice.
    ours.post("/enrolments", {"level": "CRITICAL", "limit": 2})
    assert enrolled(ours) == [worst, next_one, last]
    nobody = ours.post("/enrolments", {"level": "CRITICAL", "limit": 2})
    assert (nobody.status_code, nobody.json()["state"], nobody.json()["refused"]) == (200, "nobody", 4)


def test_what_cannot_be_enrolled_says_why(desks: Desks) -> None:
    ours, _ = desks
    empty = ours.post("/enrolments", {"level": "CRITICAL", "limit": 5})
    assert empty.json()["text"] == "No customer is held at CRITICAL."
    left = held(ours, "c", 5)
    ours.world.change(Customer, left, active=False)
    assert ours.post("/enrolments", {"level": "CRITICAL", "limit": 5}).json()["state"] == "nobody"
    without = ours.post("/enrolments", {"level": "THRIVING", "limit": 5})
    assert without.status_code == 422
    assert "There is no playbook for THRIVING" in without.text
    for body in ({"level": "CRITICAL"}, {"level": "CRITICAL", "limit": 0}, {"limit": 5}):
        assert ours.post("/enrolments", body).status_code == 422


def test_it_is_for_operations(desks: Desks) -> None:
    ours, _ = desks
    held(ours, "c", 5)
    actor = ours.as_who(Permission.READ, Permission.ACT)
    assert actor.post("/enrolments", {"level": "CRITICAL", "limit": 5}).status_code == 403
    assert enrolled(ours) == []
