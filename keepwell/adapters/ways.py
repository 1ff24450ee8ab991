"""Which adapters stand behind the channels, by the sending mode."""

from __future__ import annotations

from collections.abc import Mapping

from keepwell.adapters.in_app import InApp
from keepwell.adapters.outbox import Outbox
from keepwell.contracts.playbook import Channel
from keepwell.db.engine import Store
from keepwell.ports import ChannelAdapter
from keepwell.settings import Settings


def channels(settings: Settings, store: Store) -> Mapping[Channel, ChannelAdapter]:
    """The adapters behind the channels, by the sending mode: credentials alone send nothing.

    Raises:
        ConfigurationError: messages are to be sent, and the credentials are missing.
    """
    if settings.sending == "live":
        # The clients cost a third of a second to load.
        from keepwell.adapters.live import live_channels  # noqa: PLC0415

        return live_channels(settings, store)
    outbox = Outbox(store)
    return {Channel.EMAIL: outbox, Channel.SLACK: outbox, Channel.IN_APP: InApp(store)}
