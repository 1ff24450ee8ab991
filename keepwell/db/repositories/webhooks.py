"""Deliveries of events to endpoints: which may be handed over, what is posted, what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session, col, func, or_, select

from keepwell.contracts.webhooks import WaitingWebhook, WebhookAnswer, WebhookPost, WebhookState
from keepwell.db.engine import Store
from keepwell.db.repositories import journal
from keepwell.db.repositories.notices_plan import tell_admins
from keepwell.db.repositories.webhook_payload import payload
from keepwell.db.repositories.webhooks_out import DEMO, is_demo
from keepwell.db.tables import Event, WebhookAttempt, WebhookDelivery, WebhookEndpoint

FRESH = 8
"""First calls under way at once of an endpoint that answers: fewer than a worker's activities, so that one
that hangs cannot keep the playbooks from theirs."""

PROBES = 10
"""Deliveries that are tried of an endpoint that fails; the others wait until one of these is taken."""

LOST_AFTER = timedelta(hours=26)
"""A delivery whose run has been gone this long is handed over again: a run takes 24 hours at most."""

STOP_AFTER = timedelta(days=5)
"""An endpoint that has taken nothing for this long is stopped."""

STOPPED = "The endpoint is stopped"
GONE = 410


class WebhookRepository:
    """Implements the port `Webhooks`. Each method is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def waiting(self, organisation: str, now: datetime) -> tuple[WaitingWebhook, ...]:
        """Deliveries to hand over now, the oldest first, for each endpoint as many as it may have."""
        with self._store.read() as session:
            if session.exec(_open(organisation, now).limit(1)).first() is None:
                return ()
            endpoints = session.exec(
                select(WebhookEndpoint).where(WebhookEndpoint.organisation_id == organisation)
            ).all()
            found = [
                row
                for endpoint in endpoints
                if endpoint.active and (room := _room(session, endpoint)) > 0
                for row in session.exec(
                    _open(organisation, now)
                    .where(WebhookDelivery.endpoint_id == endpoint.id)
                    .order_by(col(WebhookDelivery.created_at), col(WebhookDelivery.id))
                    .limit(room)
                )
            ]
        stopped = [endpoint.id for endpoint in endpoints if not endpoint.active]
        if stopped:
            with self._store.write() as session:
                fail_waiting(session, stopped, STOPPED, now)
        return tuple(WaitingWebhook(id=row.id, kind=row.kind) for row in found)

    def handed(self, deliveries: Sequence[str], now: datetime) -> None:
        """Note that their runs were started."""
        row = col(WebhookDelivery.id)
        with self._store.write() as session:
            session.connection().execute(
                update(WebhookDelivery).where(row.in_(deliveries)).values(handed_at=now)
            )

    def begin(self, delivery: str, now: datetime) -> WebhookPost | None:
        """What is to be posted; None where nothing is any more."""
        with self._store.read() as session:
            row = session.get_one(WebhookDelivery, delivery)
            endpoint = session.get_one(WebhookEndpoint, row.endpoint_id)
            if row.state != "waiting":
                return None
            why = DEMO if is_demo(session, row.organisation_id) else STOPPED
            if endpoint.active and why != DEMO:
                old = endpoint.old_secret_until is not None and now < endpoint.old_secret_until
                return WebhookPost(
                    delivery=row.id,
                    event=row.event_id,
                    url=endpoint.url,
                    secrets=(endpoint.secret, *((endpoint.old_secret,) if old else ())),
                    body=payload(session, session.get_one(Event, row.event_id)),
                    attempts=row.attempts,
                )
        self.give_up(delivery, why, now)
        return None

    def note(self, delivery: str, answer: WebhookAnswer, now: datetime) -> WebhookState:
        """Write what a call came to: the attempt, the delivery and the endpoint."""
        with self._store.write() as session:
            row = session.get_one(WebhookDelivery, delivery, with_for_update=True)
            endpoint = session.get_one(WebhookEndpoint, row.endpoint_id, with_for_update=True)
            session.add(
                WebhookAttempt(
                    delivery_id=delivery,
                    at=now,
                    status=answer.status,
                    milliseconds=answer.milliseconds,
                    why=answer.why,
                )
            )
            row.attempts += 1
            row.why = answer.why
            state: WebhookState = "waiting"
            if answer.taken:
                state, endpoint.failures, endpoint.failing_since = "delivered", 0, None
            else:
                endpoint.failures += 1
                endpoint.failing_since = endpoint.failing_since or now
                if answer.refused or answer.status == GONE:
                    state = "failed"
            if row.state == "waiting" and state != "waiting":
                row.state, row.ended_at = state, now
            session.add_all((row, endpoint))
            session.flush()
            if why := _hopeless(endpoint, answer, now):
                stop_endpoint(session, endpoint, why, now)
                state = "failed"
            return state

    def give_up(self, delivery: str, why: str, now: datetime) -> None:
        """The time of a delivery is over; one that was taken stays so."""
        with self._store.write() as session:
            row = session.get_one(WebhookDelivery, delivery, with_for_update=True)
            if row.state == "waiting":
                row.state, row.why, row.ended_at = "failed", why, now
                session.add(row)


