"""SendGrid's event webhook: what is signed is taken, all else is refused and leaves nothing behind."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlmodel import select

from keepwell.api.door import Door
from keepwell.db.tables import Delivery, ProviderEvent, Suppression
from keepwell.web import create_app
from tests.unit.api.conftest import PUBLIC
from tests.unit.db.mailed import mailed

PATH = "/webhooks/sendgrid/events"
PRIVATE = ec.generate_private_key(ec.SECP256R1())
Post = Callable[..., Response]


def public(private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    """A verification key as SendGrid shows it."""
    der = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(der).decode()


def signed(
    body: bytes, *, at: float | None = None, by: ec.EllipticCurvePrivateKey = PRIVATE
) -> dict[str, str]:
    """The headers of a request of SendGrid's."""
    stamp = str(int(time.time() if at is None else at))
    signature = by.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
    }


@pytest.fixture
def key(door: Door) -> str:
    return mailed(door.store)[1]


@pytest.fixture
def asked(door: Door, key: str) -> Iterator[TestClient]:
    yield from client_with(door, public(PRIVATE))


def client_with(door: Door, verification: str) -> Iterator[TestClient]:
    settings = door.settings.model_copy(update={"sendgrid_webhook_key": verification})
    app = create_app(Door(settings=settings, store=door.store, links=door.links))
    with TestClient(app, base_url=PUBLIC, raise_server_exceptions=False) as client:
        yield client


def body_of(*events: Any) -> bytes:
    return json.dumps(list(events)).encode()


def event(key: str, kind: str = "delivered", number: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "email": "pat@customer.example",
        "timestamp": 1_760_000_000 + number,
        "event": kind,
        "sg_event_id": f"{kind}-{number}",
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
        "keepwell_key": key,
        "ip": "203.0.113.7",
        **fields,
    }


def kept(door: Door) -> list[ProviderEvent]:
    with door.store.read() as session:
        return list(session.exec(select(ProviderEvent)).all())


def state(door: Door, key: str) -> str:
    with door.store.read() as session:
        return session.get_one(Delivery, key).state


def test_what_sendgrid_signed_is_taken(asked: TestClient, door: Door, key: str) -> None:
    body = body_of(event(key, "processed"), event(key, "delivered", response="250 OK"))
    assert asked.post(PATH, content=body, headers=signed(body)).status_code == 204
    assert state(door, key) == "delivered"
    assert sorted(row.kind for row in kept(door)) == ["accepted", "delivered"]
    assert {row.organisation_id for row in kept(door)} == {"org-1"}
    assert {row.at for row in kept(door)} == {datetime.fromtimestamp(1_760_000_001, UTC)}


def test_no_address_of_a_person_or_machine_is_kept(asked: TestClient, door: Door, key: str) -> None:
    body = body_of(event(key, "open", useragent="Mozilla/5.0"))
    asked.post(PATH, content=body, headers=signed(body))
    [row] = kept(door)
    assert row.data == {"event": "open", "sg_message_id": event(key)["sg_message_id"]}


def test_a_request_that_is_played_again_changes_nothing(asked: TestClient, door: Door, key: str) -> None:
    body = body_of(event(key, "bounce", type="bounce", reason="550 5.1.1 no such user"))
    headers = signed(body)
    answers = [asked.post(PATH, content=body, headers=headers).status_code for _ in range(3)]
    assert answers == [204, 204, 204]
    again = signed(body, at=time.time() - 30)
    assert asked.post(PATH, content=body, headers=again).status_code == 204
    assert len(kept(door)) == 1
    with door.store.read() as session:
        assert len(session.exec(select(Suppression)).all()) == 1


