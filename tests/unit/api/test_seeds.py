"""The answers that other programs know: every field with its name and type, with data and without."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from keepwell.api.door import Door
from keepwell.contracts.access import Permission
from keepwell.db.repositories.churn_predictions import keep
from keepwell.db.repositories.client_insights import InsightKind, NewInsight, put_insight
from keepwell.db.repositories.scores import ScoreRepository
from keepwell.db.tables import ChurnModel, ChurnPrediction, ClientInsight
from scoring.normalise import raw_for
from tests.unit.api import seed_fields as known
from tests.unit.api.callers import key_for
from tests.unit.api.seed_fields import Fields, misfits, numbers_of
from tests.unit.db.test_client_page import BUSY
from tests.unit.db.world import DAY, World, run_all

CARD = files("scoring").joinpath("scorecards", "customer-success.toml")


@pytest.fixture
def world(door: Door) -> World:
    return World(door.store)


@pytest.fixture
def staff(world: World) -> dict[str, str]:
    return key_for(world.store, world.organisation, Permission.READ)


@pytest.fixture
def filled(world: World) -> World:
    """Three customers, scored a week ago and now; one may leave, one has left; one had two meetings."""
    now = datetime.now(UTC)
    began = (now - 800 * DAY).date()
    card = world.use(CARD.read_text("utf-8"))
    for key, points in (("acme", 90.0), ("bolt", 60.0), ("core", 15.0)):
        world.customer(key, monthly_revenue=1000.0, started_on=began, created_at=now - 300 * DAY)
        for at in (now - 7 * DAY, now - timedelta(minutes=5)):
            metrics = {one.name: raw_for(one.normalise, points) for one in card.metrics}
            world.measure(key, {**metrics, "nps": 40.0}, at)
    for at in (now - 7 * DAY, now):
        plan, _ = run_all(world, at)
        ScoreRepository(world.store).finish_run(plan, at)
    left = (now - 10 * DAY).date()
    world.customer("gone", active=False, left_on=left, started_on=began, monthly_revenue=500.0)
    predicted(world, "core", now)
    world.did("bolt", *((kind, now - 2 * DAY) for kind in ("meeting_held", "meeting_missed")))
    return world


def predicted(world: World, customer: str, now: datetime) -> None:
    """The model in use says that it is likely to leave."""
    model = ChurnModel(
        organisation_id=world.organisation, name="customers", version=1, state="in_use", content=b"",
        sha256="", trained_at=now,
    )  # fmt: skip
    world.add(model)
    row = ChurnPrediction(
        organisation_id=world.organisation, customer_id=customer, model_id=model.id, at=now, probability=0.82,
        low=0.7, high=0.9, category="critical", months=2.5,
    )  # fmt: skip
    with world.store.write() as session:
        keep(session, [row.model_dump()])


PATHS: dict[str, Fields] = {
    "/api/dashboard/stats": known.STATS,
    "/api/v1/dashboard/stats": {
        "stats": known.STATS,
        "healthTrend": list,
        "healthSegments": known.SEGMENTS,
        "revenue": known.REVENUE,
        "kpis": known.CS_KPIS,
        "segments": list,
        "comparison": dict,
    },
    "/api/v1/health": {"averageHealthScore": float, "segments": known.SEGMENTS, "trend": list},
    "/api/analytics/engagement": known.ENGAGEMENT,
    "/api/analytics/churn-risk?factors=true&risk_threshold=50": {"factors": known.FACTORS, "accounts": list},
    "/api/customer-success/kpis": known.KPIS,
    "/api/customer-success/health/core": known.HEALTH,
    "/api/customer-success/at-risk": {"customers": list},
}


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("path", PATHS)
def test_every_field_is_there_with_its_type(client: TestClient, staff: dict[str, str], path: str) -> None:
    answer = client.get(path, headers=staff)
    assert answer.status_code == 200, answer.text
    assert misfits(answer.json(), PATHS[path]) == []
    again = client.get(path, headers={**staff, "If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("path", [one for one in PATHS if "/health/core" not in one])
def test_of_an_empty_organisation_nothing_is_made_up(
    client: TestClient, staff: dict[str, str], path: str
) -> None:
    answer = client.get(path, headers=staff)
    assert answer.status_code == 200, answer.text
    said = numbers_of(answer.json())
    fixed = ("range[", ".weight", ".above", ".upTo", ".riskThreshold")
    assert {place: value for place, value in said.items() if not any(one in place for one in fixed)} == {}


@pytest.mark.usefixtures("filled")
def test_the_eight_figures(client: TestClient, staff: dict[str, str]) -> None:
    found = client.get("/api/dashboard/stats", headers=staff).json()
    assert set(found) == set(known.STATS), "these and no others"
    assert found == {
        "totalAccounts": 4,
        "activeAccounts": 3,
        "atRiskAccounts": 2,
        "churnedAccounts": 1,
        "averageHealthScore": found["averageHealthScore"],
        "averageChurnRisk": 82.0,
        "totalARR": 36000.0,
        "npsScore": 40.0,
    }
    assert 50 < found["averageHealthScore"] < 60


@pytest.mark.usefixtures("filled")
def test_figures_over_a_period(client: TestClient, staff: dict[str, str]) -> None:
    path = "/api/v1/dashboard/stats"
    found = client.get(path, params={"period": "30d", "compare": "7d"}, headers=staff).json()
    assert len(found["healthTrend"]) == 2
    assert found["comparison"]["averageHealthScore"]["before"] is not None
    assert {name: one["count"] for name, one in found["healthSegments"].items()} == {
        "healthy": 1, "moderate": 1, "atRisk": 0, "critical": 1,
    }  # fmt: skip
    assert [one["range"] for one in found["healthSegments"].values()] == [
        [80, 100],
        [60, 79],
        [40, 59],
        [0, 39],
    ]
    none = client.get(path, params={"segment": "nobody"}, headers=staff).json()
    assert (none["stats"]["totalAccounts"], none["revenue"], none["kpis"]) == (0, None, None)
    assert client.get(path, params={"period": "2d"}, headers=staff).status_code == 422


@pytest.mark.usefixtures("filled")
def test_health_of_one_and_of_those_at_risk(client: TestClient, staff: dict[str, str]) -> None:
    one = client.get("/api/v1/health", params={"account_id": "core", "period": "30d"}, headers=staff).json()
    account = one["account"]
    assert (account["accountId"], account["level"], account["churnRisk"]) == ("core", "CRITICAL", 82.0)
    assert len(account["history"]) == 2
    usage = account["factors"]["usage"]
    assert usage["weight"] == 0.3
    assert usage["metrics"]
    risky = client.get("/api/v1/health", params={"at_risk": True}, headers=staff).json()["atRisk"]
    assert [line["accountId"] for line in risky["accounts"]] == ["core", "bolt"]
    assert client.get("/api/v1/health", params={"account_id": "nobody"}, headers=staff).status_code == 404


@pytest.mark.usefixtures("filled")
def test_one_customers_health_in_the_words_of_customer_success(
    client: TestClient, staff: dict[str, str]
) -> None:
    found = client.get("/api/customer-success/health/core", headers=staff).json()
    assert set(found) == set(known.HEALTH)
    assert (found["health_status"], found["churn_probability"], found["churn_risk"]) == (
        "churn_risk", 0.82, "critical",
    )  # fmt: skip
    assert found["recommendations"]["intervention_priority"] == "critical"
    assert set(found["trends"].values()) <= {"increasing", "stable", "decreasing", "unknown"}
    assert client.get("/api/customer-success/health/nobody", headers=staff).status_code == 404


@pytest.mark.usefixtures("filled")
def test_key_figures_have_these_fields_and_no_others(client: TestClient, staff: dict[str, str]) -> None:
    found = client.get("/api/customer-success/kpis", headers=staff).json()
    assert {name: set(part) for name, part in found.items()} == {
        name: set(part) for name, part in known.KPIS.items()
    }
    assert found["overview"] == {
        "total_customers": 4, "active_customers": 3, "at_risk_customers": 2, "churned_customers_30d": 1,
    }  # fmt: skip
    assert found["financial_metrics"]["monthly_recurring_revenue"] == 3000.0
    assert found["retention_rates"]["retention_30d"] == 75.0


@pytest.mark.usefixtures("filled")
def test_who_is_at_risk_page_by_page(client: TestClient, staff: dict[str, str]) -> None:
    first = client.get("/api/customer-success/at-risk", params={"limit": 1}, headers=staff).json()
    assert (first["total"], [one["customer_id"] for one in first["customers"]]) == (2, ["core"])
    fields = {**known.HEALTH, "component_scores": dict, "key_metrics": dict}
    del fields["key_metrics"], fields["trends"]
    assert misfits(first["customers"][0], fields) == []
    params = {"limit": 1, "cursor": first["next"]}
    second = client.get("/api/customer-success/at-risk", params=params, headers=staff).json()
    assert ([one["customer_id"] for one in second["customers"]], second["next"]) == (["bolt"], None)


@pytest.mark.usefixtures("filled")
def test_engagements_narrowed(client: TestClient, staff: dict[str, str]) -> None:
    path = "/api/analytics/engagement"
    found = client.get(path, headers=staff).json()
    assert (found["totalEngagements"], found["engagementsByType"]["meeting"]) == (2, 2)
    assert (found["outcomeDistribution"]["negative"], found["outcomeDistribution"]["unknown"]) == (1, 1)
    some = client.get(path, params={"outcome": "negative", "type": "meeting", "period": "7d"}, headers=staff)
    assert some.json()["totalEngagements"] == 1
    assert client.get(path, params={"type": "call"}, headers=staff).json()["totalEngagements"] == 0
    assert client.get(path, params={"team_member": "nobody"}, headers=staff).status_code == 404
    assert client.get(path, params={"type": "smoke"}, headers=staff).status_code == 422


@pytest.mark.usefixtures("filled")
def test_who_may_leave(client: TestClient, staff: dict[str, str]) -> None:
    path = "/api/analytics/churn-risk"
    found = client.get(path, params={"risk_threshold": 80, "factors": True}, headers=staff).json()
    (account,) = found["accounts"]
    assert (account["accountId"], account["churnRisk"], account["confidenceInterval"]) == (
        "core",
        82.0,
        [70.0, 90.0],
    )
    assert found["revenueAtRisk"] == 1000.0
    weights = {name: one["weight"] for name, one in found["factors"].items()}
    assert weights == {
        "healthDecline": 0.3, "engagementReduction": 0.25, "businessRisk": 0.25, "competitiveThreats": 0.2,
    }  # fmt: skip
    assert found["factors"]["businessRisk"]["indicators"] == [
        "contract_approaching_renewal", "payment_delays", "budget_constraints",
    ]  # fmt: skip
    above = client.get(path, params={"risk_threshold": 90}, headers=staff).json()
    assert (above["accounts"], above["factors"], above["averageChurnRisk"]) == ([], None, 82.0)
    for wrong in (-1, 101, "nan"):
        assert client.get(path, params={"risk_threshold": wrong}, headers=staff).status_code == 422


def test_key_figures_that_no_scorecard_has_come_in_by_the_api(client: TestClient, world: World) -> None:
    both = key_for(world.store, world.organisation, Permission.READ, Permission.INGEST)
    for key, nps in (("acme", 60), ("bolt", 20)):
        world.customer(key, external_id=key)
        world.at_points(key, 70.0, datetime.now(UTC) - DAY)
        for name, value in (("nps", nps), ("time_to_value", 3), ("csat", 80)):
            said = {"customer": key, "metric": name, "value": value}
            answer = client.post("/api/v1/metrics", json=said, headers=both)
            assert answer.status_code == 200, answer.text
    wrong = client.post(
        "/api/v1/metrics", json={"customer": "acme", "metric": "nps", "value": 101}, headers=both
    )
    assert wrong.status_code == 422
    assert "-100 to 100" in wrong.text
    now = datetime.now(UTC)
    plan, _ = run_all(world, now)
    ScoreRepository(world.store).finish_run(plan, now)
    assert client.get("/api/dashboard/stats", headers=both).json()["npsScore"] == 40.0
    kpis = client.get("/api/v1/dashboard/stats", headers=both).json()["kpis"]
    assert (kpis["npsScore"], kpis["timeToValue"]) == (40.0, 3.0)


CLIENT = "/api/client/success"


@pytest.fixture
def own(world: World) -> dict[str, str]:
    """A customer's own key; it has been busy, and has an insight."""
    now = datetime.now(UTC)
    for key in ("acme", "bolt"):
        world.customer(key, external_id=f"ext-{key}")
        with world.store.write() as session:
            new = NewInsight(
                key="first", kind=InsightKind.TIP, title=f"Try it, {key}", body="It helps.",
                action_label="Open", action_url="/tips",
            )  # fmt: skip
            put_insight(session, world.organisation, key, new, now)
    return key_for(world.store, world.organisation, Permission.OWN, customer="acme")


