"""An offer that a person takes back: its page, what may be said to it then, and how it stands again."""

from __future__ import annotations

import pytest
from pydantic import SecretStr
from sqlmodel import select

from keepwell.contracts.intervention import Note
from keepwell.contracts.offers import OfferChange, OfferKind, OfferOption, OfferState, Terms
from keepwell.db.repositories.offers import change_offer
from keepwell.db.tables import Event, Intervention, Offer, PendingCommand
from keepwell.links import Links, Use
from tests.unit.api.conftest import PUBLIC
from tests.unit.api.desk_world import DAY, HOUR, Desk
from tests.unit.api.test_v1_messages import offer

Desks = tuple[Desk, Desk]
WHY = {"reason": "The wrong plan"}


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")


def row(desk: Desk, own: str) -> Offer:
    with desk.store.read() as session:
        return session.get_one(Offer, own)


def its_page(desk: Desk, own: str) -> str:
    """The offer's page as its contact sees it."""
    contact = desk.world.contact(desk.named("ann"), desk.named("acme"))
    links = Links(SecretStr("k" * 40), PUBLIC)
    token = links.token(Use.OFFER, {"offer": own, "contact": contact}, until=desk.now + DAY)
    answer = desk.client.get(f"/offers/{token}")
    assert answer.status_code == 200
    return str(answer.text)


def test_it_is_withdrawn_with_a_reason_and_stands_again(desks: Desks) -> None:
    ours, theirs = desks
    own = offer(ours, "one", state="seen", seen_at=ours.now - HOUR)
    assert theirs.post(f"/offers/{own}/withdraw", WHY).status_code == 404
    assert ours.post(f"/offers/{own}/withdraw", {"reason": " "}).status_code == 422
    done = ours.post(f"/offers/{own}/withdraw", WHY)
    assert done.status_code == 200, done.text
    found = done.json()["offer"]
    assert (found["state"], found["decided_by"], found["note"]) == ("withdrawn", "key test", "The wrong plan")
    assert "It was withdrawn" in its_page(ours, own)
    with ours.store.read() as session:
        line = session.exec(select(Event).where(Event.kind == "offer.withdrawn")).one()
        assert session.exec(select(PendingCommand)).all() == [], "the run is told nothing: it is no answer"
        assert session.get_one(Intervention, ours.named("one")).outcome is None
    assert (line.by, line.why, line.intervention_id) == ("key test", "The wrong plan", ours.named("one"))
    again = ours.post(f"/offers/{own}/withdraw", WHY)
    assert (again.status_code, again.json()["title"]) == (409, "The offer is withdrawn already.")

    undo = done.json()["undo"]
    back = ours.post(undo["path"].removeprefix("/api/v1"), undo["body"])
    assert back.json()["offer"]["state"] == "seen"
    assert back.json()["undo"]["body"] == WHY
    assert row(ours, own).decided_at is None


def test_nobody_accepts_what_is_withdrawn(desks: Desks) -> None:
    ours, _ = desks
    own = offer(ours, "one")
    ours.post(f"/offers/{own}/withdraw", WHY)
    accept = {"option": "billing_pause", "months": 2}
    for path, body in (
        (f"/offers/{own}/accept", accept),
        (f"/offers/{own}/decline", {}),
        (f"/offers/{own}/seen", {}),
        (f"/interventions/{ours.named('one')}/accept", accept),
    ):
        refused = ours.post(path, body)
        assert refused.status_code == 409, path
        assert "withdrawn by key test: The wrong plan" in refused.json()["title"]
    ours.post(f"/offers/{own}/restore")
    assert ours.post(f"/offers/{own}/accept", accept).status_code == 202


@pytest.mark.parametrize("state", ["accepted", "declined", "expired"])
def test_what_is_over_cannot_be_withdrawn_nor_stand_again(desks: Desks, state: str) -> None:
    ours, _ = desks
    own = offer(ours, "one", state=state)
    assert ours.post(f"/offers/{own}/withdraw", WHY).status_code == 409
    assert ours.post(f"/offers/{own}/restore").status_code == 409
    assert row(ours, own).state == state


def test_an_answer_that_is_on_its_way_comes_first(desks: Desks) -> None:
    ours, _ = desks
    own = offer(ours, "one")
    assert ours.post(f"/offers/{own}/decline", {"note": "too dear"}).status_code == 202
    refused = ours.post(f"/offers/{own}/withdraw", WHY)
    assert refused.status_code == 409
    assert "has answered the offer" in refused.json()["title"]


def test_with_its_playbook_it_is_over_for_good(desks: Desks) -> None:
    ours, _ = desks
    own = offer(ours, "one")
    ours.post(f"/offers/{own}/withdraw", WHY)
    ours.world.change(Intervention, ours.named("one"), outcome="completed", ended_at=ours.now)
    over = ours.post(f"/offers/{own}/restore")
    assert (over.status_code, "playbook that made the offer is over" in over.json()["title"]) == (409, True)
    late = offer(ours, "two")
    ours.world.change(Offer, late, valid_until=ours.now - HOUR)
    ended = ours.post(f"/offers/{late}/withdraw", WHY)
    assert (ended.status_code, "ended by itself" in ended.json()["title"]) == (409, True)


def test_an_answer_that_the_run_took_nevertheless_counts(desks: Desks) -> None:
    ours, _ = desks
    own = offer(ours, "one")
    ours.post(f"/offers/{own}/withdraw", WHY)
    option = OfferOption(kind=OfferKind.BILLING_PAUSE, summary="A pause", months=3)
    terms = Terms(kind=OfferKind.BILLING_PAUSE, months=2)
    with ours.store.write() as session:
        run = session.get_one(Intervention, ours.named("one"))
        made = session.get_one(Offer, own)
        change = OfferChange(
            step=made.step, state=OfferState.ACCEPTED, terms=terms, valid_for=DAY, options=(option,)
        )
        note = Note(key="k", intervention=run.id, kind="command.accept", text="", by="ops", at=ours.now)
        change_offer(session, run, note, change)
    assert (row(ours, own).state, row(ours, own).decided_by) == ("accepted", "ops")
