"""The pages of playbooks and rehearsals over HTTP: who sees what, and how messages are framed."""

from __future__ import annotations

import re
import time

import pytest
from fastapi.testclient import TestClient

from keepwell.api.door import Door
from keepwell.contracts.access import Role
from tests.unit.api.callers import sign_in
from tests.unit.db.world import World
from tests.workflows.rehearsal_world import furnish

REHEARSE = "/console/playbooks/rehearse"


@pytest.fixture
def world(door: Door) -> World:
    """Brightdesk, whose customer Acme can be rehearsed."""
    world = World(door.store)
    world.can_send()
    world.staff("lena", role="lead")
    world.staff("dana", manager_id="lena")
    furnish(world)
    return world


def rehearsed(client: TestClient, headers: dict[str, str], *typed: str) -> str:
    """A rehearsal that is over."""
    asked = {"customer": "Acme", "playbook": "critical", "typed": typed}
    begun = client.post("/api/v1/rehearsals", json=asked, headers=headers)
    assert begun.status_code == 202, begun.text
    end = time.monotonic() + 60
    while time.monotonic() < end:
        told = client.get(f"/api/v1/rehearsals/{begun.json()['id']}").json()
        if told["state"] == "done":
            return str(told["id"])
        time.sleep(0.2)
    raise AssertionError(told)


def test_only_operations_can_switch_and_stop(client: TestClient, world: World) -> None:
    sign_in(client, world.store, world.organisation, Role.CSM)
    for path in ("/console/playbooks", "/console/playbooks/critical"):
        shown = client.get(path)
        assert shown.status_code == 200
        assert "/api/v1/switches" not in shown.text
        assert "/mode" not in shown.text
    sign_in(client, world.store, world.organisation, Role.OPS)
    assert "POST /api/v1/switches" in client.get("/console/playbooks").text
    one = client.get("/console/playbooks/critical").text
    assert "POST /api/v1/playbooks/critical/mode" in one
    # The mode it has is no button.
    assert len(re.findall(r"data-act=\"POST /api/v1/playbooks/critical/mode\"", one)) == 2


def test_an_earlier_version_is_shown_and_says_so(client: TestClient, world: World) -> None:
    sign_in(client, world.store, world.organisation, Role.CSM)
    shown = client.get("/console/playbooks/critical@1").text
    assert "This is critical@1; in force is" in shown
    assert f"{REHEARSE}?playbook=critical@1" in shown
    missing = client.get("/console/playbooks/nothing", headers={"accept": "text/html"})
    assert missing.status_code == 404
    assert "There is no playbook" in missing.text


def test_a_customer_sees_no_playbook(client: TestClient, world: World) -> None:
    sign_in(client, world.store, world.organisation, Role.CLIENT, customer="acme")
    for path in ("/console/playbooks", "/console/playbooks/critical", REHEARSE, f"{REHEARSE}/customers"):
        assert client.get(path).status_code == 403
    client.cookies.clear()
    assert client.get(REHEARSE).status_code in (303, 401)


def test_a_message_is_framed_and_nothing_of_it_runs(client: TestClient, world: World) -> None:
    headers = sign_in(client, world.store, world.organisation, Role.CSM)
    identity = rehearsed(client, headers, "reply 1h")
    page = client.get(f"{REHEARSE}/{identity}")
    assert page.status_code == 200
    assert 'data-state="done"' in page.text
    frames = re.findall(
        r'<iframe sandbox loading="lazy" title="[^"]+" height="\d+" src="([^"]+)">', page.text
    )
    assert frames
    assert "<iframe" not in re.sub(r"<iframe sandbox ", "", page.text)
    # No style and no script within the page: its policy would block them.
    assert "style=" not in page.text
    assert not re.search(r"<script(?![^>]* src=)", page.text)
    framed = client.get(frames[0])
    assert framed.status_code == 200
    policy = framed.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "frame-ancestors 'self'" in policy
    assert framed.headers["x-frame-options"] == "SAMEORIGIN"
    assert "Acme" in framed.text
    assert client.get(f"{REHEARSE}/{identity}/messages/999").status_code == 404
    alone = client.get(f"{REHEARSE}/{identity}/page")
    assert alone.status_code == 200
    assert "Nothing was sent" in alone.text or "nothing was sent" in alone.text


def test_another_organisation_sees_none_of_a_rehearsal(client: TestClient, world: World) -> None:
    headers = sign_in(client, world.store, world.organisation, Role.CSM)
    identity = rehearsed(client, headers, "reply 1h")
    World(world.store, "org-2", key="other")
    sign_in(client, world.store, "org-2", Role.ADMIN)
    for path in ("", "/page", "/messages/0"):
        assert client.get(f"{REHEARSE}/{identity}{path}").status_code == 404
    form = client.get(f"{REHEARSE}?customer=acme")
    assert form.status_code == 200
    assert identity not in form.text
    assert "Acme" not in form.text
    assert "dana" not in form.text.lower()
    assert "Acme" not in client.get(f"{REHEARSE}/customers?customer=Ac").text


def test_an_address_fills_the_form(client: TestClient, world: World) -> None:
    sign_in(client, world.store, world.organisation, Role.CSM)
    asked = "playbook=critical@2&customer=acme&compare=critical@1&acknowledge=never&typed=score+2d%3D40"
    shown = client.get(f"{REHEARSE}?{asked}").text
    assert '<option value="critical@2" selected>' in shown
    assert '<option value="critical@1" selected>' in shown
    assert 'value="Acme" data-id="acme"' in shown
    assert "score 2d=40" in shown
    strange = client.get(f"{REHEARSE}?playbook=%3Cscript%3E", headers={"accept": "text/html"})
    assert strange.status_code == 404
    assert "<script>" not in strange.text
