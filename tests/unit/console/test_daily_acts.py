"""Buttons for what people do daily: wishes, deadlines, a customer's stop, closed tasks, letters, offers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from keepwell.contracts.access import Permission, Role
from keepwell.db.repositories.switches import Stop, throw
from keepwell.db.tables import InboundMessage, Intervention
from keepwell.keys import reply_key
from tests.unit.api.desk_world import Desk
from tests.unit.api.test_v1_messages import offer
from tests.unit.console.seen import looked, page, tags, words
from tests.unit.console.signed import as_role

ACME = "acme-org-1"
URL = f"/console/customers/{ACME}"


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")


def acts(html: str) -> list[str]:
    """What the forms and buttons of a page call."""
    both = [*tags(html, "form"), *tags(html, "button")]
    return [one.get("data-act") or one.get("data-act-for") or "" for one in both]


def send(desk: Desk, act: str, body: dict[str, Any]) -> Any:
    """What a form of the page sends."""
    method, path = act.split(" ")
    return desk.client.request(method, path, json=body, headers=desk.headers)


def opened(html: str, dialog: str) -> list[dict[str, str]]:
    """What the buttons that open a dialog give it."""
    return [
        json.loads(one["data-with"] or "{}") for one in tags(html, "button") if one.get("data-open") == dialog
    ]


def test_a_contacts_wishes_are_seen_and_noted_from_the_page(desk: Desk, other: Desk) -> None:
    ann = desk.world.contact("ann", ACME, name="Ann Lee")
    panel = next(
        one["data-panel"] or ""
        for one in tags(page(desk, URL), "button")
        if one.get("aria-label") == "Wishes: Ann Lee"
    )
    html = page(desk, panel)
    assert "never said whether we may write" in words(html)
    wish, consent = (one for one in acts(html) if one)
    fields = {"purpose": "offers", "wanted": False, "why": "She said so"}
    assert send(desk, wish, fields).json()["changed"] is True
    assert (
        send(desk, consent, {"consent": "denied", "why": "She said so"}).json()["undo"]["body"]["consent"]
        == "unknown"
    )
    again = words(page(desk, panel))
    assert "wants no messages at all" in again
    assert "Ann Lee has withdrawn consent" in again
    assert "wants no offers" in words(page(desk, URL))
    desk.world.suppress("ann@customer.example")
    assert "Nothing is sent to this address (bounced)" in words(page(desk, panel))
    other.world.contact("eve", "acme-else-where")
    assert looked(desk, "/console/wishes-panel/eve").status_code == 404
    assert ann in panel


def test_a_tasks_deadline_is_moved_from_its_row(desk: Desk) -> None:
    task = desk.task("t", ACME, owner_id=desk.named("dana"))
    html = page(desk, URL)
    assert opened(html, "due")[0]["ref"] == task
    form = next(one for one in tags(html, "form") if (one.get("data-act-for") or "").endswith("/due"))
    assert form["data-act-for"] == "POST /api/v1/tasks/{ref}/due"
    assert opened(page(desk, "/console?whose=mine"), "due")[0]["ref"] == task


def test_one_customers_sending_is_stopped_and_goes_on_for_who_may(desk: Desk) -> None:
    assert "stop-sending" not in [one.get("data-open") for one in tags(page(desk, URL), "button")]
    ops = as_role(desk, Role.OPS)
    html = page(ops, URL)
    assert "stop-sending" in [one.get("data-open") for one in tags(html, "button")]
    form = next(one for one in tags(html, "form") if one.get("data-act") == "POST /api/v1/switches")
    body = json.loads(form["data-body"] or "")
    assert send(ops, form["data-act"] or "", {**body, "reason": "They asked"}).json()["changed"] is True
    html = page(ops, URL)
    assert "Nothing is sent to Acme: Robin Clarke stopped it" in words(html)
    assert "They asked" in words(html)
    lift = next(one for one in tags(html, "form") if one.get("data-act") == "DELETE /api/v1/switches")
    body = json.loads(lift["data-body"] or "")
    assert send(ops, lift["data-act"] or "", {**body, "reason": "Settled"}).json()["text"] == "It goes on."
    assert "Nothing is sent to Acme" not in words(page(ops, URL))


def test_a_csm_reads_why_nothing_is_sent(desk: Desk) -> None:
    with desk.store.write() as session:
        stop = Stop(desk.world.organisation, "customer", ACME)
        throw(session, stop, reason="In court", by="Omar Haddad", now=desk.now)
    html = page(desk, URL)
    assert "Omar Haddad stopped it" in words(html)
    assert "lift-stop" not in [one.get("data-open") for one in tags(html, "button")]


def test_closed_tasks_are_below_and_say_why_they_stay_closed(desk: Desk) -> None:
    free = desk.task(
        "free", ACME, state="done", closed_by="Dana Reyes", closed_at=desk.now, note="Spoke to Ann"
    )
    run = desk.intervention("run", ACME)
    with desk.store.read() as session:
        step = next(iter(desk.steps(session, run, "task"))).name
    desk.task(
        "told", ACME, state="done", closed_by="Dana", closed_at=desk.now, intervention_id=run, step=step
    )
    html = page(desk, URL)
    assert f"POST /api/v1/tasks/{free}/reopen" in acts(html)
    assert sum("/reopen" in one for one in acts(html)) == 1
    assert "Spoke to Ann" in words(html)
    assert f"It stays closed: its playbook was told that step {step}" in words(html)


def test_a_letter_is_handled_in_one_go(desk: Desk) -> None:
    desk.world.add(
        InboundMessage(
            id="letter-1",
            message_id="<one@x>",
            organisation_id=desk.world.organisation,
            customer_id=ACME,
            from_address="ann@acme.example",
            subject="Re: Hello",
            text="Call me.",
            received_at=desk.now,
        )
    )
    task = desk.task(
        "t", ACME, kind="reply", key=reply_key("<one@x>"), created_at=desk.now, owner_id=desk.named("dana")
    )
    button = next(
        one
        for one in tags(page(desk, "/console?whose=mine"), "button")
        if (one.get("data-act") or "").endswith("/close")
    )
    assert button["data-act"] == f"POST /api/v1/tasks/{task}/close"
    panel = page(desk, "/console/letter-panel/letter-1")
    assert "Handled not yet" in words(panel)
    assert button["data-act"] in acts(panel)
    done = send(desk, button["data-act"] or "", json.loads(button["data-body"] or ""))
    assert done.status_code == 200, done.text
    assert "Re: Hello" not in words(page(desk, "/console?whose=mine"))
    panel = page(desk, "/console/letter-panel/letter-1")
    assert "Handled Dana Reyes, " in words(panel)
    assert f"POST /api/v1/tasks/{task}/reopen" in acts(panel)


def test_an_open_offer_can_be_withdrawn_where_it_stands(desk: Desk) -> None:
    own = offer(desk, "one")
    for path in ("/console/offers", URL):
        html = page(desk, path)
        assert opened(html, "withdraw")[0]["ref"] == own
        assert "POST /api/v1/offers/{ref}/withdraw" in acts(html)
    send(desk, f"POST /api/v1/offers/{own}/withdraw", {"reason": "The wrong plan"})
    assert opened(page(desk, URL), "withdraw") == []
    assert "The wrong plan" in words(page(desk, "/console/offers?state=withdrawn"))


def test_a_playbook_that_is_gone_is_listed_while_it_runs(desk: Desk, other: Desk) -> None:
    assert "Not in this version any more" not in words(page(desk, "/console/playbooks"))
    for key in ("a", "b"):
        desk.world.change(Intervention, desk.intervention(key, ACME), playbook="old_ways", version=2)
    foreign = other.intervention("c", "acme-else-where")
    other.world.change(Intervention, foreign, playbook="their_ways")
    html = page(desk, "/console/playbooks")
    assert "old ways old_ways@2 2 still run" in words(html)
    assert "their_ways" not in html
    (line,) = desk.as_who(Permission.READ).get("/playbooks").json()["retired"]
    assert (line["name"], line["open"], line["versions"]) == ("old_ways", 2, [{"version": 2, "count": 2}])
    desk.world.change(Intervention, desk.named("a"), outcome="stopped")
    assert "1 still runs" in words(page(desk, "/console/playbooks"))


def test_an_error_leads_each_to_their_own_page(desk: Desk) -> None:
    client = as_role(desk, Role.OPS)
    for who, path in ((desk, "/console/customers/no-such"), (client, "/success")):
        answer = looked(who, path)
        assert answer.status_code in (403, 404)
        assert [one.get("href") for one in tags(answer.text, "a")] == ["/"]


def test_a_level_is_enrolled_by_operations(desk: Desk) -> None:
    assert "enrol-level" not in page(desk, "/console/portfolio")
    html = page(as_role(desk, Role.OPS), "/console/portfolio")
    assert "POST /api/v1/enrolments" in acts(html)
    levels = [one.get("value") for one in tags(html, "option")]
    assert {"CRITICAL", "HIGH_RISK", "AT_RISK"} <= set(levels)


def test_an_account_names_its_customer(desk: Desk) -> None:
    admin = as_role(desk, Role.ADMIN, "Ada Admin")
    html = page(admin, "/console/settings/access")
    field = next(one for one in tags(html, "input") if one.get("data-as") == "customer_id")
    assert field["hx-get"] == "/console/playbooks/rehearse/customers"
    found = tags(page(admin, f"{field['hx-get']}?{field['name']}=acm"), "option")
    assert [(one["value"], one["data-id"]) for one in found] == [("Acme", ACME)]
    given = {"email": "ann@acme.example", "name": "Ann Lee", "role": "client"}
    for number, customer in enumerate((ACME, "acme")):
        body = {**given, "email": f"ann{number}@acme.example", "customer_id": customer}
        made = send(admin, "POST /api/v1/accounts", body)
        assert (made.status_code, made.json()["customer_id"]) == (201, ACME), made.text
    refused = send(admin, "POST /api/v1/accounts", {**given, "customer_id": "acme-else-where"})
    assert refused.status_code == 404
    assert "sees the page of Acme" in words(page(admin, "/console/settings/access"))
