"""The ledger of notices: an alert is told once by each channel, and once more when it grows graver.

A task is told by Slack, once to whoever has it.

The rules are those of the send ledger. All notices of a message go to `sending`, committed, before the
provider is called; the message's key is what it is asked for where nobody saw the attempt end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import update
from sqlmodel import Session, col, func, or_, select

from keepwell.contracts.alerts import AlertSeverity, AlertState, MonitorCall
from keepwell.contracts.delivery import Accepted, DeliveryState, LeftOver
from keepwell.contracts.notices import NoticeBatch
from keepwell.contracts.playbook import Channel
from keepwell.db.engine import Store
from keepwell.db.repositories import journal
from keepwell.db.repositories.manners import staff_manners
from keepwell.db.repositories.notices_about import about_of, lock_notices, words_of
from keepwell.db.repositories.notices_instead import plan_email_instead
from keepwell.db.repositories.notices_message import Telling, message_of
from keepwell.db.repositories.notices_plan import channels_on, plan_notices
from keepwell.db.repositories.switches import thrown
from keepwell.db.tables import Alert, Notice, Organisation, Staff, Task
from keepwell.gate.decide import At

APART = 3
"""So many alerts for somebody in one pass go as messages of their own; more go together in one."""

GAP = timedelta(minutes=10)
"""Between two messages to somebody, unless one of the alerts is critical: the rest gathers."""

FIRST_REST = timedelta(minutes=2)
LONGEST_REST = timedelta(hours=1)
"""How long a message rests that the provider did not take: twice as long each time."""

TRIES = 28
"""So often is it tried, which takes a day."""

AT_ONCE = 5_000
OFF = "the channel was switched off"


class NoticeRepository:
    """Implements the port `Notices`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def plan(self, call: MonitorCall) -> int:
        """Plan a notice for each alert that a channel has not told yet; how many are new."""
        with self._store.write() as session:
            return plan_notices(session, call)

    def batches(self, call: MonitorCall) -> tuple[NoticeBatch, ...]:
        """Messages that may go now; what must not go any more is settled, what must wait is put off."""
        with self._store.write() as session:
            stops = thrown(session, call.organisation)
            if any(one.scope == "all" for one in stops):
                return ()
            held = {one.subject for one in stops if one.scope == "customer"}
            planned = [one for one in _planned(session, call) if one.customer not in held]
            news = _still_news(session, call, planned)
            going = sorted((one for one in news if _in_time(session, call, one.notice)), key=_to)
            return tuple(
                batch
                for (channel, address), group in groupby(going, key=_to)
                for batch in _messages(session, call, channel, address, list(group))
            )

    def begin(self, batch: NoticeBatch, lease: str, until: datetime) -> bool:
        """Take all notices of a message for one attempt, committed; False where another one has one."""
        with self._store.write() as session:
            taken = session.connection().execute(
                update(Notice)
                .where(col(Notice.key).in_(batch.keys), col(Notice.state) == DeliveryState.PLANNED.value)
                .values(
                    state=DeliveryState.SENDING.value,
                    message=batch.message,
                    lease=lease,
                    leased_until=until,
                    deferred_until=None,
                    attempts=col(Notice.attempts) + 1,
                )
            )
            if taken.rowcount == len(batch.keys):
                return True
            session.rollback()
            return False

    def accept(self, organisation: str, message: str, accepted: Accepted, now: datetime) -> None:
        """The provider took the message: an acceptance is the truth whenever it comes."""
        with self._store.write() as session:
            for row in lock_notices(session, message, organisation):
                if row.state == DeliveryState.ACCEPTED:
                    continue
                row.state, row.reason = DeliveryState.ACCEPTED.value, ""
                row.provider, row.provider_id = accepted.provider, accepted.provider_id
                row.accepted_at, row.updated_at = now, now
                row.lease, row.leased_until = "", None
                session.add(row)
                _tell(session, row, f"{row.channel} to {row.recipient_name}", now)

    def settle(
        self,
        organisation: str,
        message: str,
        state: DeliveryState,
        reason: str,
        now: datetime,
        rest: timedelta | None = None,
    ) -> None:
        """Give the notices of a message that is under way another state, with the reason.

        With a `rest` they are tried again after it, or later, and in the end given up.
        """
        with self._store.write() as session:
            for row in lock_notices(session, message, organisation):
                if row.state != DeliveryState.SENDING:
                    continue
                hopeless = rest is not None and row.attempts >= TRIES
                row.state = (DeliveryState.FAILED if hopeless else state).value
                row.reason, row.updated_at = reason, now
                row.deferred_until = None if rest is None else now + max(rest, _rest(row.attempts))
                row.lease, row.leased_until = "", None
                if row.state == DeliveryState.PLANNED:
                    # The provider is sure that it has none under this key: the next attempt gets a new one.
                    row.message = ""
                session.add(row)
                if row.state == DeliveryState.FAILED:
                    plan_email_instead(session, row, reason, now)
                if row.state != DeliveryState.PLANNED:
                    ends = "may or may not have been sent" if state is DeliveryState.UNKNOWN else "failed"
                    _tell(session, row, f"{row.channel} to {row.recipient_name} {ends}", now)

    def left_over(self, organisation: str, before: datetime) -> tuple[LeftOver, ...]:
        """Messages under way whose lease ended before this moment."""
        query = select(Notice.message, Notice.channel, Notice.address).where(
            Notice.organisation_id == organisation,
            Notice.state == DeliveryState.SENDING.value,
            col(Notice.leased_until) < before,
        )
        with self._store.read() as session:
            found = sorted(set(session.exec(query).all()))
        return tuple(LeftOver(key=key, channel=Channel(channel), address=at) for key, channel, at in found)


