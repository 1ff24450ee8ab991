"""Playbooks through the API: how they go, and stops for their messages."""

from __future__ import annotations

from sqlmodel import select

from keepwell.contracts.access import Permission
from keepwell.db.tables import Event, KillSwitch, PlaybookMode
from tests.unit.api.desk_world import Desk
from workflows.critical import CRITICAL

Desks = tuple[Desk, Desk]


def test_the_playbooks_in_force_and_who_is_in_them(desks: Desks) -> None:
    ours, theirs = desks
    ours.intervention("i", ours.named("acme"))
    for number in range(2):
        theirs.intervention(f"i{number}", theirs.named("acme"))
    found = ours.get("/playbooks")
    by_name = {one["name"]: one for one in found.json()["items"]}
    assert by_name["critical"]["version"] == CRITICAL.version
    assert (by_name["critical"]["open"], by_name["high_risk"]["open"]) == (1, 0)
    one = ours.get("/playbooks/critical").json()
    assert [step["name"] for step in one["playbook"]["steps"]] == [step.name for step in CRITICAL.steps]
    assert one["standing"]["mode"] == "automatic"
    assert ours.get("/playbooks/none").status_code == 404


def test_a_mode_is_switched_and_switched_back(desks: Desks) -> None:
    ours, theirs = desks
    switched = ours.post("/playbooks/critical/mode", {"mode": "draft"})
    assert switched.status_code == 200, switched.text
    assert (switched.json()["before"], switched.json()["mode"]) == ("automatic", "draft")
    assert ours.get("/playbooks/critical").json()["standing"]["mode"] == "draft"
    assert theirs.get("/playbooks/critical").json()["standing"]["mode"] == "automatic"
    undo = switched.json()["undo"]
    back = ours.post(undo["path"].removeprefix("/api/v1"), undo["body"]).json()
    assert (back["before"], back["mode"]) == ("draft", "automatic")
    assert ours.post("/playbooks/critical/mode", {"mode": "automatic"}).json()["undo"] is None
    assert ours.post("/playbooks/none/mode", {"mode": "off"}).status_code == 404
    assert ours.post("/playbooks/critical/mode", {"mode": "loud"}).status_code == 422
    with ours.store.read() as session:
        assert [row.organisation_id for row in session.exec(select(PlaybookMode))] == ["org-1"]
        assert [row.by for row in session.exec(select(Event))] == ["key test"] * 2


def test_stops_are_thrown_and_lifted(desks: Desks) -> None:
    ours, theirs = desks
    acme = ours.named("acme")
    thrown = ours.post("/switches", {"scope": "customer", "subject": "acme", "reason": "they asked"})
    assert thrown.status_code == 200, thrown.text
    [line] = thrown.json()["switches"]["items"]
    assert (line["scope"], line["subject"], line["name"], line["thrown_by"]) == (
        "customer",
        acme,
        "Acme",
        "key test",
    )
    again = ours.post("/switches", {"scope": "customer", "subject": acme}).json()
    assert (again["changed"], again["undo"]) == (False, None)
    assert ours.post("/switches").json()["changed"] is True
    assert ours.post("/switches", {"scope": "playbook", "subject": "critical"}).json()["changed"] is True
    assert len(ours.get("/switches").json()["items"]) == 3
    assert theirs.get("/switches").json()["items"] == []

    undo = thrown.json()["undo"]
    lifted = ours.client.request(undo["method"], undo["path"], json=undo["body"], headers=ours.headers)
    assert lifted.status_code == 200, lifted.text
    assert [one["scope"] for one in lifted.json()["switches"]["items"]] == ["all", "playbook"]
    not_there = ours.client.request(
        "DELETE", "/api/v1/switches", json={"scope": "customer", "subject": "acme"}, headers=ours.headers
    )
    assert not_there.status_code == 404


def test_what_cannot_be_stopped(desks: Desks) -> None:
    ours, theirs = desks
    for body, status in (
        ({"scope": "customer", "subject": theirs.named("acme")}, 404),
        ({"scope": "playbook", "subject": "none"}, 404),
        ({"scope": "playbook"}, 422),
        ({"scope": "all", "subject": "acme"}, 422),
        ({"scope": "galaxy"}, 422),
    ):
        assert ours.post("/switches", body).status_code == status, body
    with ours.store.read() as session:
        assert session.exec(select(KillSwitch)).all() == []


def test_a_stopped_playbook_that_is_gone_can_be_let_go_on(desks: Desks) -> None:
    ours, _ = desks
    row = KillSwitch(
        organisation_id="org-1", scope="playbook", subject="old", thrown_by="Dana", thrown_at=ours.now
    )
    ours.world.add(row)
    body = {"scope": "playbook", "subject": "old"}
    lifted = ours.client.request("DELETE", "/api/v1/switches", json=body, headers=ours.headers)
    assert lifted.status_code == 200, lifted.text


def test_only_who_operates_switches(desks: Desks) -> None:
    ours, _ = desks
    csm = ours.as_who(Permission.READ, Permission.ACT)
    assert csm.get("/playbooks").status_code == 200
    assert csm.post("/playbooks/critical/mode", {"mode": "off"}).status_code == 403
    assert csm.post("/switches").status_code == 403
