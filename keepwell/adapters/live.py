"""Which adapters stand behind the channels when messages are really sent."""

from __future__ import annotations

from collections.abc import Mapping

from keepwell.adapters.in_app import InApp
from keepwell.adapters.outbox import Outbox
from keepwell.adapters.sendgrid import SendGrid
from keepwell.adapters.slack import Slack
from keepwell.contracts.delivery import Accepted, CannotSay, Found, Message
from keepwell.contracts.playbook import Channel
from keepwell.db.engine import Store
from keepwell.db.repositories.lookup import found
from keepwell.db.tables import Organisation
from keepwell.errors import ConfigurationError, SendRefusedError
from keepwell.keys import organisation_of
from keepwell.ports import ChannelAdapter
from keepwell.settings import Settings


def live_channels(settings: Settings, store: Store) -> Mapping[Channel, ChannelAdapter]:
    """SendGrid and Slack, but the outbox for a demo organisation.

    Raises:
        ConfigurationError: there is no key for SendGrid.
    """
    if settings.sendgrid_api_key is None:
        raise ConfigurationError(
            "KEEPWELL_SENDING is 'live', but KEEPWELL_SENDGRID_API_KEY is not set.",
            hint="Set it, or unset KEEPWELL_SENDING: messages then go to the outbox (keepwell outbox).",
        )
    email = SendGrid(settings.sendgrid_api_key, settings.sendgrid_url, activity=settings.sendgrid_activity)
    slack: ChannelAdapter = Closed("Slack is not set up: KEEPWELL_SLACK_TOKEN is not set.")
    if settings.slack_token is not None:
        slack = Slack(settings.slack_token, settings.slack_url)
    return {
        Channel.EMAIL: NotForDemos(store, email),
        Channel.SLACK: NotForDemos(store, slack),
        Channel.IN_APP: InApp(store),
    }


class Closed:
    """A channel that is not set up: it refuses for good, so that a person gets the task."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def send(self, message: Message) -> Accepted:  # noqa: ARG002  (whatever it is)
        """Refuse. Raises SendRefusedError, always."""
        raise SendRefusedError(self._reason, retryable=False)

    def find(self, key: str, address: str) -> Found:  # noqa: ARG002
        """Nobody can be asked."""
        return CannotSay(why=self._reason)


class NotForDemos:
    """A live channel that puts the messages of demo organisations into the outbox.

    A demo organisation has made-up customers whose addresses may be somebody's.
    """

    def __init__(self, store: Store, live: ChannelAdapter) -> None:
        self._store = store
        self._live = live
        self._outbox = Outbox(store)

    def send(self, message: Message) -> Accepted:
        """Hand the message over, or keep it."""
        return self._behind(message.organisation).send(message)

    def find(self, key: str, address: str) -> Found:
        """Ask where the message went."""
        return self._behind(organisation_of(key)).find(key, address)

    def _behind(self, organisation: str) -> ChannelAdapter:
        with self._store.read() as session:
            demo = found(session, Organisation, organisation, "organisation").demo
        return self._outbox if demo else self._live
