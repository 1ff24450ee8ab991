"""Engagement events in the store, and what is watched because of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select as rows_of
from sqlalchemy import tuple_
from sqlmodel import Session, col, select

from keepwell.contracts.engagement import EventsStored, NewEvent
from keepwell.db.repositories.alert_rules import Rules, load_rules
from keepwell.db.repositories.alerts import (
    AT_ONCE,
    close_alert,
    customers_of,
    live_alerts,
    lock_customers,
    raise_alert,
    undecide,
)
from keepwell.db.repositories.ingest import upsert
from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.zones import first_zone
from keepwell.db.tables import Alert, Intervention, Organisation, Watch
from scoring import triggers
from scoring.momentum import NO_ACTIVITY, TASK_KINDS
from scoring.signal import Trigger

ACTIVITY, FEATURE, TASK, ONCE = "activity", "feature", "task", "once"
LAUNCH_KIT = "launch_kit"
ONBOARDING = "onboarding"

SILENT_BEFORE = timedelta(days=14)
"""Who had been silent for longer than this when the first event came in, with an import of old ones, raises
nothing: nobody has fallen silent who was silent before anybody looked."""

FRESH = timedelta(days=3)
"""A payment that failed earlier is history, not an alert."""

LIMITS = {
    ACTIVITY: timedelta(hours=triggers.INACTIVE_HOURS),
    FEATURE: timedelta(days=triggers.UNUSED_DAYS),
    TASK: timedelta(hours=triggers.STALLED_HOURS),
}
OF_EVENTS = (
    Trigger.INACTIVITY,
    Trigger.ZERO_ACTIVITY,
    Trigger.FEATURE_UNUSED,
    Trigger.TASK_STALLED,
    Trigger.BILLING_FAILURE,
)
_WATCHED = {Trigger.FEATURE_UNUSED: FEATURE, Trigger.TASK_STALLED: TASK}
Key = tuple[str, str, str]


@dataclass(slots=True)
class _Seen:
    """What the new events say of one thing that is watched."""

    first: datetime
    last: datetime
    days: set[int] = field(default_factory=set)
    kind: str = ""
    detail: str = ""


def follow_events(
    session: Session, organisation: str, events: Sequence[NewEvent], now: datetime
) -> EventsStored:
    """Follow events that were just written: watch anew, close what they end, raise what they are.

    To be called in their transaction, once for each new event.
    """
    if not events:
        return EventsStored()
    customers = {event.customer for event in events}
    lock_customers(session, customers)
    home = session.get_one(Organisation, organisation)
    zone = ZoneInfo(first_zone(home.time_zone))
    seen = _seen(sorted(events, key=lambda event: event.at), zone)
    _watch(session, organisation, seen, zone, now)
    closed = _close(session, customers, seen, events, now)
    raised = _payments(session, load_rules(session, organisation), events, now)
    return EventsStored(raised=tuple(raised), closed=closed)


def subject_of(kind: str, data: dict[str, Any]) -> str:
    """The task or feature an event is about, empty for others."""
    if kind in TASK_KINDS:
        return str(data.get("task", ""))[:100]
    return str(data.get("feature", ""))[:100] if kind == "feature_used" else ""


def watched_by(kind: str, data: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """What an event of this kind is a sign of: what is watched, and its name."""
    if kind not in NO_ACTIVITY:
        yield ACTIVITY, ""
    subject = subject_of(kind, data)
    if kind in TASK_KINDS and subject:
        yield TASK, subject
    if kind == "feature_used" and subject:
        yield FEATURE, subject
    if kind == "launch_kit_viewed" or (kind == "page_view" and data.get("page") == LAUNCH_KIT):
        yield ONCE, LAUNCH_KIT


def _day(moment: datetime, zone: ZoneInfo) -> int:
    """The day of a moment on the organisation's calendar, as a number."""
    return moment.astimezone(zone).toordinal()


def _seen(events: Sequence[NewEvent], zone: ZoneInfo) -> dict[Key, _Seen]:
    found: dict[Key, _Seen] = {}
    for event in events:
        data = dict(event.data)
        for what, name in watched_by(event.kind, data):
            one = found.setdefault((event.customer, what, name), _Seen(event.at, event.at))
            one.last, one.kind = event.at, event.kind
            one.days.add(_day(event.at, zone))
            if what == TASK and data.get(ONBOARDING) in (True, "true", "yes", "1", 1):
                one.detail = ONBOARDING
    return found


def _watch(
    session: Session, organisation: str, seen: dict[Key, _Seen], zone: ZoneInfo, now: datetime
) -> None:
    before = _watches(session, sorted(seen))
    records = []
    for (customer, what, name), one in seen.items():
        old = before.get((customer, what, name))
        last = max(one.last, old.last_at) if old is not None else one.last
        # Days are counted as they come in: a later event of a day that was counted already adds none.
        more = len({day for day in one.days if old is None or day > _day(old.last_at, zone)})
        newer = old is None or one.last >= old.last_at
        done = one.kind == "task_completed" if newer else old is not None and old.done
        check_at = old.check_at if old is not None and not newer else _check_at(what, last, done, old, now)
        records.append(
            {
                "customer_id": customer,
                "what": what,
                "name": name,
                "organisation_id": organisation,
                "first_at": min(one.first, old.first_at) if old is not None else one.first,
                "last_at": last,
                "days": more + (old.days if old is not None else 0),
                "done": done,
                "detail": one.detail or (old.detail if old is not None else ""),
                "check_at": check_at,
            }
        )
    upsert(session, "watch", records, keys=("customer_id", "what", "name"))