def insight_of(world: World, customer: str) -> ClientInsight:
    with world.store.read() as session:
        return session.exec(select(ClientInsight).where(ClientInsight.customer_id == customer)).one()


def test_a_customers_own_page(client: TestClient, world: World, own: dict[str, str]) -> None:
    for event in ("login", "content_generated", "feedback_given"):
        data = {"score": 90} if event == "feedback_given" else {}
        body = {"action": "track-event", "eventType": event, "eventData": data}
        assert client.patch(CLIENT, json=body, headers=own).json() == {"text": "Noted."}
    # What a run or the monitor computes of a longer history.
    world.measure("acme", BUSY, datetime.now(UTC))
    found = client.get(CLIENT, params={"clientId": "ext-acme"}, headers=own).json()
    assert misfits(found, known.CLIENT) == []
    assert (found["score"]["overall"], found["score"]["range"], found["score"]["change"]) == (
        92.5,
        "Excellent",
        None,
    )
    assert (len(found["heatmap"]), found["stats"]["totalActivities"], found["stats"]["activeDays"]) == (
        30,
        3,
        1,
    )
    assert set(found["heatmap"][-1]) == {"date", "count", "level"}
    (insight,) = found["insights"]
    assert misfits(insight, known.INSIGHT) == []
    assert (insight["type"], insight["status"], insight["actionUrl"]) == ("tip", "unread", "/tips")
    again = client.post(CLIENT, json={}, headers=own).json()
    assert again["clientId"] == "acme"
    assert again["score"]["overall"] == found["score"]["overall"]


