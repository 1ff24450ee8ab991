"""Who reads messages gets no link by which its reader answers; the message itself stays as it was sent."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from keepwell.contracts.access import Permission, Role
from keepwell.contracts.drafts import Proposal
from keepwell.contracts.rendering import Rendered
from keepwell.db.repositories.offer_words import offer_url
from keepwell.db.repositories.views_messages import message
from keepwell.db.tables import InAppNotification, InboundMessage, Offer, OutboxMessage
from keepwell.links import LinkRefusedError, Links, Use, preferences_url, unsubscribe_url
from keepwell.replies import Way, new_token, reply_address
from tests.unit.api.callers import sign_in
from tests.unit.api.conftest import PUBLIC
from tests.unit.api.desk_world import Desk
from tests.unit.api.test_v1_drafts import drafted
from tests.unit.api.test_v1_messages import offer

LINKS = Links(SecretStr("k" * 40), PUBLIC)
Desks = tuple[Desk, Desk]


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")


def links_of(desk: Desk) -> tuple[str, str, str]:
    """To an offer, to the wishes, and out of a kind of messages."""
    made = offer(desk, "o1")
    with desk.store.read() as session:
        to_offer = offer_url(LINKS, session.get_one(Offer, made), "ann")
    return to_offer, preferences_url(LINKS, "ann"), unsubscribe_url(LINKS, "ann", "growth")


def sent(desk: Desk) -> tuple[str, dict[str, Any]]:
    """An email in the outbox with all that only its reader may have; its id, and what the row holds."""
    see, wishes, out = links_of(desk)
    reply, leave = (reply_address("reply.example", new_token(), way) for way in Way)
    row: dict[str, Any] = {
        "text": f"See {see}\n\nYour wishes: {wishes}\nOur offers: https://brightdesk.example/offers/spring",
        "html": f'<p><a href="{see}">See</a> <a href="{out}">No more</a></p>',
        "headers": {"List-Unsubscribe": f"<{out}>, <mailto:{leave}>", "Reply-To": reply},
        "attachments": {"offer.html": f'<a href="{see}">See</a>'},
    }
    own = desk.named("m1")
    desk.world.add(
        OutboxMessage(
            id=own,
            organisation_id=desk.world.organisation,
            customer_id=desk.named("acme"),
            key=own,
            channel="email",
            recipient_name="Ann Lee",
            address="ann@acme.example",
            sender_name="Dana Reyes",
            sender_address="dana@brightdesk.example",
            subject="An offer",
            accepted_at=desk.now,
            **row,
        )
    )
    return own, row


def tokens(text: str) -> list[str]:
    """All in a text that opens something, with its key or without."""
    signed = [one for one in re.findall(r"[\w.-]{20,}", text) if any(_opens(use, one) for use in Use)]
    return signed + re.findall(r"[0-9a-f]{32}", text)


def _opens(use: Use, token: str) -> bool:
    try:
        LINKS.read(use, token)
    except LinkRefusedError:
        return False
    return True


def test_messages_are_shown_without_their_readers_links(desks: Desks) -> None:
    ours, _ = desks
    own, row = sent(ours)
    assert len(tokens(str(row))) == 8, "the test itself sees them"
    reader = ours.as_who(Permission.READ)
    answer = reader.get(f"/outbox/{own}")
    assert (answer.status_code, tokens(answer.text)) == (200, [])
    assert "https://brightdesk.example/offers/spring" in answer.text, "others' links stay"
    shown = answer.json()
    assert shown["text"].startswith(f"See {PUBLIC}/offers/…\n\nYour wishes: {PUBLIC}/preferences/…\n")
    assert shown["html"].startswith(f'<p><a href="{PUBLIC}/offers/…">See</a>')
    assert shown["headers"]["List-Unsubscribe"] == f"<{PUBLIC}/preferences/…>, <mailto:u+…@reply.example>"
    with ours.store.read() as session:
        kept = session.get_one(OutboxMessage, own)
        assert {name: getattr(kept, name) for name in row} == row, "what was sent stays"
        assert message(session, ours.world.organisation, own).text == row["text"], "the command line's"


def test_pages_show_them_the_same(desks: Desks) -> None:
    ours, _ = desks
    own, _row = sent(ours)
    contact = ours.world.contact(ours.named("ann"), ours.named("acme"), name="Ann Lee")
    told = ours.named("n1")
    ours.world.add(
        InAppNotification(
            id=told,
            key=told,
            organisation_id=ours.world.organisation,
            customer_id=ours.named("acme"),
            contact_id=contact,
            title="An offer",
            body="For you",
            action_label="See it",
            action_url=any_offer(),
            created_at=ours.now,
        )
    )
    quoted = ours.named("l1")
    ours.world.add(
        InboundMessage(
            id=quoted,
            message_id=quoted,
            organisation_id=ours.world.organisation,
            customer_id=ours.named("acme"),
            received_at=ours.now,
            from_address="ann@acme.example",
            subject="Re: An offer",
            text=f"Yes.\n> See {any_offer()}",
            effect="an answer",
        )
    )
    assert tokens(ours.get(f"/letters/{quoted}").text) == []
    sign_in(ours.client, ours.store, ours.world.organisation, Role.CSM)
    for path in (
        f"messages/{own}",
        f"message-panel/{own}",
        f"messages/{told}",
        f"message-panel/{told}",
        f"letter-panel/{quoted}",
    ):
        page = ours.client.get(f"/console/{path}", headers={"Accept": "text/html"})
        assert page.status_code == 200, path
        assert tokens(re.sub(r"/console/\S+", "", page.text)) == [], path
    assert "offers/…" in page.text


def any_offer() -> str:
    """An offer's address, of whatever offer."""
    return LINKS.url("offers", LINKS.token(Use.OFFER, {"offer": "o", "contact": "ann"}))


def test_who_may_change_a_draft_sees_the_links_that_go_out_with_it(desks: Desks) -> None:
    """Else the text that comes back would have none."""
    ours, _ = desks
    text = f"Dear Ann,\n\nsee {any_offer()}\n\nDana"
    rendered = Rendered(subject="Hello", text=text, html="")
    draft = drafted(ours, proposal=Proposal(text=rendered, frame=None))
    assert len(tokens(ours.get(f"/drafts/{draft}").text)) == 2, "text and own_text"
    reader = ours.as_who(Permission.READ)
    found = reader.get(f"/drafts/{draft}")
    assert (found.status_code, tokens(found.text)) == (200, [])
    assert f"see {PUBLIC}/offers/…" in found.json()["own_text"]
    assert reader.post(f"/drafts/{draft}/edit", {"text": "Mine"}).status_code == 403


def test_the_links_themselves_still_open(client: TestClient) -> None:
    """The veil is over what is shown, not over what is asked for."""
    assert client.get(any_offer()).status_code == 404, "ours, but of no offer there is"
    assert "not one of ours" not in client.get(any_offer()).text
