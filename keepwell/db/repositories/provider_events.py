"""What providers report of messages: kept once, each with its effect in one transaction, in any order.

Where a message stands follows from all that was reported of it, not from what came last: so late, repeated
and swapped reports come to the same.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlmodel import Session, col, select

from keepwell.contracts.arrivals import Report, ReportKind, Taken
from keepwell.contracts.delivery import DeliveryState
from keepwell.db.engine import Store, past_deadlocks
from keepwell.db.repositories import journal
from keepwell.db.repositories.lookup import insert_all_if_absent, insert_if_absent
from keepwell.db.repositories.notices_about import lock_notices
from keepwell.db.repositories.notices_reported import messages_of_ours, settle_reported
from keepwell.db.repositories.reported import act_on, words_of
from keepwell.db.repositories.step_rows import reached_after_all
from keepwell.db.tables import Delivery, ProviderEvent
from keepwell.db.tables.base import Json
from keepwell.errors import StoreError
from keepwell.keys import new_id

log = logging.getLogger("keepwell.events")

AT_ONCE = 500
"""Reports without an effect in one transaction, and ids in one statement."""

ORDER = (DeliveryState.ACCEPTED, DeliveryState.FAILED, DeliveryState.DELIVERED, DeliveryState.BOUNCED)
"""Each outranks those before it. A mailbox may take a message first and send it back later; what was
delivered once is not undone by a second copy that the provider dropped."""

SHOWS = {
    ReportKind.ACCEPTED: DeliveryState.ACCEPTED,
    ReportKind.DELAYED: DeliveryState.ACCEPTED,
    ReportKind.OPENED: DeliveryState.ACCEPTED,
    ReportKind.OPENED_BY_MACHINE: DeliveryState.ACCEPTED,
    ReportKind.CLICKED: DeliveryState.ACCEPTED,
    ReportKind.UNSUBSCRIBED: DeliveryState.ACCEPTED,
    ReportKind.LEFT_GROUP: DeliveryState.ACCEPTED,
    ReportKind.COMPLAINED: DeliveryState.DELIVERED,
    ReportKind.DELIVERED: DeliveryState.DELIVERED,
    ReportKind.DROPPED: DeliveryState.FAILED,
    ReportKind.BLOCKED: DeliveryState.BOUNCED,
    ReportKind.BOUNCED: DeliveryState.BOUNCED,
}
"""What a report shows at least."""

_SENT = (DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.BOUNCED)


def take(store: Store, reports: Sequence[Report], now: datetime) -> Taken:
    """Keep the reports that are new, and do what follows from each.

    One that cannot be written does not keep the others from it; it is counted as failed.

    Raises:
        StoreError: the database does not answer.
    """
    fresh = _fresh(store, reports)
    ours, told, strange = _apart(store, fresh)
    new = failed = 0
    for start in range(0, len(strange), AT_ONCE):
        rows = [_row(one, None, "no message of ours", now) for one in strange[start : start + AT_ONCE]]
        with store.write() as session:
            insert_all_if_absent(session, "provider_event", rows)
        new += len(rows)
    work = [*((one, _take) for one in ours), *((one, _take_notice) for one in told)]
    for report, taking in work:
        try:
            with store.write() as session:
                new += past_deadlocks(session, partial(taking, session, report, now))
        except StoreError:
            raise
        except Exception:
            log.exception("A report cannot be written", extra={"event": report.event_id})
            failed += 1
    return Taken(new=new, repeated=len(reports) - new - failed, failed=failed)


def _fresh(store: Store, reports: Sequence[Report]) -> list[Report]:
    """Those not kept yet, each once; whoever keeps one at the same time is noticed at writing."""
    by_id = {(one.provider, one.event_id): one for one in reversed(reports)}
    ids = sorted({event for _, event in by_id})
    known: set[tuple[str, str]] = set()
    with store.read() as session:
        for start in range(0, len(ids), AT_ONCE):
            query = select(ProviderEvent.provider, ProviderEvent.event_id).where(
                col(ProviderEvent.event_id).in_(ids[start : start + AT_ONCE])
            )
            known.update((provider, event) for provider, event in session.exec(query))
    return [one for key, one in reversed(by_id.items()) if key not in known]


def _apart(store: Store, reports: Sequence[Report]) -> tuple[list[Report], list[Report], list[Report]]:
    """Reports of messages in the ledger, of notices to the staff, and the others."""
    keys = sorted({one.key for one in reports if one.key})
    ledger: set[str] = set()
    notices: set[str] = set()
    with store.read() as session:
        for start in range(0, len(keys), AT_ONCE):
            some = keys[start : start + AT_ONCE]
            ledger.update(session.exec(select(Delivery.key).where(col(Delivery.key).in_(some))))
            notices.update(messages_of_ours(session, some))
    return (
        [one for one in reports if one.key in ledger],
        [one for one in reports if one.key in notices],
        [one for one in reports if one.key not in ledger | notices],
    )


def _row(report: Report, organisation: str | None, effect: str, now: datetime) -> Json:
    return {
        "id": new_id(),
        "organisation_id": organisation,
        "provider": report.provider,
        "event_id": report.event_id,
        "delivery": report.key,
        "kind": report.kind.value,
        "at": report.at,
        "data": report.data,
        "received_at": now,
        "effect": effect,
    }


def _take(session: Session, report: Report, now: datetime) -> bool:
    """One report and its effect; False where it is there already."""
    # First the message, then its reports: whoever comes second sees what the first has brought about.
    row = session.get_one(Delivery, report.key, with_for_update=True)
    values = _row(report, row.organisation_id, "", now)
    if not insert_if_absent(session, "provider_event", values):
        return False
    done = [_moved(session, row, report, now), act_on(session, row, report, now)]
    kept = session.get_one(ProviderEvent, values["id"])
    kept.effect = "; ".join(one for one in done if one) or "nothing new"
    session.add(kept)
    return True


def _take_notice(session: Session, report: Report, now: datetime) -> bool:
    """The same of a message that tells the staff of alerts and tasks."""
    rows = lock_notices(session, report.key)
    values = _row(report, rows[0].organisation_id if rows else None, "", now)
    if not insert_if_absent(session, "provider_event", values):
        return False
    kept = session.get_one(ProviderEvent, values["id"])
    kept.effect = settle_reported(session, rows, report, now) or "nothing new"
    session.add(kept)
    return True


def _moved(session: Session, row: Delivery, report: Report, now: datetime) -> str:
    """Bring the ledger's row to where all reports of it say that it stands; what changed, in a word."""
    shown = SHOWS.get(report.kind)
    if shown is None:
        return ""
    before = DeliveryState(row.state)
    reported = [
        SHOWS[ReportKind(kind)]
        for kind in session.exec(
            select(ProviderEvent.kind).where(ProviderEvent.delivery == row.key).distinct()
        )
        if kind in SHOWS
    ]
    after = max([*reported, *((before,) if before in _SENT else ())], key=ORDER.index)
    row.accepted_at = min(row.accepted_at or report.at, report.at)
    if report.kind is ReportKind.DELIVERED:
        row.delivered_at = min(row.delivered_at or report.at, report.at)
    if not row.provider:
        row.provider, row.provider_id = report.provider, report.message
    row.updated_at = now
    session.add(row)
    if after is before:
        return ""
    late = before not in _SENT and after is not DeliveryState.FAILED
    row.state, row.reason = after.value, _reason(row, report, after)
    row.lease, row.leased_until = "", None
    session.add(row)
    if late and reached_after_all(session, row, report.provider, now):
        _tell_late(session, row, report)
    return f"{before.value} → {after.value}"


def _reason(row: Delivery, report: Report, after: DeliveryState) -> str:
    """The reason beside a state: the provider's, where this report is what brought the row there."""
    if after in (DeliveryState.ACCEPTED, DeliveryState.DELIVERED):
        return ""
    return words_of(report) if SHOWS[report.kind] is after else row.reason


def _tell_late(session: Session, row: Delivery, report: Report) -> None:
    journal.write(
        session,
        key=f"{row.key}/delivery.accepted/reported",
        organisation=row.organisation_id,
        customer=row.customer_id,
        intervention=row.intervention_id,
        kind="delivery.accepted",
        by=report.provider,
        text=f"{row.step}: {row.channel} to {row.recipient_name} was sent (the provider reported it)",
        why="The answer to the attempt had been lost",
        at=report.at,
        data={"delivery": row.key, "step": row.step, "attempt": row.attempts},
    )
