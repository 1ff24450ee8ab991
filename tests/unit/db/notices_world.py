"""Two owners with alerts, a monitor that tells them, and providers that do what a test says."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import col, select, update
from temporalio.testing import ActivityEnvironment

from activities.notices import NoticeActivities
from keepwell.adapters.notice_renderer import StoreNoticeRenderer
from keepwell.contracts.alerts import AlertsTold, MonitorCall
from keepwell.contracts.delivery import Absent, Accepted, CannotSay, Found, Message
from keepwell.contracts.playbook import Channel
from keepwell.db.engine import Store
from keepwell.db.repositories.alert_channels import ChannelName, set_channel
from keepwell.db.repositories.alerts import raise_alert
from keepwell.db.repositories.monitor import MonitorRepository
from keepwell.db.repositories.notices import NoticeRepository
from keepwell.db.tables import Customer, Event, Notice
from keepwell.errors import SendUnknownError
from scoring.signal import Severity, Trigger
from scoring.triggers import Finding
from tests.unit.db.world import DAY, NOW, World

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


class Provider:
    """Takes messages, or does what a test says; `can_say` whether it answers for its keys."""

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.asked: list[str] = []
        self.fails: list[Exception] = []
        self.loses_answer = False
        self.can_say = True

    def send(self, message: Message) -> Accepted:
        """Take it, fail, or take it and lose the answer."""
        if self.fails:
            raise self.fails.pop(0)
        self.taken.append(message)
        if self.loses_answer:
            raise SendUnknownError("the answer was lost")
        return Accepted(provider="test", provider_id=str(len(self.taken)))

    def find(self, key: str, address: str) -> Found:
        """Whether a message with that key was taken."""
        self.asked.append(key)
        if not self.can_say:
            return CannotSay(why="it keeps no list")
        there = [one for one in self.taken if one.key == key]
        return Accepted(provider="test", provider_id="found") if there else Absent()


class Team:
    """Two owners with customers, and a monitor that tells."""

    def __init__(self, store: Store, *, leases_end: bool = True) -> None:
        self.world = World(store)
        self.world.can_send()
        self.world.staff("lena", role="lead", name="Lena Lead")
        self.world.staff("dana", name="Dana Reyes", manager_id="lena")
        self.world.staff("omar", name="Omar Haddad", manager_id="lena", slack="U0MAR")
        for number in range(30):
            self.world.customer(f"d{number:02}", owner_id="dana")
        self.world.customer("o1", owner_id="omar")
        self.mail, self.slack = Provider(), Provider()
        self.store = store
        self.notices = NoticeRepository(store)
        adapters = {Channel.EMAIL: self.mail, Channel.SLACK: self.slack}
        self.activity = NoticeActivities(self.notices, StoreNoticeRenderer(store), adapters)
        self.leases_end = leases_end

    def on(
        self,
        channel: ChannelName,
        severity: Severity = Severity.INFO,
        at: datetime = NOW,
        to: str | None = None,
    ) -> None:
        """Switch a channel on."""
        self.switch(channel, True, severity, at, to)

    def switch(
        self,
        channel: ChannelName,
        enabled: bool,
        severity: Severity | None = None,
        at: datetime = NOW,
        to: str | None = None,
    ) -> None:
        """Switch a channel on or off."""
        with self.store.write() as session:
            set_channel(
                session,
                self.world.organisation,
                channel,
                enabled=enabled,
                severity=severity,
                target=to,
                by="ops",
                now=at,
            )

    def alert(self, customer: str, severity: Severity = Severity.CRITICAL, at: datetime = NOW) -> str:
        """Raise an alert of a customer; its id."""
        with self.store.write() as session:
            row = session.get_one(Customer, customer)
            return raise_alert(session, row, finding(severity, customer), at.isoformat(), at)

    def tell(self, at: datetime = NOW) -> AlertsTold:
        """One pass of the activity that tells; what an earlier one left is not under way any more."""
        if self.leases_end:
            with self.store.write() as session:
                session.exec(update(Notice).where(col(Notice.lease) != "").values(leased_until=NOW - DAY))
        call = MonitorCall(organisation=self.world.organisation, as_of=at)
        return ActivityEnvironment().run(self.activity.tell_alerts, call)

    def looks(self, at: datetime = NOW) -> bool:
        """Whether the monitor finds something to tell."""
        call = MonitorCall(organisation=self.world.organisation, as_of=at)
        return MonitorRepository(self.store).look(call).to_tell

    def rows(self) -> list[Notice]:
        """The notices."""
        with self.store.read() as session:
            return list(session.exec(select(Notice).order_by(col(Notice.key))))

    def states(self) -> list[str]:
        """Their states."""
        return sorted(row.state for row in self.rows())

    def told(self, kind: str = "alert.told") -> list[Event]:
        """The lines of the journal of a kind."""
        with self.store.read() as session:
            return list(session.exec(select(Event).where(Event.kind == kind).order_by(col(Event.key))))


def finding(severity: Severity, subject: str = "x") -> Finding:
    """What was noticed."""
    words = f"the score of {subject} fell"
    return Finding(trigger=Trigger.SCORE_DROP, severity=severity, words=words, evidence={}, subject="")
