"""Which adapters stand behind the channels when messages are really sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from keepwell.adapters.in_app import InApp
from keepwell.adapters.no_mailbox import NoMailboxes
from keepwell.adapters.outbox import Outbox
from keepwell.adapters.sendgrid import SendGrid
from keepwell.adapters.slack import Slack
from keepwell.adapters.slack_blocks import open_url
from keepwell.adapters.smtp import Smtp, mail_server
from keepwell.contracts.delivery import Accepted, CannotSay, Found, Message
from keepwell.contracts.playbook import Channel
from keepwell.db.engine import Store
from keepwell.db.repositories.lookup import found
from keepwell.db.tables import Organisation
from keepwell.errors import ConfigurationError, SendRefusedError
from keepwell.keys import organisation_of
from keepwell.ports import ChannelAdapter
from keepwell.settings import Settings
from keepwell.temporal.connect import external_profile
from keepwell.temporal.ui import ui_base


def live_channels(settings: Settings, store: Store) -> Mapping[Channel, ChannelAdapter]:
    """SendGrid or a mail server, and Slack, but the outbox for a demo organisation.

    Raises:
        ConfigurationError: there is no key for SendGrid, or no mail server.
    """
    email = NoMailboxes(store, _email(settings))
    slack: ChannelAdapter = Closed("Slack is not set up: KEEPWELL_SLACK_TOKEN is not set.")
    if settings.slack_token is not None:
        buttons = settings.slack_signing_secret is not None
        slack = Slack(settings.slack_token, settings.slack_url, buttons=buttons, ui=_runs_page(settings))
    return {
        Channel.EMAIL: NotForDemos(store, email),
        Channel.SLACK: NotForDemos(store, slack),
        Channel.IN_APP: InApp(store),
    }


def _email(settings: Settings) -> ChannelAdapter:
    if settings.email == "smtp":
        return Smtp(mail_server(settings))
    if settings.sendgrid_api_key is None:
        raise ConfigurationError(
            "KEEPWELL_SENDING is 'live', but KEEPWELL_SENDGRID_API_KEY is not set.",
            hint="Set it, or KEEPWELL_EMAIL=smtp for a mail server of your own, or unset KEEPWELL_SENDING: "
            "messages then go to the outbox (keepwell outbox).",
        )
    return SendGrid(
        settings.sendgrid_api_key,
        settings.sendgrid_url,
        activity=settings.sendgrid_activity,
        sandbox=settings.sendgrid_sandbox,
    )


def _runs_page(settings: Settings) -> Callable[[str], str]:
    """From a customer's id to the page of its runs; "" where others than this machine cannot open it."""
    base, profile = ui_base(settings), external_profile()
    if not base or (profile is None and not settings.temporal_ui_url):
        return lambda _customer: ""
    namespace = (profile.namespace if profile else None) or "default"
    return lambda customer: open_url(base, customer, namespace)


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