def headers_that_are_not_right(body: bytes) -> dict[str, dict[str, str]]:
    good = signed(body)
    name = "X-Twilio-Email-Event-Webhook-Signature"
    stamp = "X-Twilio-Email-Event-Webhook-Timestamp"
    return {
        "none": {},
        "no signature": {stamp: good[stamp]},
        "no time": {name: good[name]},
        "somebody else's": signed(body, by=ec.generate_private_key(ec.SECP256R1())),
        "not base64": good | {name: "%%%a"},
        "not a signature": good | {name: base64.b64encode(b"nonsense").decode()},
        "another time": good | {stamp: str(int(good[stamp]) - 1)},
        "words for a time": good | {stamp: "yesterday"},
        "a time with a sign": good | {stamp: f"-{good[stamp]}"},
        "old": signed(body, at=time.time() - 301),
        "very old": signed(body, at=0),
        "from the future": signed(body, at=time.time() + 120),
    }


@pytest.mark.parametrize("which", sorted(headers_that_are_not_right(b"[]")))
def test_what_is_not_signed_by_sendgrid_lately_is_refused(
    which: str, asked: TestClient, door: Door, key: str
) -> None:
    body = body_of(event(key, "bounce"))
    answer = asked.post(PATH, content=body, headers=headers_that_are_not_right(body)[which])
    assert answer.status_code == 403
    assert answer.json()["title"] == "This request is not accepted."
    assert kept(door) == []
    assert state(door, key) == "accepted"


def test_a_small_difference_of_clocks_is_none(asked: TestClient, key: str) -> None:
    for number, away in enumerate((-290, 50)):
        body = body_of(event(key, "open", number))
        assert asked.post(PATH, content=body, headers=signed(body, at=time.time() + away)).status_code == 204


def test_a_body_that_was_changed_is_refused(asked: TestClient, door: Door, key: str) -> None:
    body = body_of(event(key, "delivered"))
    for other in (body.replace(b"delivered", b"bounce"), body + b" ", b"", b"\xff\xfe"):
        assert asked.post(PATH, content=other, headers=signed(body)).status_code == 403
    assert kept(door) == []


@pytest.mark.parametrize(
    "verification",
    ["", "A" * 60, public(rsa.generate_private_key(public_exponent=65537, key_size=2048))],
    ids=["none", "no key", "of another kind"],
)
def test_without_a_key_of_sendgrids_nothing_is_taken(verification: str, door: Door, key: str) -> None:
    body = body_of(event(key, "bounce"))
    for client in client_with(door, verification):
        assert client.post(PATH, content=body, headers=signed(body)).status_code == 403
    assert kept(door) == []


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"null",
        b"not json",
        b"",
        b'"text"',
        b"[" * 100_000,
        b'[{"timestamp": NaN, "event": "open", "sg_event_id": "x"}]',
        b'[{"timestamp": Infinity}]',
        b"[" + b"9" * 10_000 + b"]",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_signed_body_that_is_no_list_of_events_is_refused(
    body: bytes, asked: TestClient, door: Door
) -> None:
    assert asked.post(PATH, content=body, headers=signed(body)).status_code == 422
    assert kept(door) == []


def test_a_body_that_is_too_big_is_refused_before_it_is_read(asked: TestClient, door: Door, key: str) -> None:
    body = body_of(event(key, "open", url="x" * 1_100_000))
    assert asked.post(PATH, content=body, headers=signed(body)).status_code == 413
    pieces = (body[start : start + 65_536] for start in range(0, len(body), 65_536))
    assert asked.post(PATH, content=pieces, headers=signed(body)).status_code == 413
    assert kept(door) == []


ODD: tuple[Any, ...] = (
    None,
    7,
    "text",
    [],
    {},
    {"event": "open"},
    {"sg_event_id": "x"},
    {"event": 7, "sg_event_id": "x"},
    {"event": "open", "sg_event_id": 7},
    {"event": "open", "sg_event_id": ""},
    {"event": "open", "sg_event_id": "x" * 121},
    {"event": "open", "sg_event_id": "a\u0000b"},
    {"event": "open", "sg_event_id": "\ud800"},
)


