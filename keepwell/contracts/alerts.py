"""Alerts: what was noticed about a customer, how grave it is, and by when somebody must have acted."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from keepwell.contracts.base import Frozen
from scoring.signal import Severity as AlertSeverity
from scoring.signal import Trigger

__all__ = [
    "LIVE_ALERTS",
    "AlertDecision",
    "AlertSeverity",
    "AlertState",
    "AlertsHanded",
    "AlertsTold",
    "MonitorCall",
    "MonitorFigures",
    "MonitorLook",
    "MonitorRequest",
    "MonitorSummary",
    "Trigger",
]


class AlertState(StrEnum):
    """Where an alert stands. A closed one has lost its cause."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


LIVE_ALERTS = (AlertState.OPEN.value, AlertState.ACKNOWLEDGED.value)
"""The states in which the cause of an alert is still there."""

AlertDecision = Literal["started", "refused", "none"]
"""What its playbook made of an alert: it began, it was refused, or there is none for this trigger."""


class MonitorRequest(Frozen):
    """Look for what has fallen silent, as of a moment; None means the run's own time."""

    organisation: str
    as_of: datetime | None = None


class MonitorCall(Frozen):
    """One pass of the monitor, with its moment fixed."""

    organisation: str
    as_of: datetime


class MonitorLook(Frozen):
    """What a look at the store found.

    failed: parts and customers that could not be judged. held is why silence was not judged, or empty.
    figures_due: the day's momentum figures are not written yet. pending: alerts wait to be handed over.
    more: not everything that is due was looked at yet. commands: some from outside wait to be told.
    to_tell: alerts wait to be told by a channel.
    """

    raised: int = 0
    escalated: int = 0
    closed: int = 0
    failed: int = 0
    held: str = ""
    figures_due: bool = False
    pending: bool = False
    more: bool = False
    commands: bool = False
    to_tell: bool = False


class MonitorFigures(Frozen):
    """Of how many customers momentum figures were written or failed, and whether some are left."""

    written: int = 0
    failed: int = 0
    more: bool = False


class AlertsHanded(Frozen):
    """How many alerts were handed over to their playbooks; failed ones are tried again after some minutes."""

    handed_over: int = 0
    failed: int = 0


class AlertsTold(Frozen):
    """Messages that told the staff of alerts, and those that did not get through; they are tried again."""

    told: int = 0
    failed: int = 0


class MonitorSummary(Frozen):
    """What a pass came to.

    raised: new alerts. escalated: those that became graver. closed: those whose cause is gone. handed_over:
    alerts whose playbook was started, or decided against, now. failed: alerts that could not be handed over,
    customers and parts that could not be looked at; the journal tells of each (`monitor.failed`,
    `alert.not_handed_over`), and they are tried again. figures: customers whose momentum figures were
    written. held is why silence was not judged, or empty. told: messages that told the staff of alerts.
    """

    raised: int = 0
    escalated: int = 0
    closed: int = 0
    handed_over: int = 0
    failed: int = 0
    figures: int = 0
    held: str = ""
    told: int = 0