def test_of_who_has_done_nothing_nothing_is_made_up(client: TestClient, own: dict[str, str]) -> None:
    found = client.get(CLIENT, headers=own).json()
    assert found["score"]["overall"] is None
    assert found["score"]["why"]
    assert found["stats"] == {"totalActivities": 0, "activeDays": 0, "averagePerDay": 0.0}


def test_insights_are_read_dismissed_and_acted_on(
    client: TestClient, world: World, own: dict[str, str]
) -> None:
    mine = insight_of(world, "acme").id
    for action, status in (("mark-read", "read"), ("act", "acted_on")):
        told = client.patch(CLIENT, json={"action": action, "insightId": mine}, headers=own).json()
        assert told["insight"]["status"] == status
    assert client.patch(CLIENT, json={"action": "dismiss", "insightId": mine}, headers=own).status_code == 200
    assert client.get(CLIENT, headers=own).json()["insights"] == []
    bodies: list[Any] = [{"action": "burn", "insightId": mine}, {"action": "dismiss"}, {}, []]
    for wrong in bodies:
        assert client.patch(CLIENT, json=wrong, headers=own).status_code == 422


def test_what_is_anothers_is_unknown(
    client: TestClient, world: World, own: dict[str, str], staff: dict[str, str]
) -> None:
    theirs = insight_of(world, "bolt").id
    for name in ("bolt", "ext-bolt", "nobody"):
        assert client.get(CLIENT, params={"clientId": name}, headers=own).status_code == 404
        assert client.post(CLIENT, json={"clientId": name}, headers=own).status_code == 404
    answer = client.patch(CLIENT, json={"action": "dismiss", "insightId": theirs}, headers=own)
    assert answer.status_code == 404
    assert insight_of(world, "bolt").state == "unread"
    assert client.get(CLIENT, headers=staff).status_code == 403
    nobodys = key_for(world.store, world.organisation, Permission.OWN)
    assert client.get(CLIENT, headers=nobodys).status_code == 403


def test_an_event_is_reported_once_for_a_key(client: TestClient, own: dict[str, str]) -> None:
    body = {"action": "track-event", "eventType": "page_view", "eventData": {"page": "reports"}}
    for _ in range(2):
        answer = client.patch(CLIENT, json=body, headers={**own, "Idempotency-Key": "one"})
        assert answer.status_code == 200
    assert client.get(CLIENT, headers=own).json()["stats"]["totalActivities"] == 1


def test_a_customer_reports_what_is_theirs_to_report(client: TestClient, own: dict[str, str]) -> None:
    for kind in ("payment_received", "competitor_mention", "anything"):
        body = {"action": "track-event", "eventType": kind}
        assert client.patch(CLIENT, json=body, headers=own).status_code == 422
    too_much = {"action": "track-event", "eventType": "feedback_given", "eventData": {"score": 900}}
    assert client.patch(CLIENT, json=too_much, headers=own).status_code == 422
