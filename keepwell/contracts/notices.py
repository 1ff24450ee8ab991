"""Notices of alerts: what goes to whom of the staff in one message."""

from __future__ import annotations

from keepwell.contracts.base import Frozen
from keepwell.contracts.delivery import Recipient
from keepwell.contracts.playbook import Channel
from keepwell.contracts.rendering import ToldAlert


class NoticeBatch(Frozen):
    """A message: the keys of the notices in it, and its own key `message`, by which the provider knows it.

    `alerts` are shown, the gravest first; `more` is how many there are beyond them. `customer` is the one of
    the first.
    """

    message: str
    keys: tuple[str, ...]
    organisation: str
    customer: str
    channel: Channel
    recipient: Recipient
    sender_name: str
    sender_address: str
    alerts: tuple[ToldAlert, ...]
    more: int = 0
