"""Bringing in one record at a time: customers, contacts, staff, metrics, events, outcomes.

All of it goes through the importing of files, so that a file and a program cannot differ.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel

from keepwell.api.access import Ingester, Principal
from keepwell.api.door import AtDoor, Door
from keepwell.api.following import AtFollowing
from keepwell.api.idempotency import Once
from keepwell.api.problems import problems
from keepwell.contracts.ingestion import (
    ContactIn,
    CustomerIn,
    EventIn,
    MetricIn,
    OutcomeIn,
    Result,
    StaffIn,
    Stored,
    StoredEvent,
    StoredMetric,
    StoredRecord,
)
from keepwell.db.repositories import ingest
from keepwell.db.repositories.monitor import MonitorRepository
from keepwell.db.repositories.scores import ScoreRepository
from keepwell.db.tables import Customer
from keepwell.ingest.cells import Kind
from keepwell.ingest.report import Summary
from keepwell.ingest.single import put_one, store_one

router = APIRouter(prefix="/api/v1", tags=["ingest"], responses=problems(409))

ExternalId = Annotated[
    str, Path(min_length=1, max_length=200, description="The sender's own id; it stays the same.")
]


@router.put("/customers/{external_id}", response_model=StoredRecord)
def put_customer(
    external_id: ExternalId, customer: CustomerIn, who: Ingester, door: AtDoor, once: Once
) -> Response:
    """Store a customer, new or changed; what is left out stays. The same again changes nothing."""
    return once(who, lambda: _put(door, who, Kind.CUSTOMERS, external_id, customer))


@router.put("/contacts/{external_id}", response_model=StoredRecord)
def put_contact(
    external_id: ExternalId, contact: ContactIn, who: Ingester, door: AtDoor, once: Once
) -> Response:
    """Store a customer's contact. A no to being written to stays a no, unless a later yes has its date."""
    return once(who, lambda: _put(door, who, Kind.CONTACTS, external_id, contact))


@router.put("/staff/{external_id}", response_model=StoredRecord)
def put_staff(external_id: ExternalId, staff: StaffIn, who: Ingester, door: AtDoor, once: Once) -> Response:
    """Store a member of staff. Who is gone gets `active` false."""
    return once(who, lambda: _put(door, who, Kind.STAFF, external_id, staff))


@router.post("/metrics", response_model=StoredMetric)
def add_metric(
    metric: MetricIn,
    who: Ingester,
    door: AtDoor,
    once: Once,
    following: AtFollowing,
    score: Annotated[bool, Query(description="Score the customer at once, and start what follows.")] = True,
) -> Response:
    """Store one value. Without `score` it counts from the next daily run."""

    def work() -> StoredMetric:
        now = datetime.now(UTC)
        values = {"measured_at": now, **_given(metric)}
        summary = _store(door, who, Kind.METRICS, values, f"{metric.customer}: {metric.metric}", now)
        own = _customer(door, who, metric.customer)
        told = _told(summary, f"{metric.customer}: {metric.metric} = {metric.value:g}")
        if not score or not own.active:
            return StoredMetric(**told)
        scored = ScoreRepository(door.store).score_customer(who.organisation_id, own.id, now)
        following.look_at(who.organisation_id, own.id)
        return StoredMetric(
            **told,
            scored=scored.score is not None,
            score=scored.score,
            level=scored.level,
            previous=scored.previous,
            transition=scored.transition,
        )

    return once(who, work)


@router.post("/events", response_model=StoredEvent)
def add_event(event: EventIn, who: Ingester, door: AtDoor, once: Once, following: AtFollowing) -> Response:
    """Store something that happened, look at its customer at once, and start what follows."""

    def work() -> StoredEvent:
        now = datetime.now(UTC)
        values = {"at": now, **_given(event)}
        summary = _store(door, who, Kind.EVENTS, values, f"{event.customer}: {event.kind}", now)
        own = _customer(door, who, event.customer)
        following.look_at(who.organisation_id, own.id)
        waiting = MonitorRepository(door.store).undecided_of(own.id)
        return StoredEvent(**_told(summary, f"{event.customer}: {event.kind}"), alerts=waiting)

    return once(who, work)


@router.post("/outcomes", response_model=Stored)
def add_outcome(
    outcome: OutcomeIn, who: Ingester, door: AtDoor, once: Once, following: AtFollowing
) -> Response:
    """Store how something with a customer went, or that it has left; models of churn learn from it."""

    def work() -> Stored:
        now = datetime.now(UTC)
        values = {"at": now, **_given(outcome)}
        what = f"{outcome.customer}: {outcome.outcome}"
        summary = _store(door, who, Kind.OUTCOMES, values, what, now)
        following.look_at(who.organisation_id, _customer(door, who, outcome.customer).id)
        return Stored(**_told(summary, what))

    return once(who, work)


def _given(body: BaseModel) -> dict[str, Any]:
    """What was sent, and nothing for what was left out; a moment that is null was left out, too."""
    moments = ("at", "measured_at")
    return {
        name: value
        for name, value in body.model_dump(exclude_unset=True).items()
        if value is not None or name not in moments
    }


def _put(door: Door, who: Principal, kind: Kind, external_id: str, body: BaseModel) -> StoredRecord:
    summary, own = put_one(
        door.store,
        who.organisation_id,
        kind,
        external_id,
        _given(body),
        by=who.name,
        now=datetime.now(UTC),
    )
    return StoredRecord(**_told(summary, external_id), id=own)


def _store(
    door: Door, who: Principal, kind: Kind, values: dict[str, Any], name: str, now: datetime
) -> Summary:
    return store_one(door.store, who.organisation_id, kind, values, name=name[:200], by=who.name, now=now)


def _told(summary: Summary, key: str) -> dict[str, Any]:
    result: Result = "created" if summary.created else "updated" if summary.updated else "unchanged"
    done = {"created": "stored", "updated": "changed", "unchanged": "known already, nothing has changed"}
    return {
        "kind": summary.kind.value,
        "key": key,
        "result": result,
        "notes": summary.notes,
        "text": f"{key}: {done[result]}.",
    }


def _customer(door: Door, who: Principal, external_id: str) -> Customer:
    with door.store.read() as session:
        [own] = ingest.customer_ids(session, who.organisation_id, [" ".join(external_id.split())]).values()
        return session.get_one(Customer, own)
