"""Both live adapters with shorter time-outs, and the providers of ours that they talk to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from pydantic import SecretStr

from keepwell.adapters.in_app import InApp
from keepwell.adapters.sendgrid import SendGrid
from keepwell.adapters.slack import Slack
from keepwell.contracts.playbook import Channel
from keepwell.db.engine import Store
from keepwell.ports import ChannelAdapter
from tests.fakes.sendgrid import KEY, FakeSendGrid
from tests.fakes.slack import TOKEN, FakeSlack

PATIENT = timedelta(seconds=4)
"""The time-out of one attempt: a provider answers in milliseconds, but the machine may be busy."""

LEASE = timedelta(seconds=5)
"""Longer than the time-out, as a worker's is. Who finds an attempt broken off waits until it is over."""


@dataclass(frozen=True)
class Providers:
    """Both providers, and adapters with shorter time-outs."""

    mail: FakeSendGrid
    slack: FakeSlack

    def counts(self) -> Counter[str]:
        """How often a message was accepted, by the ledger's key."""
        return self.mail.counts() + self.slack.counts()

    def adapters(self, store: Store, *, search: bool = False) -> dict[Channel, ChannelAdapter]:
        """What a worker would get from the settings."""
        return {
            Channel.EMAIL: SendGrid(SecretStr(KEY), self.mail.url, activity=search, deadline=PATIENT),
            Channel.SLACK: Slack(SecretStr(TOKEN), self.slack.url, deadline=PATIENT),
            Channel.IN_APP: InApp(store),
        }