def test_entries_that_are_no_events_do_not_keep_the_others_out(
    asked: TestClient, door: Door, key: str
) -> None:
    body = body_of(*ODD, event(key))
    assert asked.post(PATH, content=body, headers=signed(body)).status_code == 204
    assert [row.kind for row in kept(door)] == ["delivered"]


@pytest.mark.parametrize(
    "fields",
    [
        {"timestamp": "soon"},
        {"timestamp": None},
        {"timestamp": True},
        {"timestamp": 1.5},
        {"timestamp": -1},
        {"timestamp": 10**30},
        {"timestamp": 4_000_000_000},
        {"reason": {"deep": [1]}},
        {"reason": "a\u0000b\ud800\r\nBcc: x"},
        {"reason": "x" * 100_000},
        {"url": ["x"]},
        {"sg_message_id": 7},
        {"sg_machine_open": "perhaps"},
        {"event": "brand_new_kind"},
        {"event": "x" * 10_000},
        {"type": ["blocked"]},
    ],
    ids=lambda fields: repr(fields)[:40],
)
def test_odd_fields_are_kept_as_far_as_they_can_be(
    fields: dict[str, Any], asked: TestClient, door: Door, key: str
) -> None:
    body = body_of(event(key, "bounce") | fields)
    assert asked.post(PATH, content=body, headers=signed(body)).status_code == 204
    [row] = kept(door)
    assert row.at <= datetime.now(UTC)
    texts = [*row.data.values(), row.kind]
    assert all(len(text) <= 500 and text.isprintable() for text in texts)


@pytest.mark.parametrize(
    "odd", [None, 7, "", "x" * 300, "a\u0000b", "\ud800", ["x"], "' OR 1=1 --"], ids=repr
)
def test_a_key_that_is_none_of_ours_has_no_effect(odd: Any, asked: TestClient, door: Door, key: str) -> None:
    body = body_of(event(key, "bounce") | {"keepwell_key": odd})
    assert asked.post(PATH, content=body, headers=signed(body)).status_code == 204
    [row] = kept(door)
    assert (row.organisation_id, row.effect) == (None, "no message of ours")
    assert state(door, key) == "accepted"


def test_ten_thousand_events_at_once(asked: TestClient, door: Door, key: str) -> None:
    small = [{"event": "open", "sg_event_id": f"e{number}", "timestamp": 1} for number in range(10_000)]
    body = body_of(*small, event(key))
    began = time.process_time()
    assert asked.post(PATH, content=body, headers=signed(body)).status_code == 204
    assert len(kept(door)) == 10_001
    assert state(door, key) == "delivered"
    assert asked.post(PATH, content=body, headers=signed(body)).status_code == 204
    assert len(kept(door)) == 10_001
    assert time.process_time() - began < 60


def test_one_that_cannot_be_written_does_not_keep_the_others_out(
    asked: TestClient, door: Door, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SendGrid is told to send them again, and what is there by then is dropped."""
    calls: list[str] = []

    def broken(_session: Any, _row: Any, report: Any, _now: Any) -> str:
        calls.append(report.event_id)
        if report.event_id == "bounce-1":
            raise ValueError("a mistake of ours")
        return ""

    monkeypatch.setattr("keepwell.db.repositories.provider_events.act_on", broken)
    body = body_of(event(key, "bounce"), event(key, "open"))
    answer = asked.post(PATH, content=body, headers=signed(body))
    assert (answer.status_code, answer.json()["retryable"]) == (503, True)
    assert [row.kind for row in kept(door)] == ["opened"]
    monkeypatch.undo()
    assert asked.post(PATH, content=body, headers=signed(body)).status_code == 204
    assert sorted(row.kind for row in kept(door)) == ["bounced", "opened"]


def test_only_a_post_is_an_event(asked: TestClient) -> None:
    assert asked.get(PATH).status_code == 405
