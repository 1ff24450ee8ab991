"""Interventions and alerts through the API, without a server: lists, one in full, what is kept meanwhile."""

from __future__ import annotations

import pytest
from sqlmodel import select

from keepwell.contracts.access import Permission, Role
from keepwell.db.repositories import journal
from keepwell.db.repositories.commands_kept import command_key
from keepwell.db.tables import Alert, Intervention, PendingCommand
from scoring.signal import Severity, Trigger
from tests.unit.api.callers import sign_in
from tests.unit.api.desk_world import DAY, HOUR, Desk
from workflows.critical import CRITICAL

Desks = tuple[Desk, Desk]


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")


def test_pages_hold_each_intervention_once(desks: Desks) -> None:
    ours, theirs = desks
    acme, beta = ours.named("acme"), ours.named("beta")
    worst = ours.intervention("worst", acme, score=5.0)
    bad = ours.intervention("bad", beta, score=15.0, owner_id=ours.named("dana"))
    held = ours.intervention("held", beta, score=None, level=None, family="expansion", paused=True)
    ended = [
        ours.intervention(
            f"e{day}", acme, outcome="recovered", started_at=ours.now - day * DAY, ended_at=ours.now
        )
        for day in (1, 2)
    ]
    theirs.intervention("worst", theirs.named("acme"))
    wanted = [worst, bad, held, *ended]
    for limit in (1, 2, 50):
        assert [row["id"] for row in ours.pages("/interventions", limit=limit)] == wanted
    for query, found in (
        ({"state": "open"}, [worst, bad]),
        ({"state": "paused"}, [held]),
        ({"state": "ended"}, ended),
        ({"owner": "dana"}, [bad]),
        ({"customer": "acme"}, [worst, *ended]),
        ({"family": "expansion"}, [held]),
        ({"level": "CRITICAL"}, [worst, bad, *ended]),
        ({"playbook": f"critical@{CRITICAL.version}"}, wanted),
        ({"playbook": "critical@99999999999999999999"}, []),
        ({"playbook": "high_risk"}, []),
    ):
        assert [row["id"] for row in ours.pages("/interventions", **query)] == found, query


def test_one_in_full_and_its_etag(desks: Desks) -> None:
    ours, _ = desks
    run = ours.intervention(
        "i", ours.named("acme"), paused=True, paused_at=ours.now, paused_until=ours.now + DAY
    )
    found = ours.get(f"/interventions/{run}")
    assert found.status_code == 200, found.text
    assert found.json()["intervention"]["state"] == "paused"
    assert found.json()["steps"] == [step.name for step in CRITICAL.steps]
    assert any(line["planned"] for line in found.json()["timeline"])
    assert "temporal_ui" in found.json()
    same = ours.client.get(
        f"/api/v1/interventions/{run}", headers={**ours.headers, "If-None-Match": found.headers["etag"]}
    )
    assert same.status_code == 304


def test_without_a_server_commands_are_kept_once(desks: Desks) -> None:
    ours, _ = desks
    run = ours.intervention("i", ours.named("acme"))
    body = {"reason": "holidays", "until": (ours.now + DAY).isoformat(), "id": "p1"}
    first = ours.post(f"/interventions/{run}/pause", body)
    assert (first.status_code, first.json()["state"]) == (202, "kept"), first.text
    assert ours.post(f"/interventions/{run}/pause", body).status_code == 202
    with ours.store.read() as session:
        [kept] = session.exec(select(PendingCommand)).all()
    assert (kept.command["kind"], kept.command["reason"], kept.source) == ("pause", "holidays", "api")
    became = ours.get(f"/interventions/{run}/commands/p1").json()
    assert (became["state"], became["kind"], became["by"]) == ("kept", "pause", "key test")
    assert ours.get(f"/interventions/{run}/commands/p2").status_code == 404


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("pause", {}),
        ("pause", {"reason": ""}),
        ("pause", {"reason": "why", "until": "2026-12-01T09:00"}),
        ("pause", {"reason": "why", "until": "2001-12-01T09:00Z"}),
        ("pause", {"reason": "why", "kind": "stop"}),
        ("pause", {"reason": "why", "id": "a/b"}),
        ("pause", {"reason": "w\x00y"}),
        ("stop", {"note": "why"}),
        ("complete", {"step": "no_such_step"}),
        ("acknowledge", {"note": "x" * 501}),
        ("accept", {"option": "plan_downgrade"}),
        ("accept", {"option": "a_pony"}),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(desks: Desks, what: str, body: dict[str, str]) -> None:
    ours, _ = desks
    run = ours.intervention("i", ours.named("acme"))
    answer = ours.post(f"/interventions/{run}/{what}", body)
    assert answer.status_code == 422, answer.text
    with ours.store.read() as session:
        assert session.exec(select(PendingCommand)).all() == []


def test_the_id_of_a_command_that_is_already_done_stands_for_no_other(desks: Desks) -> None:
    ours, _ = desks
    run = ours.intervention("i", ours.named("acme"))
    with ours.store.write() as session:
        journal.write(
            session,
            key=f"{run}/{command_key(run, 'k1')}",
            organisation=ours.world.organisation,
            customer=ours.named("acme"),
            intervention=run,
            kind="command.acknowledge",
            by="key test",
            text="Acknowledged",
            why="On it",
            at=ours.now,
        )
    path = f"/interventions/{run}/acknowledge"
    again = ours.post(path, {"id": "k1", "note": "On it"})
    assert (again.status_code, again.json()["state"], again.json()["text"]) == (200, "done", "Acknowledged")
    assert ours.post(path, {"id": "k1", "note": "Something else"}).status_code == 409
    assert ours.post(f"/interventions/{run}/stop", {"id": "k1", "reason": "On it"}).status_code == 409


