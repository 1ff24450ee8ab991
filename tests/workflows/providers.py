"""Both live adapters with short time-outs, and the providers of ours that they talk to."""

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

SHORT = timedelta(seconds=1)
LEASE = 2 * SHORT
"""Longer than the time-outs, as a worker's is."""


@dataclass(frozen=True)
class Providers:
    """Both providers, and adapters with short time-outs."""

    mail: FakeSendGrid
    slack: FakeSlack

    def counts(self) -> Counter[str]:
        """How often a message was accepted, by the ledger's key."""
        return self.mail.counts() + self.slack.counts()

    def adapters(self, store: Store, *, search: bool = False) -> dict[Channel, ChannelAdapter]:
        """What a worker would get from the settings."""
        return {
            Channel.EMAIL: SendGrid(SecretStr(KEY), self.mail.url, activity=search, deadline=SHORT),
            Channel.SLACK: Slack(SecretStr(TOKEN), self.slack.url, deadline=SHORT),
            Channel.IN_APP: InApp(store),
        }