def _rest(attempts: int) -> timedelta:
    rest: timedelta = min(FIRST_REST * 2 ** min(attempts - 1, 10), LONGEST_REST)
    return rest


def _to(telling: Telling) -> tuple[str, str]:
    return telling.notice.channel, telling.notice.address


def _planned(session: Session, call: MonitorCall) -> list[Telling]:
    due = or_(col(Notice.deferred_until).is_(None), col(Notice.deferred_until) <= call.as_of)
    query = (
        select(Notice, Alert, Task)
        .join(Alert, col(Alert.id) == col(Notice.alert_id), isouter=True)
        .join(Task, col(Task.id) == col(Notice.task_id), isouter=True)
        .where(Notice.organisation_id == call.organisation, due)
        .where(Notice.state == DeliveryState.PLANNED.value)
        .order_by(col(Notice.planned_at), col(Notice.key))
    )
    return [Telling(*found) for found in session.exec(query.limit(AT_ONCE)).all()]


def _still_news(session: Session, call: MonitorCall, planned: Iterable[Telling]) -> list[Telling]:
    """Without those that somebody knows of by now, and of channels that are off."""
    on = {channel.channel for channel in channels_on(session, call.organisation)}
    left = []
    for one in planned:
        notice = one.notice
        # The email in Slack's place goes as long as Slack is wanted.
        channel = Channel.SLACK.value if notice.instead else notice.channel
        why = _no_news(one) if channel in on else OFF
        if why:
            notice.state, notice.reason, notice.updated_at = DeliveryState.SKIPPED.value, why, call.as_of
            session.add(notice)
        else:
            left.append(one)
    return left


def _no_news(telling: Telling) -> str:
    """Why nobody needs to hear of it any more; empty where somebody does."""
    notice, alert, task = telling.notice, telling.alert, telling.task
    if alert is not None and alert.state != AlertState.OPEN:
        return f"the alert is {alert.state} by now"
    if alert is not None and alert.severity != notice.severity:
        return f"the alert has become {alert.severity}"
    if task is not None and task.state != "open":
        return f"the task is {task.state} by now"
    if task is not None and task.owner_id != notice.recipient_id:
        return "somebody else has the task by now"
    return ""


def _in_time(session: Session, call: MonitorCall, notice: Notice) -> bool:
    """Whether it may go at this hour; else it is put off. What is critical goes at any hour."""
    person = session.get(Staff, notice.recipient_id) if notice.recipient_id else None
    if notice.severity == AlertSeverity.CRITICAL or person is None:
        return True
    decision = staff_manners(session, session.get_one(Organisation, call.organisation), person).decide(
        call.as_of
    )
    if not isinstance(decision, At):
        return True
    notice.deferred_until, notice.reason = decision.moment, decision.reason
    session.add(notice)
    return False


def _messages(
    session: Session, call: MonitorCall, channel: str, address: str, tellings: Sequence[Telling]
) -> list[NoticeBatch]:
    """The messages of one recipient: a few of their own, or one for all."""
    if all(one.notice.severity != AlertSeverity.CRITICAL for one in tellings):
        newest = select(func.max(Notice.accepted_at)).where(
            Notice.organisation_id == call.organisation, Notice.channel == channel, Notice.address == address
        )
        last = session.exec(newest).one()
        if last is not None and call.as_of - last < GAP:
            return []
    graver = sorted(tellings, key=_graver)
    groups = [[one] for one in graver] if len(graver) <= APART else [graver]
    organisation = session.get_one(Organisation, call.organisation)
    return [message_of(session, organisation, group) for group in groups]


def _graver(telling: Telling) -> tuple[int, bool, datetime, str]:
    notice = telling.notice
    is_task = notice.task_id is not None
    return AlertSeverity(notice.severity).rank, is_task, notice.planned_at, notice.key


def _tell(session: Session, row: Notice, text: str, now: datetime) -> None:
    about = about_of(session, row)
    task = about if isinstance(about, Task) else None
    what = "told" if row.state == DeliveryState.ACCEPTED else "not_told"
    data = {"alert": row.alert_id, "severity": row.severity} if task is None else {"task": task.id}
    journal.write(
        session,
        key=f"{row.key}/{what}/{row.attempts}",
        organisation=row.organisation_id,
        customer=about.customer_id if about is not None else None,
        kind=f"{'alert' if task is None else 'task'}.{what}",
        text=f"{words_of(row, about)}: {text}",
        why=row.reason,
        at=now,
        data={"notice": row.key, **data, "channel": row.channel},
    )
