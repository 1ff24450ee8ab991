"""Messages through the API: letters, offers, deliveries, the outbox, wishes and suppressed addresses."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import select

from keepwell.contracts.access import Permission
from keepwell.contracts.intervention import StepState
from keepwell.contracts.offers import OfferKind
from keepwell.db.tables import (
    Delivery,
    InAppNotification,
    InboundMessage,
    InterventionStep,
    Offer,
    OutboxMessage,
    PendingCommand,
    Task,
)
from keepwell.keys import fallback_key
from tests.unit.api.desk_world import DAY, HOUR, Desk
from workflows.critical import CRITICAL

Desks = tuple[Desk, Desk]
Row = dict[str, Any]
STEP = CRITICAL.steps[0].name


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")


def letter(desk: Desk, key: str, **values: Any) -> str:
    own = desk.named(key)
    row: Row = {
        "from_address": "ann@acme.example",
        "subject": f"Re: {key}",
        "text": "We will stay.",
        **values,
    }
    row = {"organisation_id": desk.world.organisation, "received_at": desk.now, "effect": "an answer", **row}
    desk.world.add(InboundMessage(id=own, message_id=own, **row))
    return own


def delivery(desk: Desk, key: str, run: str, **values: Any) -> str:
    own = f"{desk.world.organisation}/{run}/{key}"
    row: Row = {
        "channel": "email",
        "recipient_id": "ann",
        "recipient_kind": "contact",
        "state": "planned",
    }
    row |= {
        "recipient_name": "Ann Lee",
        "address": "ann@acme.example",
        "planned_at": desk.now,
        "updated_at": desk.now,
    }
    desk.world.add(
        Delivery(
            key=own,
            organisation_id=desk.world.organisation,
            customer_id=desk.named("acme"),
            intervention_id=run,
            step=STEP,
            **{**row, **values},
        )
    )
    return own


def test_letters_by_pages(desks: Desks) -> None:
    ours, theirs = desks
    made = [letter(ours, f"l{day}", received_at=ours.now - day * DAY) for day in range(3)]
    note = letter(ours, "note", automatic=True)
    letter(ours, "nobodys", organisation_id=None)
    foreign = letter(theirs, "l0")
    assert [row["id"] for row in ours.pages("/letters", limit=1)] == made
    assert {row["id"] for row in ours.pages("/letters", automatic=True, limit=2)} == {*made, note}
    assert ours.pages("/letters", customer="acme") == []
    assert ours.get(f"/letters/{made[0]}").json()["text"] == "We will stay."
    assert ours.get(f"/letters/{foreign}").status_code == 404
    assert ours.get(f"/letters/{ours.named('nobodys')}").status_code == 404


def offer(desk: Desk, key: str, **values: Any) -> str:
    run, own = desk.intervention(key, desk.named("acme")), desk.named(key)
    option = {"kind": OfferKind.BILLING_PAUSE.value, "summary": "A pause of up to 3 months", "months": 3}
    row: Row = {
        "options": {"billing_pause": option},
        "state": "offered",
        "offered_at": desk.now,
        **values,
    }
    row |= {"valid_for": 14 * DAY, "valid_until": desk.now + 14 * DAY}
    desk.world.add(
        Offer(
            id=own,
            organisation_id=desk.world.organisation,
            customer_id=desk.named("acme"),
            intervention_id=run,
            step=STEP,
            **row,
        )
    )
    return own


def test_offers_by_pages_and_what_customers_said_by_phone(desks: Desks) -> None:
    ours, theirs = desks
    old = offer(ours, "old", state="declined", offered_at=ours.now + DAY)
    first, second = offer(ours, "one"), offer(ours, "two", offered_at=ours.now - DAY)
    foreign = offer(theirs, "one")
    assert [row["id"] for row in ours.pages("/offers", limit=1)] == [first, second, old]
    assert [row["id"] for row in ours.pages("/offers", state="declined")] == [old]
    assert ours.get(f"/offers/{first}").json()["options"][0]["kind"] == "billing_pause"
    assert ours.get(f"/offers/{foreign}").status_code == 404
    rates = ours.get("/offers/rates", per="kind").json()["rates"]
    assert (rates[0]["group"], rates[0]["offered"], rates[0]["declined"]) == ("all", 3, 1)

    said = ours.post(f"/offers/{first}/accept", {"option": "billing_pause", "months": 2, "id": "a"})
    assert (said.status_code, said.json()["intervention"]) == (202, ours.named("one")), said.text
    assert ours.post(f"/offers/{first}/accept", {"option": "billing_pause", "months": 4}).status_code == 422
    assert ours.post(f"/offers/{second}/decline", {"note": "too dear"}).status_code == 202
    assert ours.post(f"/offers/{second}/seen").status_code == 202
    assert ours.post(f"/offers/{foreign}/decline").status_code == 404
    with ours.store.read() as session:
        kept = {row.command["kind"]: row.command for row in session.exec(select(PendingCommand))}
    assert set(kept) == {"accept", "decline", "seen"}
    assert (kept["accept"]["option"], kept["accept"]["months"]) == ("billing_pause", 2)


def test_deliveries_by_pages(desks: Desks) -> None:
    ours, theirs = desks
    run, other = ours.intervention("i", ours.named("acme")), ours.intervention("j", ours.named("acme"))
    made = [delivery(ours, f"d{hour}", run, planned_at=ours.now - hour * HOUR) for hour in range(3)]
    late = delivery(ours, "late", other, state="deferred", channel="slack", waits_for="hours")
    foreign = delivery(theirs, "d", theirs.intervention("i", theirs.named("acme")))
    listed = [row["key"] for row in ours.pages("/deliveries", limit=2)]
    assert sorted(listed) == sorted([*made, late])
    assert listed[-1] == made[2]
    assert [row["key"] for row in ours.pages("/deliveries", state="deferred")] == [late]
    assert [row["key"] for row in ours.pages("/deliveries", channel="slack")] == [late]
    assert [row["key"] for row in ours.pages("/deliveries", intervention=run)] == made
    assert ours.pages("/deliveries", playbook="high_risk") == []
    assert len(ours.pages("/deliveries", playbook="critical")) == 4
    assert ours.get("/deliveries", intervention=theirs.named("i")).status_code == 404
    assert ours.get(f"/deliveries/{made[0]}").json()["recipient"] == "Ann Lee"
    assert ours.get(f"/deliveries/{foreign}").status_code == 404


@pytest.mark.parametrize("went_out", [True, False])
def test_an_unknown_message_is_settled_once(desks: Desks, went_out: bool) -> None:
    ours, theirs = desks
    run = ours.intervention("i", ours.named("acme"))
    with ours.store.write() as session:
        session.get_one(InterventionStep, (run, STEP)).state = StepState.HELD
    key = delivery(ours, "d", run, state="unknown", reason="its answer was lost")
    task = ours.task("t", ours.named("acme"), intervention_id=run, step=STEP, key=fallback_key(run, STEP))
    csm = ours.as_who(Permission.READ, Permission.ACT)
    assert csm.post(f"/deliveries/{key}/settle", {"went_out": went_out}).status_code == 403
    settled = ours.post(f"/deliveries/{key}/settle", {"went_out": went_out, "note": "I asked Ann"})
    assert settled.status_code == 200, settled.text
    assert settled.json()["state"] == ("accepted" if went_out else "failed")
    assert any(one["by"] == "key test" and one["why"] == "I asked Ann" for one in settled.json()["history"])
    with ours.store.read() as session:
        step = session.get_one(InterventionStep, (run, STEP))
        assert step.state == (StepState.DONE if went_out else StepState.HELD)
        assert session.get_one(Task, task).state == ("withdrawn" if went_out else "open")
    again = ours.post(f"/deliveries/{key}/settle", {"went_out": not went_out})
    assert again.status_code == 409
    foreign = delivery(theirs, "d", theirs.intervention("i", theirs.named("acme")), state="unknown")
    assert ours.post(f"/deliveries/{foreign}/settle", {"went_out": True}).status_code == 404


def outgoing(desk: Desk, key: str, **values: Any) -> str:
    row: Row = {
        "organisation_id": desk.world.organisation,
        "customer_id": desk.named("acme"),
        "key": "k",
    }
    row |= {
        "channel": "email",
        "recipient_name": "Ann Lee",
        "address": "ann@acme.example",
        "accepted_at": desk.now,
    }
    row |= {"sender_name": "Dana", "sender_address": "d@x.example", "subject": "Hello", "text": "Dear Ann"}
    desk.world.add(OutboxMessage(id=desk.named(key), **{**row, "html": "<p>Dear Ann</p>", **values}))
    return desk.named(key)


def test_the_outbox_by_pages_holds_what_was_shown_in_the_app_too(desks: Desks) -> None:
    ours, theirs = desks
    contact = ours.world.contact(ours.named("ann"), ours.named("acme"))
    made = [outgoing(ours, f"m{hour}", accepted_at=ours.now - hour * HOUR) for hour in (0, 2, 4)]
    shown = []
    for hour in (1, 2, 5):
        own = ours.named(f"n{hour}")
        ours.world.add(
            InAppNotification(
                id=own,
                key=own,
                organisation_id="org-1",
                customer_id=ours.named("acme"),
                contact_id=contact,
                title="New",
                body="Look here",
                created_at=ours.now - hour * HOUR,
            )
        )
        shown.append(own)
    foreign = outgoing(theirs, "m0")
    wanted = [made[0], shown[0], shown[1], made[1], made[2], shown[2]]
    for limit in (1, 2, 4, 50):
        assert [row["id"] for row in ours.pages("/outbox", limit=limit)] == wanted
    assert [row["id"] for row in ours.pages("/outbox", channel="in_app", limit=2)] == shown
    assert [row["id"] for row in ours.pages("/outbox", channel="email", limit=2)] == made
    assert ours.get(f"/outbox/{made[0]}").json()["html"] == "<p>Dear Ann</p>"
    assert ours.get(f"/outbox/{shown[0]}").json()["text"] == "Look here"
    assert ours.get(f"/outbox/{foreign}").status_code == 404


def test_addresses_are_suppressed_and_lifted(desks: Desks) -> None:
    ours, theirs = desks
    done = ours.post("/suppressions", {"address": " Ann@Acme.example ", "why": "she asked"})
    assert done.status_code == 200, done.text
    assert (done.json()["address"], done.json()["changed"]) == ("ann@acme.example", True)
    again = ours.post("/suppressions", {"address": "ann@acme.example", "why": "again"}).json()
    assert (again["changed"], again["undo"]) == (False, None)
    for number in range(2):
        ours.post("/suppressions", {"address": f"b{number}@acme.example", "why": "they bounced"})
    assert len(ours.pages("/suppressions", limit=1)) == 3
    assert theirs.pages("/suppressions") == []
    undo = done.json()["undo"]
    lifted = ours.post(undo["path"].removeprefix("/api/v1"), undo["body"])
    assert lifted.json()["suppressed"] is False
    assert len(ours.pages("/suppressions")) == 2
    assert len(ours.pages("/suppressions", lifted=True, limit=2)) == 3
    assert ours.post("/suppressions/lift", undo["body"]).status_code == 404
    for address in ("nobody", "", "a@b c", "@"):
        assert ours.post("/suppressions", {"address": address, "why": "x"}).status_code == 422, address


def test_what_a_contact_wishes(desks: Desks) -> None:
    ours, theirs = desks
    ann = ours.world.contact(ours.named("ann"), ours.named("acme"), consent="granted")
    foreign = theirs.world.contact(theirs.named("ann"), theirs.named("acme"), consent="granted")
    found = ours.get(f"/contacts/{ann}/wishes").json()
    purpose = found["purposes"][0]["purpose"]
    assert found["purposes"][0]["wanted"] is True
    body = {"purpose": purpose, "wanted": False, "why": "told me on the phone"}
    noted = ours.post(f"/contacts/{ann}/wishes", body)
    assert noted.status_code == 200, noted.text
    assert noted.json()["contact"]["purposes"][0]["wanted"] is False
    undo = noted.json()["undo"]
    back = ours.post(undo["path"].removeprefix("/api/v1"), undo["body"]).json()
    assert back["contact"]["purposes"][0]["wanted"] is True
    denied = ours.post(f"/contacts/{ann}/consent", {"consent": "denied", "why": "a letter"}).json()
    assert denied["contact"]["consent"] == "denied"
    assert denied["undo"]["body"]["consent"] == "granted"
    same = ours.post(f"/contacts/{ann}/consent", {"consent": "denied", "why": "again"}).json()
    assert (same["changed"], same["undo"]) == (False, None)
    assert ours.post(f"/contacts/{foreign}/wishes", body).status_code == 404
    assert ours.post(f"/contacts/{foreign}/consent", {"consent": "denied", "why": "x"}).status_code == 404
    assert ours.get(f"/contacts/{foreign}/wishes").status_code == 404
    assert theirs.get(f"/contacts/{foreign}/wishes").json()["consent"] == "granted"
