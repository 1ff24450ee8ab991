"""A message of notices: what it tells, and what can be done at once about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from keepwell.contracts.alerts import AlertSeverity
from keepwell.contracts.delivery import MessageAction, Recipient
from keepwell.contracts.notices import NoticeBatch
from keepwell.contracts.playbook import Channel
from keepwell.contracts.rendering import ToldAlert
from keepwell.db.repositories.team import company_sender
from keepwell.db.tables import Alert, Customer, Intervention, Notice, Organisation, Task
from keepwell.keys import new_id
from keepwell.moments import minute_words

SHOWN = 20
"""Alerts that one message shows; it says how many more there are."""

RUNNING: tuple[MessageAction, ...] = ("pause", "respond")


@dataclass(frozen=True)
class Telling:
    """A notice with the alert or the task that it tells of; with neither it is about Keepwell itself."""

    notice: Notice
    alert: Alert | None
    task: Task | None

    @property
    def customer(self) -> str:
        """The customer's id, or empty."""
        about = self.alert or self.task
        return about.customer_id if about is not None else ""

    @property
    def intervention(self) -> str:
        """What was begun because of the alert, or what the task belongs to; or empty."""
        about = self.alert or self.task
        return (about.intervention_id or "") if about is not None else ""


def message_of(session: Session, organisation: Organisation, tellings: Sequence[Telling]) -> NoticeBatch:
    """One message for one recipient of all these, the gravest first."""
    first = tellings[0].notice
    name, address = company_sender(organisation)
    running = _running(session, tellings)
    return NoticeBatch(
        message=f"{organisation.id}/notice/{new_id()}",
        keys=tuple(one.notice.key for one in tellings),
        organisation=organisation.id,
        customer=next((one.customer for one in tellings if one.customer), ""),
        channel=Channel(first.channel),
        recipient=Recipient(
            id=first.recipient_id,
            kind="staff",
            name=first.recipient_name,
            address=first.address,
            time_zone=first.recipient_zone,
        ),
        sender_name=name,
        sender_address=address,
        alerts=tuple(_told(session, one) for one in tellings[:SHOWN]),
        more=max(0, len(tellings) - SHOWN),
        intervention=running,
        actions=_actions(tellings, running),
        instead=next((one.notice.instead for one in tellings if one.notice.instead), ""),
    )


def _told(session: Session, telling: Telling) -> ToldAlert:
    notice, alert, task = telling.notice, telling.alert, telling.task
    severity = AlertSeverity(notice.severity)
    if alert is None and task is None:
        return ToldAlert(id="", customer="", words=notice.words, severity=severity)
    customer = session.get_one(Customer, telling.customer).name
    zone = notice.recipient_zone
    if alert is not None:
        return ToldAlert(
            id=alert.id, customer=customer, words=alert.words, severity=severity, due=alert.due_at
        )
    assert task is not None  # noqa: S101  (looked at above)
    words = f"{task.title.removeprefix(f'{customer}: ')}, due {minute_words(task.due_at, zone)}"
    return ToldAlert(id="", customer=customer, words=words, severity=severity, due=task.due_at, task=task.id)


def _running(session: Session, tellings: Sequence[Telling]) -> str:
    """The intervention that goes on, where a message tells of one thing only."""
    own = tellings[0].intervention if len(tellings) == 1 else ""
    row = session.get(Intervention, own) if own else None
    return own if row is not None and row.outcome is None else ""


def _actions(tellings: Sequence[Telling], running: str) -> tuple[MessageAction, ...]:
    """What the message offers. All at once are taken in hand only where all are shown."""
    alerts = [one.alert for one in tellings if one.alert is not None]
    found: list[MessageAction] = []
    if alerts and len(tellings) <= SHOWN:
        found.append("take" if len(alerts) == 1 else "take_all")
    elif running:
        found.append("acknowledge")
    if running:
        found += RUNNING
    if len({one.customer for one in tellings}) == 1 and tellings[0].customer:
        found.append("open")
    return tuple(found)
