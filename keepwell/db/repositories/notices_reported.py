"""What a provider reports of messages to the staff: an email that did not arrive has told nobody."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from hashlib import sha256

from sqlmodel import Session, col, select

from keepwell.contracts.arrivals import Report, ReportKind
from keepwell.contracts.delivery import DeliveryState
from keepwell.db.repositories import journal
from keepwell.db.repositories.notices_about import about_of, words_of
from keepwell.db.repositories.notices_plan import tell_admins
from keepwell.db.tables import Notice, ProviderEvent, Task

SENT_BACK = frozenset({ReportKind.BOUNCED, ReportKind.BLOCKED})
ARRIVED = frozenset(
    {ReportKind.DELIVERED, ReportKind.OPENED, ReportKind.CLICKED, ReportKind.COMPLAINED}
    | {ReportKind.OPENED_BY_MACHINE}
)
SAYS_NOTHING = frozenset({ReportKind.OTHER, ReportKind.UNSUBSCRIBED, ReportKind.LEFT_GROUP})


def messages_of_ours(session: Session, keys: Collection[str]) -> set[str]:
    """Which of these keys are messages that told somebody of alerts or tasks."""
    return set(
        session.exec(select(Notice.message).where(col(Notice.message).in_(keys), Notice.message != ""))
    )


def settle_reported(session: Session, rows: Sequence[Notice], report: Report, now: datetime) -> str:
    """Bring the rows of a message, which are locked, to where all its reports say that they stand.

    What changed, in a word. Of one that did not arrive the lead hears, once a day for each recipient.
    """
    query = select(ProviderEvent.kind).where(ProviderEvent.delivery == report.key).distinct()
    kinds = {ReportKind(kind) for kind in session.exec(query)} - SAYS_NOTHING
    lost = bool(kinds & SENT_BACK) or (ReportKind.DROPPED in kinds and not kinds & ARRIVED)
    state = DeliveryState.FAILED if lost else DeliveryState.ACCEPTED
    changed = [row for row in rows if kinds and row.state != state]
    for row in changed:
        row.state, row.updated_at = state.value, now
        row.reason = f"the email did not arrive: {report.why or report.kind.value}" if lost else ""
        row.lease, row.leased_until, row.deferred_until = "", None, None
        row.provider = row.provider or report.provider
        row.provider_id = row.provider_id or report.message
        row.accepted_at = min(row.accepted_at or report.at, report.at)
        session.add(row)
        _tell(session, row, report)
    if changed and lost:
        _tell_lead(session, changed[0], report, now)
    return state.value if changed else ""


def _tell(session: Session, row: Notice, report: Report) -> None:
    about = about_of(session, row)
    lost = row.state == DeliveryState.FAILED
    went = f"{row.channel} to {row.recipient_name} {'did not arrive' if lost else 'was sent'}"
    journal.write(
        session,
        key=f"{row.key}/{report.kind.value}/{row.attempts}",
        organisation=row.organisation_id,
        customer=about.customer_id if about is not None else None,
        kind=f"{'task' if isinstance(about, Task) else 'alert'}.{'not_told' if lost else 'told'}",
        by=report.provider,
        text=f"{words_of(row, about)}: {went}",
        why=report.why if lost else "The answer to the attempt had been lost",
        at=report.at,
        data={"notice": row.key, "alert": row.alert_id, "task": row.task_id, "channel": row.channel},
    )


def _tell_lead(session: Session, row: Notice, report: Report, now: datetime) -> None:
    # No key holds an address.
    whom = row.recipient_id or sha256(row.address.encode()).hexdigest()[:20]
    why = f" ({report.why})" if report.why else ""
    words = f"emails to {row.recipient_name} do not arrive{why}: what they should know, nobody has read"
    tell_admins(session, row.organisation_id, f"not-arrived/{whom}/{now:%Y%m%d}", words, now)
