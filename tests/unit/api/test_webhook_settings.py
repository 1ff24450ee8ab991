"""Webhooks over HTTP: endpoints, their secrets, what was sent to them, and a test that is really posted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from keepwell.api.door import Door
from keepwell.contracts.access import Permission
from keepwell.db.repositories.bulk import put_mapped_in
from keepwell.db.repositories.webhook_desk import add_endpoint, endpoints
from keepwell.db.repositories.webhooks import WebhookRepository
from keepwell.db.repositories.webhooks_out import DEMO, delivery_row
from keepwell.db.tables import Organisation, WebhookDelivery, WebhookEndpoint
from keepwell.keys import new_id
from keepwell.settings import Settings
from tests.fakes.receiver import FakeReceiver
from tests.unit.api.callers import key_for
from tests.unit.api.desk_world import Desk
from tests.unit.api.settings_world import Asked, asked
from tests.unit.db.world import World


@pytest.fixture
def ask(client: TestClient, door: Door) -> Asked:
    return asked(client, World(door.store))


def test_an_endpoint_is_added_with_a_secret_that_is_shown_once(ask: Asked) -> None:
    made = ask.ok("POST", "/webhooks", {"url": "https://example.com/hook", "kinds": ["alert."]})
    assert made["secret"].startswith("whsec_")
    listed = ask("GET", "/webhooks")
    assert made["secret"] not in listed.text
    assert [one["kinds"] for one in listed.json()["items"]] == [["alert."]]
    path = f"/webhooks/{made['endpoint']['id']}"
    assert ask("POST", "/webhooks", {"url": "https://example.com/hook"}).status_code == 409
    rotated = ask.ok("POST", f"{path}/rotate")
    assert rotated["secret"] not in (made["secret"], "")
    assert ask.ok("POST", f"{path}/stop")["endpoint"]["active"] is False
    assert ask("POST", f"{path}/stop").status_code == 409
    assert ask.ok("POST", f"{path}/start")["endpoint"]["active"] is True
    assert ask.ok("DELETE", path)["url"] == "https://example.com/hook"
    assert ask("DELETE", path).status_code == 404
    assert ask.ok("GET", "/webhooks")["items"] == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/hook", "https://169.254.169.254/latest", "ftp://example.com", "nonsense", ""]
)
def test_an_address_that_is_not_on_the_internet_is_refused(url: str, ask: Asked) -> None:
    assert ask("POST", "/webhooks", {"url": url}).status_code == 422
    with ask.world.store.read() as session:
        assert session.exec(select(WebhookEndpoint)).all() == []


def test_a_test_is_posted_and_its_answer_told(client: TestClient, door: Door, ask: Asked) -> None:
    with FakeReceiver() as receiver:
        private = Settings(home=door.settings.home, webhook_private=("127.0.0.1",)).webhook_private
        client.app.state.door = Door(  # type: ignore[attr-defined]
            settings=door.settings.model_copy(update={"webhook_private": private}),
            store=door.store,
            links=door.links,
        )
        made = ask.ok("POST", "/webhooks", {"url": receiver.url, "kinds": ["alert."]})
        receiver.secret = made["secret"]
        path = f"/webhooks/{made['endpoint']['id']}/test"
        told = ask.ok("POST", path)
        assert (told["delivery"]["state"], told["delivery"]["kind"]) == ("delivered", "webhook.test")
        by_channel = ask.ok("POST", "/alert-channels/webhook/test", {})
        assert (by_channel["sent"], by_channel["results"][0]["state"]) == (True, "sent")
        assert ask("POST", "/alert-channels/webhook/test", {"to": "x"}).status_code == 422
    gone = ask.ok("POST", path)
    assert gone["delivery"]["state"] == "failed"
    assert "did not take it" in gone["text"]
    kinds = {one["state"] for one in ask.ok("GET", "/webhooks/deliveries")["items"]}
    assert kinds == {"delivered", "failed"}


def test_what_failed_is_sent_again(ask: Asked) -> None:
    own = ask.ok("POST", "/webhooks", {"url": "https://example.com/hook"})["endpoint"]["id"]
    ask.world.customer("acme")
    ask.ok("PATCH", "/alert-rules", {"inactivity": "off"})
    with ask.world.store.write() as session:
        told = select(WebhookDelivery).where(WebhookDelivery.kind == "alert.rules_changed")
        row = session.exec(told).one()
        row.state, row.why = "failed", "no answer"
        session.add(row)
    one = ask.ok("GET", f"/webhooks/deliveries/{row.id}")
    assert (one["state"], one["kind"]) == ("failed", "alert.rules_changed")
    again = ask.ok("POST", f"/webhooks/deliveries/{row.id}/redeliver")["delivery"]
    assert (again["state"], again["replay"], again["event"]) == ("waiting", 1, one["event"])
    assert ask("POST", f"/webhooks/deliveries/{again['id']}/redeliver").status_code == 409
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    assert ask.ok("POST", "/webhooks/redeliver", {"since": since, "endpoint": own})["count"] == 0
    waiting = ask.ok("GET", "/webhooks/deliveries", params={"state": "waiting"})["items"]
    assert again["id"] in [line["id"] for line in waiting]


def test_deliveries_are_listed_page_by_page_the_newest_first(desks: tuple[Desk, Desk]) -> None:
    mine, _ = desks
    own = mine.world.organisation
    with mine.store.write() as session:
        for name in ("a", "b"):
            url = f"https://{name}.example.com/hook"
            given = {"kinds": ("*",), "secret": "whsec_x", "description": "", "by": "a test", "now": mine.now}
            add_endpoint(session, own, url=url, **given)  # type: ignore[arg-type]
    with mine.store.write() as session:
        for endpoint in endpoints(session, own):
            for number in range(4):
                # Two of each moment: their ids keep them in order.
                at = mine.now - timedelta(minutes=number // 2)
                row = delivery_row(own, endpoint.id, f"event-{number}", "alert.raised", at, identity=new_id())
                put_mapped_in(session, "webhook_delivery", [row])
    headers = key_for(mine.store, own, Permission.OPERATE)
    desk = replace(mine, headers=headers)
    path = "/webhooks/deliveries"
    everything = desk.get(path, limit=200).json()
    assert everything["next"] is None
    listed = everything["items"]
    places = [(datetime.fromisoformat(one["created_at"]), one["id"]) for one in listed]
    assert places == sorted(places, reverse=True)
    ours = [one for one in listed if one["kind"] == "alert.raised"]
    assert len(ours) == 8
    assert {one["url"] for one in ours} == {f"https://{name}.example.com/hook" for name in "ab"}
    assert desk.pages(path, limit=3) == listed
    first = desk.get(path, limit=3, state="waiting").json()
    assert (len(first["items"]), first["next"] is None) == (3, False)
    there = {one["endpoint"] for one in desk.pages(path, limit=1, endpoint=ours[0]["endpoint"])}
    assert there == {ours[0]["endpoint"]}
    assert desk.get(path, cursor="nonsense").status_code == 422


def test_another_organisation_s_webhooks_do_not_exist(ask: Asked) -> None:
    own = ask.ok("POST", "/webhooks", {"url": "https://example.com/hook"})["endpoint"]["id"]
    ask.world.add(Organisation(id="org-2", key="other", name="Other", created_at=datetime.now(UTC)))
    scopes = (Permission.CONFIGURE, Permission.OPERATE)
    theirs = Asked(ask.client, ask.world, key_for(ask.world.store, "org-2", *scopes))
    assert theirs.ok("GET", "/webhooks")["items"] == []
    for method, path in (
        ("POST", f"/webhooks/{own}/rotate"),
        ("POST", f"/webhooks/{own}/stop"),
        ("POST", f"/webhooks/{own}/test"),
        ("DELETE", f"/webhooks/{own}"),
    ):
        assert theirs(method, path).status_code == 404, path


def test_a_demo_calls_nobody(client: TestClient, door: Door, ask: Asked) -> None:
    """Whoever may enter one could else let it call whomever they like."""
    with FakeReceiver() as receiver:
        private = ("127.0.0.1",)
        client.app.state.door = Door(  # type: ignore[attr-defined]
            settings=door.settings.model_copy(update={"webhook_private": private}),
            store=door.store,
            links=door.links,
        )
        made = ask.ok("POST", "/webhooks", {"url": receiver.url, "kinds": ["alert."]})
        receiver.secret = made["secret"]
        ask.world.change(Organisation, ask.world.organisation, demo=True)
        refused = ask("POST", "/webhooks", {"url": "https://example.com/hook"})
        assert (refused.status_code, refused.json()["title"]) == (409, f"{DEMO}.")
        # One that was entered before is not called either, nor by a test.
        told = ask.ok("POST", f"/webhooks/{made['endpoint']['id']}/test")
        assert (told["delivery"]["state"], told["delivery"]["why"]) == ("failed", DEMO)
        by_channel = ask.ok("POST", "/alert-channels/webhook/test", {})
        assert (by_channel["sent"], DEMO in by_channel["text"]) == (False, True)
        again = ask.ok("POST", f"/webhooks/deliveries/{told['delivery']['id']}/redeliver")
        assert WebhookRepository(door.store).begin(again["delivery"]["id"], datetime.now(UTC)) is None
        assert receiver.headers == []
    lines = ask.ok("GET", "/webhooks/deliveries")["items"]
    assert {(one["state"], one["why"]) for one in lines} == {("failed", DEMO)}
