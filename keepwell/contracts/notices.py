"""Notices of alerts: what goes to whom of the staff in one message."""

from __future__ import annotations

from keepwell.contracts.base import Frozen
from keepwell.contracts.delivery import MessageAction, Recipient
from keepwell.contracts.playbook import Channel
from keepwell.contracts.rendering import ToldAlert


class NoticeBatch(Frozen):
    """A message: the keys of the notices in it, and its own key `message`, by which the provider knows it.

    `alerts` are shown, the gravest first; `more` is how many there are beyond them. `customer` is the one of
    the first. `intervention` is what runs because of the only one there is, and `actions` what can be done at
    once. `instead` says why Slack did not take it, where it goes by email for that.
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
    intervention: str = ""
    actions: tuple[MessageAction, ...] = ()
    instead: str = ""