def stop_endpoint(session: Session, endpoint: WebhookEndpoint, why: str, now: datetime) -> None:
    """Stop an endpoint by ourselves: what waits for it has failed, and admins are told."""
    if not endpoint.active:
        return
    endpoint.active, endpoint.stopped_why = False, why
    session.add(endpoint)
    fail_waiting(session, [endpoint.id], why, now)
    text = f"Webhook {endpoint.id} is stopped: {why}"
    journal.write(
        session,
        key=f"webhook/{endpoint.id}/stopped/{now.isoformat()}",
        organisation=endpoint.organisation_id,
        kind="webhook.stopped",
        text=text,
        why=why,
        at=now,
        data={"endpoint": endpoint.id},
    )
    tell_admins(session, endpoint.organisation_id, f"webhook/{endpoint.id}/{now:%Y%m%d}", text, now)


def fail_waiting(session: Session, endpoints: Sequence[str], why: str, now: datetime) -> None:
    """Let everything that waits for endpoints be failed."""
    mine = (col(WebhookDelivery.endpoint_id).in_(endpoints), col(WebhookDelivery.state) == "waiting")
    session.connection().execute(
        update(WebhookDelivery).where(*mine).values(state="failed", why=why, ended_at=now)
    )


def _open(organisation: str, now: datetime):  # type: ignore[no-untyped-def]  # SQLModel's own types
    return select(WebhookDelivery).where(
        WebhookDelivery.organisation_id == organisation,
        WebhookDelivery.state == "waiting",
        or_(
            col(WebhookDelivery.handed_at).is_(None),
            col(WebhookDelivery.handed_at) < now - LOST_AFTER,
        ),
    )


def _room(session: Session, endpoint: WebhookEndpoint) -> int:
    """How many more deliveries of an endpoint may be under way."""
    under_way = (
        select(func.count())
        .select_from(WebhookDelivery)
        .where(
            WebhookDelivery.endpoint_id == endpoint.id,
            WebhookDelivery.state == "waiting",
            col(WebhookDelivery.handed_at).is_not(None),
        )
    )
    if endpoint.failures:
        return PROBES - session.exec(under_way).one()
    return FRESH - session.exec(under_way.where(WebhookDelivery.attempts == 0)).one()


def _hopeless(endpoint: WebhookEndpoint, answer: WebhookAnswer, now: datetime) -> str:
    if answer.status == GONE:
        return "it answered 410, Gone: it does not want to be called any more"
    if endpoint.failing_since is not None and now - endpoint.failing_since >= STOP_AFTER:
        days = STOP_AFTER.days
        return f"it has taken nothing for {days} days ({endpoint.failures:,} calls), last: {answer.why}"
    return ""