def test_two_ids_for_one_command(desks: Desks) -> None:
    ours, _ = desks
    run = ours.intervention("i", ours.named("acme"))
    answer = ours.client.post(
        f"/api/v1/interventions/{run}/resume",
        json={"id": "a"},
        headers={**ours.headers, "Idempotency-Key": "b"},
    )
    assert answer.status_code == 422


def test_nobody_reaches_anothers_interventions(desks: Desks) -> None:
    ours, theirs = desks
    run, mine = theirs.intervention("i", theirs.named("acme")), ours.intervention("i", ours.named("acme"))
    assert ours.get(f"/interventions/{run}").status_code == 404
    assert ours.get(f"/interventions/{run}/commands/p1").status_code == 404
    for what, body in (
        ("acknowledge", {}),
        ("pause", {"reason": "why"}),
        ("resume", {}),
        ("respond", {}),
        ("complete", {"step": CRITICAL.steps[0].name}),
        ("skip", {"step": CRITICAL.steps[0].name}),
        ("reassign", {"to": "dana"}),
        ("stop", {"reason": "why"}),
        ("seen", {}),
        ("accept", {"option": "billing_pause"}),
        ("decline", {}),
        ("upgraded", {}),
    ):
        assert ours.post(f"/interventions/{run}/{what}", body).status_code == 404, what
    assert ours.post(f"/interventions/{mine}/reassign", {"to": theirs.named("omar")}).status_code == 404
    many = {"ids": [run, mine], "command": {"kind": "acknowledge"}}
    found = ours.post("/interventions/bulk", many).json()
    assert [row["status"] for row in found["results"]] == [404, 202]
    with ours.store.read() as session:
        assert {row.intervention_id for row in session.exec(select(PendingCommand))} == {mine}


def test_who_may_only_read_commands_nothing(desks: Desks) -> None:
    ours, _ = desks
    run = ours.intervention("i", ours.named("acme"))
    reader = ours.as_who(Permission.READ)
    assert reader.post(f"/interventions/{run}/acknowledge").status_code == 403
    assert (
        reader.post("/interventions/bulk", {"ids": [run], "command": {"kind": "resume"}}).status_code == 403
    )
    nobody = ours.client.post(f"/api/v1/interventions/{run}/acknowledge", json={})
    assert nobody.status_code == 401


def test_a_session_acts_in_its_own_name(desks: Desks) -> None:
    ours, _ = desks
    run = ours.intervention("i", ours.named("acme"), owner_id=ours.named("dana"))
    page = sign_in(ours.client, ours.store, "org-1", Role.CSM, name="Dana Reyes", staff=ours.named("dana"))
    kept = ours.client.post(f"/api/v1/interventions/{run}/acknowledge", json={}, headers=page)
    assert kept.status_code == 202, kept.text
    with ours.store.read() as session:
        assert [row.by for row in session.exec(select(PendingCommand))] == ["Dana Reyes"]
    mine = ours.client.get("/api/v1/interventions", params={"owner": "me"}).json()
    assert [row["id"] for row in mine["items"]] == [run]


def test_alerts_by_pages_and_in_hand(desks: Desks) -> None:
    ours, theirs = desks
    acme = ours.named("acme")
    quiet = [ours.alert(acme, subject=f"s{number}") for number in range(3)]
    grave = ours.alert(ours.named("beta"), Trigger.BILLING_FAILURE)
    ours.world.change(Alert, grave, severity=Severity.CRITICAL.value)
    theirs.alert(theirs.named("acme"))
    listed = [row["id"] for row in ours.pages("/alerts", limit=2)]
    assert listed[0] == grave
    assert sorted(listed) == sorted([*quiet, grave])
    assert [row["id"] for row in ours.pages("/alerts", severity="CRITICAL".lower())] == [grave]
    assert len(ours.pages("/alerts", customer="acme")) == 3

    taken = ours.post(f"/alerts/{grave}/acknowledge")
    assert taken.status_code == 200, taken.text
    assert (taken.json()["alert"]["state"], taken.json()["alert"]["acknowledged_by"]) == (
        "acknowledged",
        "key test",
    )
    assert taken.json()["intervention"] is None
    assert [row["id"] for row in ours.pages("/alerts", state="acknowledged")] == [grave]
    ours.world.change(Alert, quiet[0], state="closed", closed_at=ours.now, closed_why="it is back")
    many = ours.post("/alerts/acknowledge", {"ids": [*quiet, theirs.pages("/alerts")[0]["id"]]}).json()
    assert [row["status"] for row in many["results"]] == [409, 200, 200, 404]
    assert theirs.pages("/alerts")[0]["state"] == "open"
    assert ours.get(f"/alerts/{theirs.pages('/alerts')[0]['id']}").status_code == 404


def test_an_alert_in_hand_is_told_to_its_intervention(desks: Desks) -> None:
    ours, _ = desks
    acme = ours.named("acme")
    alert = ours.alert(acme)
    run = ours.intervention("i", acme, family="event", alert_id=alert)
    ours.world.change(Alert, alert, intervention_id=run, decision="started")
    taken = ours.post(f"/alerts/{alert}/acknowledge").json()
    assert (taken["intervention"]["state"], taken["intervention"]["kind"]) == ("kept", "acknowledge")
    again = ours.post(f"/alerts/{alert}/acknowledge").json()
    assert again["intervention"]["noted_at"] == taken["intervention"]["noted_at"]
    ours.world.change(Intervention, run, acknowledged_by="Dana", acknowledged_at=ours.now - HOUR)
    assert ours.post(f"/alerts/{alert}/acknowledge").json()["intervention"] is None
