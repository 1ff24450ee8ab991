"""The organisation's settings over HTTP: what is told of them, what changes, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlmodel import select

from keepwell.api.door import Door
from keepwell.contracts.access import Permission, Role
from keepwell.db.engine import Store
from keepwell.db.tables import Event, Organisation, OutboxMessage
from keepwell.links import Links
from keepwell.settings import Settings
from keepwell.web import create_app
from tests.unit.api.callers import key_for, sign_in
from tests.unit.api.settings_world import Asked, asked
from tests.unit.db.world import World

PUBLIC = "https://keepwell.example"
CARD = (Path("scoring") / "scorecards" / "intervention.toml").read_text(encoding="utf-8")


@pytest.fixture
def ask(client: TestClient, door: Door) -> Asked:
    return asked(client, World(door.store))


@pytest.fixture
def both(store: Store, tmp_path: Path) -> Iterator[Asked]:
    """On SQLite and on PostgreSQL."""
    settings = Settings(home=tmp_path, public_url=PUBLIC)
    door = Door(settings=settings, store=store, links=Links(SecretStr("k" * 40), PUBLIC))
    with TestClient(create_app(door), base_url=PUBLIC) as client:
        yield asked(client, World(store))


def lines(ask: Asked, kind: str) -> list[str]:
    with ask.world.store.read() as session:
        return [row.text for row in session.exec(select(Event).where(Event.kind == kind)).all()]


def test_the_organisation_is_told_and_changed_where_nobody_was_faster(both: Asked) -> None:
    first = both("GET", "/organisation")
    assert first.json()["name"] == "Brightdesk Ltd"
    assert (first.json()["scorecard"], first.json()["sending"]) == ("intervention@2", "outbox")
    tag = first.headers["etag"]
    assert both("GET", "/organisation", headers={"If-None-Match": tag}).status_code == 304
    changed = both.ok(
        "PATCH", "/organisation", {"product": "Desk", "daily_cap": 50}, headers={"If-Match": tag}
    )
    assert changed["changed"] == {"product": ["our product", "Desk"], "daily_cap": [None, 50]}
    late = both("PATCH", "/organisation", {"product": "Other"}, headers={"If-Match": tag})
    assert late.status_code == 412
    assert both.ok("GET", "/organisation")["product"] == "Desk"
    assert both.ok("PATCH", "/organisation", {"daily_cap": None})["organisation"]["daily_cap"] is None
    assert len(lines(both, "organisation.changed")) == 2
    assert both.ok("PATCH", "/organisation", {})["text"] == "Nothing has changed."


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"time_zone": "Berlin"}, "body.time_zone"),
        ({"colour": "red"}, "body.colour"),
        ({"quiet_from": "20:00"}, "quiet_until"),
        ({"name": "a\u0000b"}, "body.name"),
        ({"subdivision": "BY"}, "subdivision"),
        ({"daily_cap": 0}, "body.daily_cap"),
    ],
)
def test_a_field_that_does_not_fit_is_refused(body: dict[str, Any], place: str, ask: Asked) -> None:
    answer = ask("PATCH", "/organisation", body)
    assert answer.status_code == 422
    assert place in [one["place"] for one in answer.json()["errors"]]


def test_closed_days_and_holidays(both: Asked) -> None:
    both.ok("PATCH", "/organisation", {"country": "Germany", "subdivision": "BY"})
    day = (datetime.now(UTC) + timedelta(days=30)).date()
    entered = both.ok("PUT", f"/closed-days/{day}", {"name": "Works outing"})
    assert (entered["open"], "closed" in entered["text"]) == (False, True)
    assert [one["day"] for one in both.ok("GET", "/closed-days")["items"]] == [str(day)]
    both.ok("PUT", f"/closed-days/{day}", {"open": True})
    assert both.ok("GET", "/closed-days")["items"][0]["open"] is True
    assert both.ok("GET", "/closed-days", params={"since": str(day + timedelta(1))})["items"] == []
    both.ok("DELETE", f"/closed-days/{day}")
    assert both("DELETE", f"/closed-days/{day}").status_code == 404
    bavaria = both.ok("GET", "/holidays", params={"year": 2026})["items"]
    assert {"day": "2026-01-06", "name": "Epiphany"} in bavaria
    france = both.ok("GET", "/holidays", params={"year": 2026, "country": "France"})["items"]
    assert "2026-07-14" in [one["day"] for one in france]
    assert both("GET", "/holidays", params={"country": "Atlantis"}).status_code == 422


def test_alert_rules_are_told_with_what_they_mean_and_changed_together(both: Asked) -> None:
    rules = {one["name"]: one for one in both.ok("GET", "/alert-rules")["items"]}
    assert rules["inactivity"]["value"] == "on"
    assert "48 hours" in rules["inactivity"]["means"]
    changed = both.ok("PATCH", "/alert-rules", {"inactivity": "off", "engagement": "55"})
    assert "inactivity: on → off" in changed["changed"]
    assert both("PATCH", "/alert-rules", {"billing_failure": "off", "nonsense": "on"}).status_code == 422
    after = {one["name"]: one["value"] for one in both.ok("GET", "/alert-rules")["items"]}
    assert (after["inactivity"], after["engagement"], after["billing_failure"]) == ("off", "55", "on")
    assert len(lines(both, "alert.rules_changed")) == 1


def test_alert_channels_are_switched(both: Asked) -> None:
    found = both.ok("GET", "/alert-channels")
    assert [(one["channel"], one["enabled"]) for one in found["items"]] == [
        ("email", False),
        ("slack", False),
        ("webhook", True),
    ]
    body = {"enabled": True, "severity": "critical", "target": "team@example.com"}
    assert "team@example.com" in both.ok("PUT", "/alert-channels/email", body)["text"]
    kept = both.ok("PUT", "/alert-channels/email", {"enabled": True})["channel"]
    assert (kept["severity"], kept["target"]) == ("critical", "team@example.com")
    assert both("PUT", "/alert-channels/email", {"enabled": True, "target": "nobody"}).status_code == 422
    assert both("PUT", "/alert-channels/fax", {"enabled": True}).status_code == 422


def test_absences_are_entered_told_and_withdrawn(both: Asked) -> None:
    both.world.staff("dana")
    both.world.staff("omar", role="lead")
    today = datetime.now(UTC).date()
    first, last = today + timedelta(days=10), today + timedelta(days=14)
    body = {"staff": "dana", "from_on": str(first), "until_on": str(last), "reason": "Holiday"}
    made = both.ok("POST", "/absences", body)
    assert made["stands_in"] == "Omar Staff"
    assert both("POST", "/absences", body).status_code == 409
    assert both("POST", "/absences", {**body, "staff": "nobody"}).status_code == 404
    assert [one["id"] for one in both.ok("GET", "/absences")["items"]] == [made["absence"]["id"]]
    assert both.ok("GET", "/absences", params={"staff": "omar"})["items"] == []
    path = f"/absences/{made['absence']['id']}/withdraw"
    assert both.ok("POST", path)["absence"]["withdrawn_at"] is not None
    assert both("POST", path).status_code == 409
    assert both.ok("GET", "/absences")["items"] == []
    assert len(both.ok("GET", "/absences", params={"all": True})["items"]) == 1


def test_staff_are_told_with_who_is_away_and_how_many_customers_they_own(both: Asked) -> None:
    both.world.staff("dana")
    both.world.staff("gone", active=False)
    both.world.customer("acme", owner_id="dana")
    both.world.customer("left", owner_id="dana", active=False)
    today = datetime.now(UTC).date()
    both.ok("POST", "/absences", {"staff": "dana", "from_on": str(today), "until_on": str(today)})
    [dana] = both.ok("GET", "/staff")["items"]
    assert (dana["name"], dana["customers"]) == ("Dana Staff", 1)
    assert dana["away"].startswith("away until")
    assert [one["id"] for one in both.ok("GET", "/staff", params={"active": False})["items"]] == ["gone"]


def test_scorecards_are_listed_checked_kept_chosen_and_put_beside(both: Asked) -> None:
    known = {one["name"]: one for one in both.ok("GET", "/scorecards")["items"]}
    assert known["intervention"]["in_use"] is True
    own = CARD.replace('title = "', 'title = "Our ', 1)
    assert both.ok("POST", "/scorecards/check", {"content": own})["metrics"] > 5
    kept = both.ok("POST", "/scorecards", {"content": own})
    # Nobody who has not its hash hears of a stored one.
    assert kept["hash"] not in [one["hash"] for one in both.ok("GET", "/scorecards")["items"]]
    assert both.ok("GET", f"/scorecards/{kept['hash']}")["title"].startswith("Our ")
    assert "from the next scoring" in both.ok("POST", f"/scorecards/{kept['hash']}/use")["text"]
    assert both.ok("POST", f"/scorecards/{kept['hash']}/use")["text"].endswith("already.")
    assert [one["hash"] for one in both.ok("GET", "/scorecards")["items"] if one["in_use"]] == [kept["hash"]]
    assert both("POST", f"/scorecards/{kept['hash']}/beside").status_code == 422
    both.ok("POST", "/scorecards/account-health/beside")
    assert [one["name"] for one in both.ok("GET", "/scorecards")["items"] if one["beside"]] == [
        "account-health"
    ]
    both.ok("DELETE", "/scorecards/account-health/beside")
    assert both("DELETE", "/scorecards/account-health/beside").status_code == 404
    whole = both.ok("GET", "/scorecards/intervention")
    assert {"better", "points", "source"} <= set(whole["metrics"][0])
    assert both("GET", "/scorecards/nonsense").status_code == 404
    assert len(lines(both, "scorecard.used")) == 1


def test_a_mistake_in_a_scorecard_is_told_with_its_line(ask: Asked) -> None:
    answer = ask("POST", "/scorecards/check", {"content": CARD.replace("weight = ", "wieght = ", 1)})
    assert answer.status_code == 422
    assert "wieght" in answer.json()["title"]
    assert ask("POST", "/scorecards", {"content": "= nonsense"}).status_code == 422


def test_another_organisation_s_own_scorecard_is_not_listed(both: Asked) -> None:
    own = CARD.replace('title = "', 'title = "Theirs ', 1)
    kept = both.ok("POST", "/scorecards", {"content": own})
    both.ok("POST", f"/scorecards/{kept['hash']}/use")
    both.world.add(Organisation(id="org-2", key="other", name="Other", created_at=datetime.now(UTC)))
    theirs = Asked(both.client, both.world, key_for(both.world.store, "org-2", Permission.READ))
    assert kept["hash"] not in [one["hash"] for one in theirs.ok("GET", "/scorecards")["items"]]
    assert theirs("GET", f"/scorecards/{kept['name']}").json()["hash"] != kept["hash"]


def test_views_are_one_s_own_or_everybody_s(both: Asked) -> None:
    csm = sign_in(both.client, both.world.store, both.world.organisation, Role.CSM, name="Dana Reyes")
    mine = Asked(both.client, both.world, csm)
    mine.ok("PUT", "/views/Mine", {"query": "level=CRITICAL"})
    mine.ok("PUT", "/views/Mine", {"query": "level=AT_RISK"})
    mine.ok("PUT", "/views/All", {"query": "sort=name", "shared": True})
    assert [(one["name"], one["query"], one["shared"]) for one in mine.ok("GET", "/views")["items"]] == [
        ("Mine", "level=AT_RISK", False),
        ("All", "sort=name", True),
    ]
    other = sign_in(both.client, both.world.store, both.world.organisation, Role.OPS, name="Omar Haddad")
    theirs = Asked(both.client, both.world, other)
    assert [one["name"] for one in theirs.ok("GET", "/views")["items"]] == ["All"]
    assert theirs("DELETE", "/views/Mine").status_code == 404
    theirs.ok("DELETE", "/views/All", params={"shared": True})
    assert theirs.ok("GET", "/views")["items"] == []
    # A program has no views of its own.
    both.client.cookies.clear()
    assert both("PUT", "/views/Mine", {"query": ""}).status_code == 409
    reader = asked(both.client, both.world, Permission.READ)
    assert reader("PUT", "/views/All", {"query": "", "shared": True}).status_code == 403


def test_a_test_by_email_is_kept_in_the_outbox_and_says_so(ask: Asked) -> None:
    ask.world.can_send()
    answer = ask.ok("POST", "/alert-channels/email/test", {"to": "team@example.com"})
    assert (answer["sent"], answer["results"][0]["state"]) == (False, "kept")
    assert "kept in the outbox" in answer["text"]
    with ask.world.store.read() as session:
        [row] = session.exec(select(OutboxMessage)).all()
    assert (row.address, row.channel) == ("team@example.com", "email")
    # Nobody is named, and whoever asks is no member of staff.
    assert ask("POST", "/alert-channels/email/test", {}).status_code == 422
    assert ask("POST", "/alert-channels/webhook/test", {}).status_code == 422


def test_churn_models_and_schedules(ask: Asked) -> None:
    assert ask.ok("GET", "/churn-models") == {"items": [], "next": None}
    # No Temporal server runs here.
    answer = ask("GET", "/schedules")
    assert (answer.status_code, answer.json()["retryable"]) == (503, True)


READS: tuple[str, ...] = (
    "/organisation",
    "/closed-days",
    "/holidays",
    "/alert-rules",
    "/alert-channels",
    "/absences",
    "/staff",
)
READS += ("/scorecards", "/scorecards/intervention", "/churn-models", "/views", "/customers")
CHANGES: tuple[tuple[str, str, Any], ...] = (
    ("PATCH", "/organisation", {"product": "x"}),
    ("PUT", "/closed-days/2027-01-01", {}),
    ("DELETE", "/closed-days/2027-01-01", None),
    ("PATCH", "/alert-rules", {"inactivity": "off"}),
    ("PUT", "/alert-channels/email", {"enabled": True}),
    ("POST", "/alert-channels/email/test", {}),
    ("POST", "/webhooks", {"url": "https://example.com"}),
    ("POST", "/scorecards", {"content": CARD}),
    ("POST", "/scorecards/account-health/use", None),
    ("POST", "/scorecards/account-health/beside", None),
)


def test_who_may_read_may_not_change_and_who_may_ingest_may_neither(ask: Asked) -> None:
    reader = asked(ask.client, ask.world, Permission.READ)
    ingester = asked(ask.client, ask.world, Permission.INGEST)
    for path in READS:
        assert reader("GET", path).status_code == 200, path
        assert ingester("GET", path).status_code == 403, path
    for method, path, body in CHANGES:
        assert reader(method, path, body).status_code == 403, path
