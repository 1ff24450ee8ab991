"""The page of alerts: which it lists, what it says of each, and what can be done about them."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from keepwell.api.door import Door
from keepwell.console.alerts import evidence
from keepwell.console.lists import SEVERITIES, TRIGGERS
from keepwell.contracts.access import Role
from keepwell.db.repositories.views_alerts import alerts
from keepwell.db.tables import Alert, Customer
from scoring.signal import Severity, Trigger
from tests.unit.api.callers import sign_in
from tests.unit.api.desk_world import HOUR, Desk
from tests.unit.console.seen import NAMES, looked, page, tags, words

PATH = "/console/alerts"


def rows(html: str) -> list[str]:
    """The ids of the alerts, in the order of the page."""
    return [one["data-row"] or "" for one in tags(html, "li") if "data-row" in one]


def test_nothing_noticed_says_what_would_be_here(desk: Desk) -> None:
    assert "Nothing is noticed now." in words(page(desk, PATH))


def test_every_trigger_and_severity_has_words() -> None:
    assert set(TRIGGERS) == set(Trigger)
    assert set(SEVERITIES) == set(Severity)


def test_an_alert_says_why_whose_it_is_and_what_its_playbook_made_of_it(desk: Desk) -> None:
    alert = desk.alert(desk.named("acme"))
    told = {"words": "a payment failed", "evidence": {"invoice": "A-17", "amount": 120.0, "days": 3.0}}
    late = {"due_at": desk.now - HOUR, "decision": "refused", "reason": "critical@3 runs"}
    desk.world.change(Alert, alert, **told, **late)
    said = words(page(desk, PATH))
    for one in ("1 alert", "Acme", "Dana Reyes", "A payment failed.", "Invoice A-17", "Amount 120"):
        assert one in said, one
    assert "Should have been in hand 1 h ago" in said
    assert "No playbook began: “Critical” runs" in said
    assert "Days" not in said, "the sentence says it"


def test_where_a_playbook_began_the_customer_s_page_shows_it(desk: Desk) -> None:
    run = desk.intervention("run", desk.named("acme"))
    alert = desk.alert(desk.named("acme"))
    desk.world.change(Alert, alert, decision="started", reason="critical@3 began", intervention_id=run)
    html = page(desk, PATH)
    assert f"/console/customers/{desk.named('acme')}#now" in [one.get("href") for one in tags(html, "a")]


def test_an_alert_in_hand_says_whose_hand_and_how_soon(desk: Desk) -> None:
    alert = desk.alert(desk.named("acme"))
    answer = desk.client.post(f"/api/v1/alerts/{alert}/acknowledge", json={}, headers=desk.headers)
    assert answer.status_code == 200, answer.text
    desk.world.change(Alert, alert, acknowledged_at=desk.now + 2 * HOUR)
    html = page(desk, PATH)
    assert "In hand: Dana Reyes, after 2 h" in words(html)
    assert not [one for one in tags(html, "button") if "acknowledge" in (one.get("data-act") or "")]
    assert not [one for one in tags(html, "input") if "data-tick" in one]
    assert "nobody yet" not in words(html)


def test_the_list_is_narrowed_by_state_what_severity_customer_and_owner(desk: Desk) -> None:
    acme = desk.alert(desk.named("acme"))
    beta = desk.alert(desk.named("beta"), Trigger.BILLING_FAILURE)
    shut = desk.alert(desk.named("beta"), Trigger.SCORE_DROP)
    desk.world.change(Alert, beta, severity="critical")
    desk.world.change(Alert, shut, state="closed", closed_at=desk.now, closed_why="the score is back")
    assert rows(page(desk, PATH)) == [beta, acme], "the gravest first"
    for query, expected in (
        ("state=closed", [shut]),
        ("state=all", [beta, acme, shut]),
        ("state=acknowledged", []),
        ("severity=critical", [beta]),
        ("trigger=inactivity", [acme]),
        (f"customer={desk.named('acme')}", [acme]),
        ("owner=me", [acme]),
        (f"owner={desk.named('omar')}", []),
        ("state=&trigger=&severity=&owner=&customer=", [beta, acme]),
    ):
        assert rows(page(desk, f"{PATH}?{query}")) == expected, query
    assert "the score is back" in words(page(desk, f"{PATH}?state=closed"))
    assert "of Acme" in words(page(desk, f"{PATH}?customer={desk.named('acme')}"))
    for query, status in (
        ("state=odd", 422),
        ("severity=9", 422),
        ("customer=none", 404),
        ("owner=none", 404),
    ):
        assert looked(desk, f"{PATH}?{query}").status_code == status, query


def test_many_are_shown_page_by_page(desk: Desk) -> None:
    for number in range(60):
        desk.alert(desk.customer(f"more-{number}"))
    first = page(desk, PATH)
    assert "60 alerts" in words(first)
    further = next(one["href"] or "" for one in tags(first, "a") if one.get("rel") == "next")
    assert len({*rows(first), *rows(page(desk, further))}) == 60


def test_nothing_of_another_organisation_is_shown(desk: Desk, other: Desk) -> None:
    theirs = other.alert(other.named("acme"))
    assert rows(page(desk, f"{PATH}?state=all")) == []
    assert looked(desk, f"{PATH}?customer={other.named('acme')}").status_code == 404
    assert looked(desk, f"{PATH}?owner={other.named('dana')}").status_code == 404
    with desk.store.read() as session:
        found = alerts(session, desk.world.organisation, desk.now, owner=other.named("dana"))
    assert theirs not in [one.id for one in found.alerts]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_text_whatever_they_hold(desk: Desk, name: str) -> None:
    desk.world.change(Customer, desk.named("acme"), name=name)
    alert = desk.alert(desk.named("acme"))
    desk.world.change(Alert, alert, words=name, evidence={"feature": f"{name}!"}, reason=name)
    html = page(desk, PATH)
    assert "<script>alert" not in html
    assert rows(html) == [alert]


def test_evidence_leaves_out_what_the_sentence_says(desk: Desk) -> None:
    alert = desk.alert(desk.named("acme"))
    given = {
        "category": "business",
        "seen": 3,
        "share": 41.25,
        "at": "2026-11-22T10:00:00+00:00",
        "odd": None,
    }
    desk.world.change(Alert, alert, words="Business fell to 41.2", evidence=given)
    with desk.store.read() as session:
        line = alerts(session, desk.world.organisation, desk.now).alerts[0]
    assert evidence(line) == [("Seen", "3")]


def test_clients_do_not_see_it(desk: Desk, door: Door, client: TestClient) -> None:
    sign_in(client, door.store, desk.world.organisation, Role.CLIENT, customer=desk.named("acme"))
    for path in (PATH, "/console/offers", "/console/opportunities"):
        assert looked(desk, path).status_code == 403, path
