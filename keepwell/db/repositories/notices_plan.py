"""Which alerts and tasks are to be told, by which channel and to whom."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, false, true
from sqlmodel import Session, col, or_, select

from keepwell.contracts.alerts import AlertSeverity, AlertState, MonitorCall
from keepwell.contracts.delivery import DeliveryState
from keepwell.contracts.playbook import Channel
from keepwell.db.repositories.alerts import customers_of
from keepwell.db.repositories.alerts_pending import GRAVEST_FIRST
from keepwell.db.repositories.lookup import insert_all_if_absent
from keepwell.db.repositories.team import lead_of, responsible_for, standing_in
from keepwell.db.repositories.zones import first_zone
from keepwell.db.tables import Alert, AlertChannel, Customer, Notice, Organisation, Staff, Task

BY_MESSAGE = (Channel.EMAIL.value, Channel.SLACK.value)
"""Channels whose messages are notices; webhooks hear of alerts from the journal."""

NEWS = timedelta(days=3)
"""An alert that nobody could be told of for longer than this is no news: it is in `keepwell alerts`."""

AT_ONCE = 5_000
"""Alerts planned in one pass, the gravest first; the next comes in a minute."""

TASKS_ARE = AlertSeverity.WARNING.value
"""A channel that tells warnings tells of tasks, too."""

MEND = "slack/"
"""So begin the keys of tasks to mend Slack."""

NOBODY = "nobody is there to tell: the customer has no owner, and the team no lead"


def channels_on(session: Session, organisation: str) -> list[AlertChannel]:
    """The channels that are on and send messages."""
    query = select(AlertChannel).where(
        AlertChannel.organisation_id == organisation,
        col(AlertChannel.enabled),
        col(AlertChannel.channel).in_(BY_MESSAGE),
    )
    return list(session.exec(query.order_by(AlertChannel.channel)))


def plan_notices(session: Session, call: MonitorCall) -> int:
    """Plan a notice for each alert and task that a channel has not told yet, in its severity; how many."""
    organisation, planned = session.get_one(Organisation, call.organisation), 0
    for channel in channels_on(session, call.organisation):
        query = select(Alert).where(*_untold(channel, call.as_of)).order_by(*GRAVEST_FIRST).limit(AT_ONCE)
        alerts = session.exec(query).all()
        customers = customers_of(session, {alert.customer_id for alert in alerts})
        people: dict[str, Staff | None] = {}
        rows = []
        for alert in alerts:
            customer = customers[alert.customer_id]
            owner = customer.owner_id or ""
            if owner not in people:
                people[owner] = person_for(session, customer, call.as_of)
            key = f"{call.organisation}/alert/{alert.id}/{alert.severity}/{channel.channel}"
            row = notice_row(organisation, channel, people[owner], key, alert.severity, call.as_of)
            rows.append({**row, "alert_id": alert.id})
        rows += _of_tasks(session, organisation, channel, call.as_of)
        if rows:
            insert_all_if_absent(session, "notice", rows)
        planned += len(rows)
    return planned


def _of_tasks(
    session: Session, organisation: Organisation, channel: AlertChannel, now: datetime
) -> list[dict[str, Any]]:
    """Notices of new tasks, each to whoever has it and to nobody else: a channel's target is for alerts."""
    query = (
        select(Task, Staff)
        .join(Staff, col(Staff.id) == col(Task.owner_id))
        .where(*_untold_tasks(channel, now))
        .order_by(col(Task.due_at), col(Task.id))
    )
    rows = []
    for task, person in session.exec(query.limit(AT_ONCE)).all():
        key = f"{organisation.id}/task/{task.id}/{person.id}/{channel.channel}"
        personal = AlertChannel(organisation_id=organisation.id, channel=channel.channel)
        row = notice_row(organisation, personal, person, key, TASKS_ARE, now)
        # Also where the team's channel is the only way to them.
        rows.append({**row, "task_id": task.id, "recipient_id": person.id})
    return rows


def something_to_tell(session: Session, call: MonitorCall) -> bool:
    """Whether a notice is planned and due, under way, or still to be planned."""
    due = or_(col(Notice.deferred_until).is_(None), col(Notice.deferred_until) <= call.as_of)
    open_states = (DeliveryState.PLANNED.value, DeliveryState.SENDING.value)
    waiting = select(Notice.key).where(
        Notice.organisation_id == call.organisation, col(Notice.state).in_(open_states), due
    )
    if session.exec(waiting.limit(1)).first() is not None:
        return True
    return any(
        session.exec(select(one).where(*what(channel, call.as_of)).limit(1)).first() is not None
        for channel in channels_on(session, call.organisation)
        for one, what in ((Alert.id, _untold), (Task.id, _untold_tasks))
    )


