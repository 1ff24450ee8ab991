"""Faults of our own side: the database is cut off after an acceptance, an escalation's message is lost."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from keepwell.adapters.in_app import InApp
from keepwell.adapters.sendgrid import SendGrid
from keepwell.adapters.slack import Slack
from keepwell.adapters.smtp import Server, Smtp
from keepwell.contracts.delivery import Accepted, Found, Message
from keepwell.contracts.playbook import Channel
from keepwell.db.engine import Store
from keepwell.db.tables import Alert
from keepwell.ports import ChannelAdapter
from tests.fakes.sendgrid import KEY
from tests.fakes.slack import TOKEN
from tests.fakes.smtp import FakeSmtp
from tests.workflows.providers import LEASE as SHORT_LEASE
from tests.workflows.providers import Providers
from tests.workflows.stage import HOUR, PATIENCE, first_hours, stage

MAIL, ALERT = "executive_email", "alert_csm"
PATIENT = timedelta(seconds=4)
LEASE = timedelta(seconds=9)
CUT = 1.5
"""Seconds for which the database cannot be reached, from the first time on that somebody tries."""


class Cut:
    """A channel whose first acceptance of a step's message is the last thing before the database is gone.

    It waits for `ready`: until then the test itself needs the database.
    """

    def __init__(self, honest: ChannelAdapter, store: Store, step: str) -> None:
        self.honest, self.step = honest, f"/{step}/"
        self.refused = 0
        self.ready, self._gone = threading.Event(), threading.Event()
        self._until: float | None = None
        self._once = threading.Lock()
        event.listen(store.engine, "checkout", self._check)

    def send(self, message: Message) -> Accepted:
        """Hand it over; then cut the database off."""
        accepted = self.honest.send(message)
        if self.step in message.key and self._once.acquire(blocking=False):
            assert self.ready.wait(PATIENCE)
            self._gone.set()
        return accepted

    def find(self, key: str, address: str) -> Found:
        """Ask the provider."""
        return self.honest.find(key, address)

    def _check(self, *_: Any) -> None:
        if not self._gone.is_set():
            return
        if self._until is None:
            self._until = time.monotonic() + CUT
        if time.monotonic() < self._until:
            self.refused += 1
            gone = sqlite3.OperationalError("server closed the connection unexpectedly")
            raise OperationalError("connect", None, gone)


@pytest.mark.parametrize(
    ("provider", "state", "became"),
    [
        ("SendGrid", "unknown", "held"),
        ("SendGrid with search", "accepted", "done"),
        ("Slack", "accepted", "done"),
        ("mail server", "unknown", "held"),
    ],
)
async def test_the_database_is_cut_off_between_acceptance_and_write(
    provider: str,
    state: str,
    became: str,
    sqlite_store: Store,
    temporal_address: str,
    providers: Providers,
) -> None:
    step = ALERT if provider == "Slack" else MAIL
    with FakeSmtp() as server:
        search = provider == "SendGrid with search"
        email: ChannelAdapter = SendGrid(
            SecretStr(KEY), providers.mail.url, activity=search, deadline=PATIENT
        )
        if provider == "mail server":
            email = Smtp(Server("127.0.0.1", server.port, "none"), deadline=PATIENT)
        slack: ChannelAdapter = Slack(SecretStr(TOKEN), providers.slack.url, deadline=PATIENT)
        cut = Cut(slack if step == ALERT else email, sqlite_store, step)
        adapters: dict[Channel, ChannelAdapter] = {
            Channel.EMAIL: email if step == ALERT else cut,
            Channel.SLACK: cut if step == ALERT else slack,
            Channel.IN_APP: InApp(sqlite_store),
        }
        async with stage(sqlite_store, temporal_address, adapters=adapters, lease=LEASE) as opened:
            key = opened.customer("acme")
            await opened.score(key, 12)
            run = await opened.opened(key)
            cut.ready.set()
            await asyncio.to_thread(_until_back, cut)
            await opened.forward(key, HOUR / 2)
            await opened.eventually(lambda: opened.steps(run.id)[step], lambda found: found != "planned", 60)
            await opened.handle(key).terminate("the test is over")
        taken = providers.counts() + server.counts()
        assert [count for name, count in taken.items() if f"/{step}/" in name] == [1]
        assert cut.refused > 0
        [row] = [row for row in opened.deliveries(key) if row.step == step]
        assert (row.state, opened.steps(run.id)[step]) == (state, became)
        alerts = opened.rows(Alert, customer_id=key, trigger="deadline_missed")
        assert len(alerts) == (1 if became == "held" else 0)


def _until_back(cut: Cut) -> None:
    """Wait until the database is back after having been away, and do not ask it meanwhile."""
    end = time.monotonic() + PATIENCE
    while cut.refused == 0 and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(CUT)


async def test_an_escalation_whose_message_is_unknown_is_a_task_anyway(
    sqlite_store: Store, temporal_address: str, providers: Providers
) -> None:
    providers.slack.script(path="chat.postMessage", key="/tell_cover/", times=1, close="after")
    providers.slack.script(path="conversations.history", status=500)
    adapters = providers.adapters(sqlite_store)
    opened, key = await first_hours(sqlite_store, temporal_address, adapters, SHORT_LEASE)
    counts = {name.split("/")[3]: count for name, count in providers.slack.counts().items()}
    assert counts["tell_cover"] == 1
    [row] = [row for row in opened.deliveries(key) if row.step == "tell_cover"]
    assert (row.state, row.channel) == ("unknown", "slack")
    assert [task.kind for task in opened.tasks(key) if task.step == "tell_cover"] == ["escalation"]
