"""What follows from a provider's report besides the ledger's state: wishes, tasks, lines in the journal."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, select

from keepwell.contracts.arrivals import Report, ReportKind
from keepwell.contracts.people import SuppressionReason
from keepwell.db.repositories import journal, suppressing, wishes
from keepwell.db.repositories.asking import ask_somebody
from keepwell.db.tables import Contact, Customer, Delivery, Intervention, Task
from keepwell.keys import bounced_key, fallback_key

DROPPED = {
    "bounced address": SuppressionReason.BOUNCED,
    "invalid": SuppressionReason.INVALID,
    "spam reporting address": SuppressionReason.COMPLAINED,
    "unsubscribed address": SuppressionReason.UNSUBSCRIBED,
}
"""Why SendGrid does not try an address, and what that says of it; its other reasons are not the address's."""

_TEXTS = {
    ReportKind.DELAYED: "waits at the recipient's server",
    ReportKind.DELIVERED: "was delivered",
    ReportKind.BOUNCED: "bounced: the address takes no mail",
    ReportKind.BLOCKED: "was sent back by the recipient's server",
    ReportKind.DROPPED: "was dropped by the provider",
    ReportKind.OPENED: "was opened",
    ReportKind.CLICKED: "was clicked",
    ReportKind.COMPLAINED: "was marked as spam",
    ReportKind.UNSUBSCRIBED: "brought an opt-out",
    ReportKind.LEFT_GROUP: "brought an opt-out",
}
_FAILURES = (ReportKind.BOUNCED, ReportKind.BLOCKED, ReportKind.DROPPED, ReportKind.COMPLAINED)


def act_on(session: Session, row: Delivery, report: Report, now: datetime) -> str:
    """Do what follows from a report of this row, which is locked; what was done, in words."""
    done = [_marked(session, row, report), _wished(session, row, report)]
    if report.kind in _TEXTS and _told(session, row, report):
        done.append("told")
    if report.kind in _FAILURES and _asked(session, row, report, now):
        done.append("task")
    return ", ".join(one for one in done if one)


def words_of(report: Report) -> str:
    """A report's own reason in a line; never empty."""
    return report.why or _TEXTS.get(report.kind, report.kind.value)


def _marked(session: Session, row: Delivery, report: Report) -> str:
    """Note the first opening and the first click of a person."""
    if report.kind is ReportKind.OPENED:
        row.opened_at = min(row.opened_at or report.at, report.at)
    elif report.kind is ReportKind.CLICKED:
        row.clicked_at = min(row.clicked_at or report.at, report.at)
    else:
        return ""
    session.add(row)
    return report.kind.value


def _wished(session: Session, row: Delivery, report: Report) -> str:
    """Suppress the address, or note what the contact does not want; staff have not asked to be written to."""
    contact = session.get(Contact, row.recipient_id) if row.recipient_kind == "contact" else None
    if contact is None:
        return ""
    if report.kind is ReportKind.LEFT_GROUP:
        purpose = wishes.purpose_of(session.get_one(Intervention, row.intervention_id))
        unwanted = wishes.set_preference(
            session, contact, purpose, False, source=report.provider, by=wishes.CUSTOMER, now=report.at
        )
        return f"no more {purpose.value}" if unwanted else ""
    reason = _suppresses(report)
    if reason is None:
        return ""
    by = wishes.CUSTOMER if reason in _BY_THEM else report.provider
    changed = suppressing.suppress(
        session,
        row.organisation_id,
        row.address,
        reason,
        detail=report.why,
        source=report.provider,
        by=by,
        now=report.at,
    )
    return f"suppressed as {reason.value}" if changed else ""


_BY_THEM = (SuppressionReason.COMPLAINED, SuppressionReason.UNSUBSCRIBED)


def _suppresses(report: Report) -> SuppressionReason | None:
    match report.kind:
        case ReportKind.BOUNCED:
            return SuppressionReason.BOUNCED
        case ReportKind.COMPLAINED:
            return SuppressionReason.COMPLAINED
        case ReportKind.UNSUBSCRIBED:
            return SuppressionReason.UNSUBSCRIBED
        case ReportKind.DROPPED:
            return DROPPED.get(report.why.strip().lower())
        case _:
            return None


def _told(session: Session, row: Delivery, report: Report) -> bool:
    return journal.write(
        session,
        key=f"{row.key}/delivery.{report.kind.value}",
        organisation=row.organisation_id,
        customer=row.customer_id,
        intervention=row.intervention_id,
        kind=f"delivery.{report.kind.value}",
        by=report.provider,
        text=f"{row.step}: {row.channel} to {row.recipient_name} {_TEXTS[report.kind]}",
        why=report.why,
        at=report.at,
        data={"delivery": row.key, "step": row.step, "recipient": row.recipient_id},
    )


def _asked(session: Session, row: Delivery, report: Report, now: datetime) -> bool:
    """A person has to know, once per message; not twice where somebody is to do the step by hand anyway."""
    hand = select(Task).where(Task.key == fallback_key(row.intervention_id, row.step), Task.state == "open")
    if session.exec(hand).first() is not None:
        return False
    customer = session.get_one(Customer, row.customer_id)
    whom = f"{row.recipient_name} at {customer.name}"
    if report.kind is ReportKind.COMPLAINED:
        title = f"{whom} marked our email as spam: leave them alone, and find out why"
    else:
        title = f"Reach {whom} another way: our email did not arrive"
    subject = f"“{row.subject}”" if row.subject else row.step
    lines = [
        f"{subject} to {row.address} {_TEXTS[report.kind]}.",
        *((f"The provider says: {report.why}",) if report.why else ()),
        "What is to come goes to another contact, where there is one who may be written to.",
    ]
    return ask_somebody(
        session,
        customer,
        key=bounced_key(row.intervention_id, row.step),
        kind="bounced",
        title=title,
        detail="\n".join(lines),
        now=now,
        intervention=row.intervention_id,
        step=row.step,
        not_to=row.recipient_id if row.recipient_kind == "staff" else "",
    )
