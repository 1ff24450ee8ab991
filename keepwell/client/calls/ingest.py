"""Calls of ingest. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

from keepwell.client.core import OMITTED, Call, Group, Omitted, Sender, at, endpoint
from keepwell.contracts.ingestion import Stored, StoredEvent, StoredMetric, StoredRecord
from keepwell.contracts.people import Consent, ContactRole, StaffRole


class IngestCalls(Group[Sender]):
    """Calls of ingest."""

    @endpoint
    def contact(
        self,
        external_id: str,
        *,
        idempotency_key: str | None = None,
        customer: str | Omitted | None = OMITTED,
        name: str | Omitted | None = OMITTED,
        first_name: str | Omitted | None = OMITTED,
        email: str | Omitted | None = OMITTED,
        phone: str | Omitted | None = OMITTED,
        role: ContactRole | Omitted | None = OMITTED,
        title: str | Omitted | None = OMITTED,
        time_zone: str | Omitted | None = OMITTED,
        consent: Consent | Omitted | None = OMITTED,
        consent_at: datetime | Omitted | None = OMITTED,
        active: bool | Omitted | None = OMITTED,
    ) -> Call[StoredRecord]:
        """Store a customer's contact."""
        return Call(
            "PUT",
            at("/api/v1/contacts/{external_id}", external_id=external_id),
            StoredRecord,
            body={
                "customer": customer,
                "name": name,
                "first_name": first_name,
                "email": email,
                "phone": phone,
                "role": role,
                "title": title,
                "time_zone": time_zone,
                "consent": consent,
                "consent_at": consent_at,
                "active": active,
            },
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def customer(
        self,
        external_id: str,
        *,
        idempotency_key: str | None = None,
        name: str | Omitted | None = OMITTED,
        plan: str | Omitted | None = OMITTED,
        industry: str | Omitted | None = OMITTED,
        segment: str | Omitted | None = OMITTED,
        country: str | Omitted | None = OMITTED,
        time_zone: str | Omitted | None = OMITTED,
        currency: str | Omitted | None = OMITTED,
        monthly_revenue: float | Omitted | None = OMITTED,
        started_on: date | Omitted | None = OMITTED,
        renews_on: date | Omitted | None = OMITTED,
        left_on: date | Omitted | None = OMITTED,
        owner: str | Omitted | None = OMITTED,
        active: bool | Omitted | None = OMITTED,
        facts: Mapping[str, str | bool | int | float | None] | Omitted | None = OMITTED,
    ) -> Call[StoredRecord]:
        """Store a customer, new or changed; what is left out stays."""
        return Call(
            "PUT",
            at("/api/v1/customers/{external_id}", external_id=external_id),
            StoredRecord,
            body={
                "name": name,
                "plan": plan,
                "industry": industry,
                "segment": segment,
                "country": country,
                "time_zone": time_zone,
                "currency": currency,
                "monthly_revenue": monthly_revenue,
                "started_on": started_on,
                "renews_on": renews_on,
                "left_on": left_on,
                "owner": owner,
                "active": active,
                "facts": facts,
            },
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def event(
        self,
        *,
        customer: str,
        kind: str,
        idempotency_key: str | None = None,
        at: datetime | Omitted | None = OMITTED,
        id: str | Omitted = OMITTED,
        data: Mapping[str, str | bool | int | float | None] | Omitted = OMITTED,
    ) -> Call[StoredEvent]:
        """Store something that happened, look at its customer at once, and start what follows."""
        return Call(
            "POST",
            "/api/v1/events",
            StoredEvent,
            body={"customer": customer, "kind": kind, "at": at, "id": id, "data": data},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def member(
        self,
        external_id: str,
        *,
        idempotency_key: str | None = None,
        name: str | Omitted | None = OMITTED,
        email: str | Omitted | None = OMITTED,
        role: StaffRole | Omitted | None = OMITTED,
        title: str | Omitted | None = OMITTED,
        phone: str | Omitted | None = OMITTED,
        slack: str | Omitted | None = OMITTED,
        time_zone: str | Omitted | None = OMITTED,
        manager: str | Omitted | None = OMITTED,
        deputy: str | Omitted | None = OMITTED,
        active: bool | Omitted | None = OMITTED,
    ) -> Call[StoredRecord]:
        """Store a member of staff."""
        return Call(
            "PUT",
            at("/api/v1/staff/{external_id}", external_id=external_id),
            StoredRecord,
            body={
                "name": name,
                "email": email,
                "role": role,
                "title": title,
                "phone": phone,
                "slack": slack,
                "time_zone": time_zone,
                "manager": manager,
                "deputy": deputy,
                "active": active,
            },
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def metric(
        self,
        *,
        customer: str,
        metric: str,
        value: float,
        score: bool | None = None,
        idempotency_key: str | None = None,
        measured_at: datetime | Omitted | None = OMITTED,
    ) -> Call[StoredMetric]:
        """Store one value."""
        return Call(
            "POST",
            "/api/v1/metrics",
            StoredMetric,
            query={"score": score},
            body={"customer": customer, "metric": metric, "value": value, "measured_at": measured_at},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def outcome(
        self,
        *,
        customer: str,
        outcome: Literal["positive", "neutral", "negative", "left"],
        idempotency_key: str | None = None,
        at: datetime | Omitted | None = OMITTED,
        id: str | Omitted = OMITTED,
        note: str | Omitted = OMITTED,
    ) -> Call[Stored]:
        """Store how something with a customer went, or that it has left; models of churn learn from it."""
        return Call(
            "POST",
            "/api/v1/outcomes",
            Stored,
            body={"customer": customer, "outcome": outcome, "at": at, "id": id, "note": note},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )
