"""A customer as a whole through the API: another owner, all of its interventions, a playbook's beginning."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import col, select

from keepwell.contracts.access import Permission
from keepwell.db.tables import Customer, Intervention, Opportunity, PendingCommand, Task, Transition
from scoring.levels import Level
from tests.unit.api.desk_world import Desk

Desks = tuple[Desk, Desk]
Row = dict[str, Any]


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")


def kept(desk: Desk) -> list[tuple[str | None, str]]:
    with desk.store.read() as session:
        rows = session.exec(select(PendingCommand).order_by(col(PendingCommand.intervention_id))).all()
        return [(row.intervention_id, row.command["kind"]) for row in rows]


def test_a_customer_at_rest_gets_another_owner_and_back(desks: Desks) -> None:
    ours, _ = desks
    acme, omar = ours.named("acme"), ours.named("omar")
    task = ours.task("t", acme, owner_id=ours.named("dana"))
    moved = ours.post("/customers/acme/reassign", {"to": "omar"})
    assert moved.status_code == 200, moved.text
    found = moved.json()
    assert (found["from"], found["to"], found["tasks"], found["changed"]) == (
        "Dana Reyes",
        "Omar Haddad",
        1,
        True,
    )
    with ours.store.read() as session:
        assert session.get_one(Customer, acme).owner_id == omar
        assert session.get_one(Task, task).owner_id == omar
    same = ours.post("/customers/acme/reassign", {"to": omar}).json()
    assert (same["changed"], same["undo"]) == (False, None)
    ours.post(found["undo"]["path"].removeprefix("/api/v1"), found["undo"]["body"])
    with ours.store.read() as session:
        assert session.get_one(Customer, acme).owner_id == ours.named("dana")


def test_its_runs_are_told_of_another_owner(desks: Desks) -> None:
    ours, _ = desks
    run = ours.intervention("i", ours.named("acme"), owner_id=ours.named("dana"))
    ours.post("/customers/acme/reassign", {"to": "omar"})
    assert kept(ours) == [(run, "reassign")]


def test_all_customers_of_somebody_who_leaves(desks: Desks) -> None:
    ours, theirs = desks
    ours.customer("gamma", owner_id=ours.named("dana"))
    answer = ours.post("/staff/dana/reassign", {"to": "omar"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["from"], answer.json()["customers"]) == ("Dana Reyes", 2)
    assert ours.post("/staff/omar/reassign", {"to": "omar"}).status_code == 422
    assert ours.post(f"/staff/{theirs.named('dana')}/reassign", {"to": "omar"}).status_code == 404
    csm = ours.as_who(Permission.READ, Permission.ACT)
    assert csm.post("/staff/omar/reassign", {"to": "dana"}).status_code == 403
    with ours.store.read() as session:
        owners = {row.id: row.owner_id for row in session.exec(select(Customer)) if row.owner_id}
    assert owners == {
        ours.named("acme"): ours.named("omar"),
        ours.named("gamma"): ours.named("omar"),
        theirs.named("acme"): theirs.named("dana"),
    }


def test_all_of_a_customers_interventions(desks: Desks) -> None:
    ours, theirs = desks
    acme = ours.named("acme")
    one, two = ours.intervention("a", acme), ours.intervention("b", acme, family="expansion", paused=True)
    ours.intervention("c", acme, outcome="recovered", ended_at=ours.now)
    ours.intervention("d", ours.named("beta"))
    paused = ours.post("/customers/acme/pause", {"reason": "they moved house"})
    assert paused.status_code == 200, paused.text
    assert [row["id"] for row in paused.json()["results"]] == [one, two]
    assert paused.json()["kept"] == 2
    resumed = ours.post("/customers/acme/resume", {"id": "r"}).json()
    assert [row["id"] for row in resumed["results"]] == [two]
    assert ours.post("/customers/acme/stop").status_code == 422
    stopped = ours.post("/customers/beta/stop", {"reason": "they left"}).json()
    assert stopped["kept"] == 1
    assert ours.post(f"/customers/{theirs.named('acme')}/stop", {"reason": "x"}).status_code == 404
    assert sorted(kept(ours)) == [
        (one, "pause"),
        (two, "pause"),
        (two, "resume"),
        (ours.named("d"), "stop"),
    ]


def test_enrolment_says_what_would_begin_and_waits_for_a_worker(desks: Desks) -> None:
    ours, theirs = desks
    acme = ours.named("acme")
    unknown = ours.post("/customers/acme/enrol", {"dry_run": True})
    assert unknown.status_code == 409
    assert "has no level yet" in unknown.json()["title"]
    ours.world.score(acme, 12, ours.now)
    would = ours.post("/customers/acme/enrol", {"dry_run": True})
    assert would.status_code == 200, would.text
    assert (would.json()["state"], would.json()["level"]) == ("would_start", Level.CRITICAL.value)
    with ours.store.read() as session:
        assert session.exec(select(Transition)).all() == []
    begun = ours.post("/customers/acme/enrol")
    assert (begun.status_code, begun.json()["state"]) == (202, "waiting"), begun.text
    with ours.store.read() as session:
        assert [(row.kind, row.by) for row in session.exec(select(Transition))] == [("enrolment", "key test")]
    again = ours.post("/customers/acme/enrol").json()
    assert (again["state"], again["reason"]) == ("refused", "a level change is about to be handed over")
    assert ours.post(f"/customers/{theirs.named('acme')}/enrol").status_code == 404
    ours.world.change(Customer, ours.named("beta"), active=False)
    assert ours.post("/customers/beta/enrol").status_code == 409


def opportunity(desk: Desk, key: str, customer: str, **values: Any) -> str:
    row: Row = {
        "signal": "USAGE_LIMIT_APPROACHING",
        "urgency": "HIGH",
        "currency": "EUR",
        "action": "talk",
    }
    row |= {
        "words": "at 92 % of the limit",
        "state": "baseline",
        "detected_at": desk.now,
        "seen_at": desk.now,
    }
    own = desk.named(key)
    desk.world.add(
        Opportunity(
            id=own,
            organisation_id=desk.world.organisation,
            customer_id=desk.named(customer),
            **{**row, **values},
        )
    )
    return own


def test_opportunities_by_pages_and_a_baseline_that_is_enrolled(desks: Desks) -> None:
    ours, theirs = desks
    first = opportunity(ours, "a", "acme", value=1000.0)
    second = opportunity(ours, "b", "beta", value=None, state="open")
    gone = opportunity(ours, "c", "beta", state="gone", signal="POWER_USER_BEHAVIOR")
    foreign = opportunity(theirs, "a", "acme")
    assert [row["id"] for row in ours.pages("/opportunities", limit=1)] == [second, first]
    assert {row["id"] for row in ours.pages("/opportunities", state="all", limit=1)} == {first, second, gone}
    assert [row["id"] for row in ours.pages("/opportunities", customer="acme")] == [first]
    assert ours.get(f"/opportunities/{first}").json()["value"] == 1000
    assert ours.get(f"/opportunities/{foreign}").status_code == 404
    begun = ours.post(f"/opportunities/{first}/enrol")
    assert (begun.status_code, begun.json()["opportunity"]["state"]) == (202, "open"), begun.text
    again = ours.post(f"/opportunities/{first}/enrol")
    assert (again.status_code, again.json()["title"]) == (409, "It is no baseline: it is open.")
    assert ours.post(f"/opportunities/{foreign}/enrol").status_code == 404
    assert theirs.get(f"/opportunities/{foreign}").json()["state"] == "baseline"
    with ours.store.read() as session:
        assert session.exec(select(Intervention)).all() == []