def tell_admins(session: Session, organisation: str, key: str, words: str, now: datetime) -> None:
    """Plan a notice to the lead, by each channel that is on, of what is wrong with Keepwell itself."""
    ours = session.get_one(Organisation, organisation)
    lead = lead_of(session, organisation, None)
    person = standing_in(session, lead, now) if lead is not None else None
    grave = AlertSeverity.CRITICAL.value
    rows = [
        {**notice_row(ours, one, person, f"{organisation}/{key}/{one.channel}", grave, now), "words": words}
        for one in channels_on(session, organisation)
    ]
    if rows:
        insert_all_if_absent(session, "notice", rows)


def _untold(channel: AlertChannel, as_of: datetime) -> Sequence[ColumnElement[bool]]:
    since = max(channel.since, as_of - NEWS)
    least = AlertSeverity(channel.severity).rank
    told = exists().where(
        col(Notice.alert_id) == col(Alert.id),
        col(Notice.channel) == channel.channel,
        col(Notice.severity) == col(Alert.severity),
    )
    return (
        col(Alert.organisation_id) == channel.organisation_id,
        col(Alert.state) == AlertState.OPEN.value,
        col(Alert.severity).in_([one.value for one in AlertSeverity if one.rank <= least]),
        or_(col(Alert.raised_at) >= since, col(Alert.escalated_at) >= since),
        ~told,
    )


def _untold_tasks(channel: AlertChannel, as_of: datetime) -> Sequence[ColumnElement[bool]]:
    """Open tasks of somebody, by Slack alone: in a list of emails they would drown what is grave.

    Not the task to mend Slack: it would be refused like all the others.
    """
    told = exists().where(col(Notice.task_id) == col(Task.id), col(Notice.recipient_id) == col(Task.owner_id))
    heard = channel.channel == Channel.SLACK.value and (
        AlertSeverity(TASKS_ARE).rank <= AlertSeverity(channel.severity).rank
    )
    return (
        true() if heard else false(),
        col(Task.organisation_id) == channel.organisation_id,
        col(Task.state) == "open",
        col(Task.owner_id).is_not(None),
        ~col(Task.key).startswith(MEND),
        col(Task.created_at) >= max(channel.since, as_of - NEWS),
        or_(col(Task.snoozed_until).is_(None), col(Task.snoozed_until) <= as_of),
        ~told,
    )


def person_for(session: Session, customer: Customer, at: datetime) -> Staff | None:
    """Who hears of a customer's alerts: the owner or the lead, or whoever stands in."""
    person = responsible_for(session, customer)
    return standing_in(session, person, at) if person is not None else None


def notice_row(
    organisation: Organisation,
    channel: AlertChannel,
    person: Staff | None,
    key: str,
    severity: str,
    now: datetime,
) -> dict[str, Any]:
    """A notice's columns. The channel's own target wins; on Slack the team's channel is the last resort."""
    name, address, zone = "", channel.target, organisation.time_zone
    if not address and person is not None:
        is_slack = channel.channel == Channel.SLACK.value
        address = (person.slack or person.email) if is_slack else person.email
        name, zone = person.name, first_zone(person.time_zone, organisation.time_zone)
    if not address and channel.channel == Channel.SLACK.value:
        address, name = organisation.slack_channel, ""
    return {
        "key": key[:240],
        "organisation_id": organisation.id,
        "alert_id": None,
        "task_id": None,
        "instead": "",
        "severity": severity,
        "words": "",
        "channel": channel.channel,
        "address": address,
        "recipient_id": person.id if person is not None and name else "",
        "recipient_name": name or address,
        "recipient_zone": zone,
        "message": "",
        "state": (DeliveryState.PLANNED if address else DeliveryState.SKIPPED).value,
        "reason": "" if address else NOBODY,
        "attempts": 0,
        "lease": "",
        "deferred_until": None,
        "leased_until": None,
        "provider": "",
        "provider_id": "",
        "planned_at": now,
        "accepted_at": None,
        "updated_at": now,
    }
