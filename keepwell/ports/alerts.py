"""Alerts: looked for, handed over, told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from keepwell.contracts.alerts import MonitorCall, MonitorFigures, MonitorLook, Trigger
from keepwell.contracts.delivery import (
    Accepted,
    DeliveryState,
    LeftOver,
)
from keepwell.contracts.events import AdmittedAlert, CauseGone
from keepwell.contracts.notices import NoticeBatch
from keepwell.contracts.playbook import Playbook
from keepwell.contracts.rendering import Rendered


class EventAlerts(Protocol):
    """Alerts as event playbooks are started from them. Each method is one transaction."""

    def trigger_of(self, alert: str) -> Trigger | None:
        """What raised an alert that nobody has decided upon; None for one that is decided."""
        ...

    def admit(self, alert: str, playbook: Playbook | None, now: datetime) -> AdmittedAlert | None:
        """The alert, if the playbook may begin with it now. If not, the alert is decided with the reason."""
        ...

    def runs_already(self, alert: str, playbook: Playbook, now: datetime) -> None:
        """Decide that an alert starts nothing because its playbook runs for another alert already.

        One that is about to end, because its own cause is gone, decides nothing: the next pass tries again.
        """
        ...

    def gone(self, organisation: str) -> tuple[CauseGone, ...]:
        """Event playbooks that still run though the cause of their alert is gone."""
        ...


class Monitor(Protocol):
    """What has fallen silent, and which alerts are over by themselves. Each method may be called again."""

    def look(self, call: MonitorCall) -> MonitorLook:
        """Look at what is due; the same moment again finds nothing more, unless `more` is true."""
        ...

    def write_figures(self, call: MonitorCall) -> MonitorFigures:
        """Write momentum figures of the day that has begun, for a while; the next call goes on."""
        ...

    def undecided(self, call: MonitorCall, after: str = "") -> tuple[str, ...]:
        """Ids of alerts that nobody has decided upon: a page of the gravest, and of those the first due.

        `after` is the last id of the page before; empty: the first page. Those put off are left out.
        """
        ...

    def put_off(self, call: MonitorCall, failed: Mapping[str, str]) -> None:
        """Let alerts rest for minutes whose hand-over has failed; why, by id."""
        ...


class Notices(Protocol):
    """What is told to the staff about alerts: a ledger of its own. Each method is one transaction."""

    def plan(self, call: MonitorCall) -> int:
        """Plan a notice for each alert that a channel has not told yet; how many are new."""
        ...

    def batches(self, call: MonitorCall) -> tuple[NoticeBatch, ...]:
        """Messages that may go now; what must not go any more is settled, what must wait is put off."""
        ...

    def begin(self, batch: NoticeBatch, lease: str, until: datetime) -> bool:
        """Take all notices of a message for one attempt, committed; False where another one has one."""
        ...

    def accept(self, organisation: str, message: str, accepted: Accepted, now: datetime) -> None:
        """The provider took the message."""
        ...

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
        ...

    def left_over(self, organisation: str, before: datetime) -> tuple[LeftOver, ...]:
        """Messages under way whose lease ended before this moment."""
        ...


class NoticeRenderer(Protocol):
    """Puts notices into words."""

    def render(self, batch: NoticeBatch, now: datetime) -> Rendered:
        """The text of a message."""
        ...