def _watches(session: Session, keys: Sequence[Key]) -> dict[Key, Watch]:
    """What is watched already of these things; a customer may have thousands of others."""
    own = (col(Watch.customer_id), col(Watch.what), col(Watch.name))
    found: dict[Key, Watch] = {}
    for start in range(0, len(keys), AT_ONCE):
        query = select(Watch).where(tuple_(*own).in_(keys[start : start + AT_ONCE]))
        found.update({(row.customer_id, row.what, row.name): row for row in session.exec(query).all()})
    return found


def _check_at(what: str, last: datetime, done: bool, old: Watch | None, now: datetime) -> datetime | None:
    """When the silence has to be looked at; None for what is not watched for it, or was over before."""
    limit = LIMITS.get(what)
    if limit is None or done:
        return None
    if old is None and last + limit + SILENT_BEFORE <= now:
        return None
    return last + limit


def _close(
    session: Session,
    customers: Collection[str],
    seen: dict[Key, _Seen],
    events: Sequence[NewEvent],
    now: datetime,
) -> int:
    """Close alerts of silence that an event has broken, and of a payment that was made good."""
    in_order = sorted(events, key=lambda event: event.at)
    paid = {event.customer: event.at for event in in_order if event.kind == "payment_received"}
    closed = 0
    for (customer, trigger, subject), alert in live_alerts(session, customers, OF_EVENTS).items():
        if trigger == Trigger.BILLING_FAILURE:
            at = paid.get(customer)
            over = at is not None and at >= failed_at(alert)
            why = "a payment came in" if over else ""
        else:
            one = seen.get((customer, _WATCHED.get(Trigger(trigger), ACTIVITY), subject))
            fresh = one is not None and _breaks(one, alert)
            why = f"{one.kind} at {one.last:%Y-%m-%d %H:%M} UTC" if one is not None and fresh else ""
        if why:
            close_alert(session, alert, why, now)
            closed += 1
    return closed


def _breaks(one: _Seen, alert: Alert) -> bool:
    """Whether what was seen is later than that with which the alert's silence began.

    The end of a task may be of the same moment: many senders give the day alone.
    """
    since = alert.evidence.get("since")
    if not isinstance(since, str):
        return True
    began = datetime.fromisoformat(since)
    return one.last > began or (one.last == began and one.kind == "task_completed")


def _payments(session: Session, rules: Rules, events: Sequence[NewEvent], now: datetime) -> Iterable[str]:
    """Raise an alert for the newest failed payment of each customer, unless one came in after it."""
    failed: dict[str, NewEvent] = {}
    for event in sorted(events, key=lambda event: event.at):
        if event.kind == "billing_failure" and event.at >= now - FRESH:
            failed[event.customer] = event
    if not failed or not rules.wants(Trigger.BILLING_FAILURE):
        return
    live = live_alerts(session, set(failed), (Trigger.BILLING_FAILURE,))
    customers = customers_of(session, set(failed))
    for customer, event in failed.items():
        before = live.get((customer, Trigger.BILLING_FAILURE.value, ""))
        if not customers[customer].active or _paid_since(session, customer, event.at):
            continue
        if before is not None and _goes_on(session, before, event.at, now):
            continue
        found = triggers.payment_failed(event.data)
        evidence = {**found.evidence, "at": event.at.isoformat()}
        finding = triggers.Finding(found.trigger, found.severity, found.words, evidence)
        raised = raise_alert(session, customers[customer], finding, event.key, now)
        if raised:
            yield raised


def failed_at(alert: Alert) -> datetime:
    """When the payment of an alert failed last."""
    at = alert.evidence.get("at")
    return datetime.fromisoformat(at) if isinstance(at, str) else alert.raised_at


def _goes_on(session: Session, alert: Alert, at: datetime, now: datetime) -> bool:
    """Let a further failure count with the alert that is live: providers try a card again and again.

    False where its playbook has come to its end: then the failure is an alert of its own, and this is closed.
    """
    if at <= failed_at(alert):
        return True
    began = session.get(Intervention, alert.intervention_id) if alert.intervention_id else None
    if began is not None and began.outcome is not None:
        close_alert(session, alert, f"a payment failed again at {at:%Y-%m-%d %H:%M} UTC", now)
        return False
    alert.evidence = {**alert.evidence, "at": at.isoformat()}
    if alert.decision == "refused":
        # What stood in its way, a cooldown mostly, may be over.
        undecide(alert)
    session.add(alert)
    return True


def _paid_since(session: Session, customer: str, at: datetime) -> bool:
    rows = table("engagement_event").c
    query = rows_of(rows.id).where(
        rows.customer_id == customer, rows.at >= at, rows.kind == "payment_received"
    )
    return session.connection().execute(query.limit(1)).first() is not None
