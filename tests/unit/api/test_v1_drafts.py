"""Drafts by the API: read, changed, approved, rejected; the first decision counts, and says whose it is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from keepwell.contracts.delivery import Recipient
from keepwell.contracts.drafts import Proposal, Waits
from keepwell.contracts.intervention import StepCall, StepState
from keepwell.contracts.rendering import Rendered
from keepwell.db.repositories.drafts import DraftRepository
from keepwell.db.repositories.ledger import LedgerRepository
from keepwell.db.tables import Delivery, Draft, InterventionStep, Organisation
from tests.unit.api.desk_world import DAY, Desk
from tests.unit.db.test_drafts import PROPOSAL, STEP

Desks = tuple[Desk, Desk]


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")


def drafted(desk: Desk, key: str = "i", proposal: Proposal = PROPOSAL, customer: str = "acme") -> str:
    """A draft that waits, of an intervention's first message; its id."""
    own, run, ann = (
        desk.named(customer),
        desk.intervention(key, desk.named(customer)),
        desk.named(f"ann-{key}"),
    )
    desk.world.change(Organisation, desk.world.organisation, new_playbooks="draft")
    desk.world.contact(ann, own, name="Ann Lee", consent="granted")
    with desk.store.read() as session:
        there = session.get(InterventionStep, (run, STEP.name))
    if there is None:
        desk.world.add(
            InterventionStep(
                intervention_id=run,
                name=STEP.name,
                position=99,
                kind="send",
                offset=timedelta(),
                state=StepState.PLANNED,
                planned_at=desk.now,
            )
        )
    call = StepCall(
        organisation=desk.world.organisation,
        customer=own,
        intervention=run,
        playbook="critical@3",
        step=STEP,
        templates={},
        now=desk.now,
    )
    to = Recipient(id=ann, kind="contact", name="Ann Lee", address="ann@acme.example", time_zone="UTC")
    key = f"{desk.world.organisation}/{run}/critical@3/{STEP.name}/{ann}/email"
    row = LedgerRepository(desk.store).plan(call, key, to, "email")
    assert isinstance(DraftRepository(desk.store).keep(call, row, proposal), Waits)
    with desk.store.read() as session:
        return session.exec(select(Draft.id).where(Draft.intervention_id == run)).one()


def test_a_draft_is_read_as_it_will_go(desks: Desks) -> None:
    ours, _ = desks
    draft = drafted(ours)
    found = ours.get(f"/drafts/{draft}").json()
    assert (found["draft"]["subject"], found["own_text"].strip()) == ("Hello", "Dear Ann,\n\nhow are you?")
    assert found["text"].endswith("abc1")
    assert [row["id"] for row in ours.pages("/drafts", customer="acme")] == [draft]
    assert ours.pages("/drafts", customer="beta") == []
    assert ours.pages("/drafts", playbook="high_risk") == []


def test_pages_hold_each_draft_once(desks: Desks) -> None:
    ours, theirs = desks
    made = [drafted(ours, f"i{number}") for number in range(3)]
    ours.world.change(Draft, made[1], decide_by=ours.now - DAY)
    drafted(theirs)
    assert [row["id"] for row in ours.pages("/drafts", limit=1)] == [made[1], made[0], made[2]]
    ours.post(f"/drafts/{made[0]}/approve")
    assert [row["id"] for row in ours.pages("/drafts", limit=1)] == [made[1], made[2]]
    assert [row["id"] for row in ours.pages("/drafts", limit=2, state="all")] == made[::-1]


def test_edit_and_approve(desks: Desks) -> None:
    ours, _ = desks
    draft = drafted(ours)
    edited = ours.post(f"/drafts/{draft}/edit", {"subject": "Hello Ann"})
    assert edited.status_code == 200, edited.text
    assert edited.json()["draft"]["draft"]["edited_by"] == "key test"
    assert "+Hello Ann" in edited.json()["draft"]["changes"]
    assert ours.post(f"/drafts/{draft}/edit").status_code == 422
    approved = ours.post(f"/drafts/{draft}/approve", {"text": "Dear Ann,\n\nshall we talk?"}).json()
    assert approved["draft"]["draft"]["state"] == "approved"
    assert "shall we talk?" in approved["draft"]["text"]
    assert approved["draft"]["text"].endswith("abc12")


def test_who_decides_second_is_told_who_was_first(desks: Desks) -> None:
    ours, _ = desks
    draft = drafted(ours)
    assert ours.post(f"/drafts/{draft}/reject").status_code == 422
    assert ours.post(f"/drafts/{draft}/reject", {"reason": "they have just left"}).status_code == 200
    late = ours.post(f"/drafts/{draft}/approve", {"subject": "Changed"})
    assert late.status_code == 409
    assert late.json()["title"].startswith("key test has rejected the draft for Ann Lee")
    # Nothing of it was done: the change goes with the approval.
    assert ours.get(f"/drafts/{draft}").json()["draft"]["subject"] == "Hello"
    with ours.store.read() as session:
        assert [row.state for row in session.exec(select(Delivery))] == ["skipped"]


def test_many_are_decided_each_by_itself(desks: Desks) -> None:
    ours, theirs = desks
    made = [drafted(ours, f"i{number}") for number in range(2)]
    foreign = drafted(theirs)
    ours.post(f"/drafts/{made[0]}/approve")
    assert ours.post("/drafts/bulk", {"ids": made, "decision": "reject"}).status_code == 422
    many = {"ids": [*made, foreign, "none"], "decision": "reject", "reason": "too many"}
    found = ours.post("/drafts/bulk", many).json()
    assert [row["status"] for row in found["results"]] == [409, 200, 404, 404]
    assert (found["done"], found["failed"]) == (1, 3)
    assert theirs.get(f"/drafts/{foreign}").json()["draft"]["state"] == "waiting"
    assert ours.post("/drafts/bulk", {"ids": ["x"] * 201, "decision": "approve"}).status_code == 422


def test_nobody_reaches_anothers_drafts(desks: Desks) -> None:
    ours, theirs = desks
    draft = drafted(theirs)
    assert ours.get(f"/drafts/{draft}").status_code == 404
    for what, body in (("edit", {"subject": "x"}), ("approve", {}), ("reject", {"reason": "x"})):
        assert ours.post(f"/drafts/{draft}/{what}", body).status_code == 404


def test_an_email_without_html_stays_so(desks: Desks) -> None:
    ours, _ = desks
    plain = Proposal(text=Rendered(subject="Hi", text="Hello", html=""), frame=None)
    draft = drafted(ours, proposal=plain)
    approved = ours.post(f"/drafts/{draft}/approve", {"text": "Hello again"}).json()
    assert (approved["draft"]["text"], approved["draft"]["html"]) == ("Hello again", "")
