"""Slack messages, with its official client."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from pydantic import Field, SecretStr
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from keepwell.adapters.deadline import WHOLE
from keepwell.adapters.slack_blocks import Block, blocks_of
from keepwell.adapters.slack_client import HISTORY, LOOK_UP, MESSAGE, SlackClient
from keepwell.contracts.base import Frozen
from keepwell.contracts.delivery import Accepted, CannotSay, Found, Message
from keepwell.errors import KeepwellError, SendRefusedError, SendUnknownError

EVENT = "keepwell_message"
"""The type of the metadata that carry the ledger's key."""

LOOK_BACK = timedelta(days=7)
PAGES = 10
PAGE_SIZE = 200
"""`find` reads at most this much of a conversation, the newest first."""


class _Posted(Frozen):
    channel: str
    ts: str


class _Id(Frozen):
    id: str


class _Named(Frozen):
    """The answers that name a member or a conversation."""

    user: _Id | None = None
    channel: _Id | None = None


class _Metadata(Frozen):
    event_type: str = ""
    event_payload: dict[str, Any] = Field(default_factory=dict)


class _Entry(Frozen):
    ts: str
    metadata: _Metadata | None = None

    def carries(self, key: str) -> bool:
        """Whether this is the message with that key."""
        data = self.metadata
        return data is not None and data.event_type == EVENT and data.event_payload.get("key") == key


class _Next(Frozen):
    next_cursor: str = ""


class _Page(Frozen):
    messages: tuple[_Entry, ...]
    response_metadata: _Next | None = None


class Slack:
    """Implements the port `ChannelAdapter` for Slack.

    An address is a channel's or a person's Slack id, or a person's email address in the workspace.
    `deadline` bounds each call of `send` and `find` as a whole. `buttons`: somebody answers to them here.
    `ui` makes the page that "Open" leads to from a customer's id.
    """

    provider = "slack"

    def __init__(
        self,
        token: SecretStr,
        url: str,
        *,
        deadline: timedelta = WHOLE,
        buttons: bool = False,
        ui: Callable[[str], str] = lambda _customer: "",
    ) -> None:
        self._slack = SlackClient(token, url)
        self._ask = self._slack.ask
        self._deadline = deadline
        self._buttons = buttons
        self._ui = ui

    def send(self, message: Message) -> Accepted:
        """Post the message, once: nothing in here tries again.

        Raises:
            SendRefusedError: Slack said no, or could not be reached.
            SendUnknownError: the answer was lost, broken or late.
        """
        client = self._client()
        try:
            to = self._member_or_channel(client, message.recipient.address)
        except SendUnknownError as error:
            # It was only asked who that is: nothing has been posted yet.
            raise SendRefusedError(error.message, retryable=True) from error
        blocks = self._blocks(message)
        posted = self._ask(MESSAGE, lambda: _Posted.model_validate(_post(client, to, message, blocks).data))
        return Accepted(provider=self.provider, provider_id=f"{posted.channel}:{posted.ts}")

    def find(self, key: str, address: str) -> Found:
        """Look for the key in the conversation's newest messages; not found never means not sent."""
        client = self._client()
        try:
            channel = self._conversation(client, address)
            for entry in self._newest(client, channel):
                if entry.carries(key):
                    return Accepted(provider=self.provider, provider_id=f"{channel}:{entry.ts}")
        except KeepwellError as error:
            return CannotSay(why=error.message)
        return CannotSay(why="Slack's newest messages there do not show it, which proves nothing")

    def _client(self) -> WebClient:
        return self._slack.within(self._deadline)

    def _blocks(self, message: Message) -> list[Block]:
        return blocks_of(message, buttons=self._buttons, ui=self._ui(message.customer))

    def _member_or_channel(self, client: WebClient, address: str) -> str:
        """What an address means to Slack; an email address is looked up."""
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
            return address
        return self._ask(LOOK_UP, lambda: _id_of(client.users_lookupByEmail(email=address), "user"))

    def _conversation(self, client: WebClient, address: str) -> str:
        """The conversation that messages to an address appear in; a person's has an id of its own."""
        to = self._member_or_channel(client, address)
        if not re.fullmatch(r"[UW][A-Z0-9]+", to):
            return to
        return self._ask(LOOK_UP, lambda: _id_of(client.conversations_open(users=to), "channel"))

    def _newest(self, client: WebClient, channel: str) -> Iterator[_Entry]:
        oldest, cursor = f"{time.time() - LOOK_BACK.total_seconds():.6f}", ""

        def read() -> _Page:
            answer = client.conversations_history(
                channel=channel,
                include_all_metadata=True,
                oldest=oldest,
                limit=PAGE_SIZE,
                cursor=cursor or None,
            )
            return _Page.model_validate(answer.data)

        for _ in range(PAGES):
            page = self._ask(HISTORY, read)
            yield from page.messages
            cursor = page.response_metadata.next_cursor if page.response_metadata else ""
            if not cursor:
                return


def _post(client: WebClient, to: str, message: Message, blocks: list[Block]) -> SlackResponse:
    return client.chat_postMessage(
        channel=to,
        # What notifications show, and programs that know no blocks.
        text=message.text,
        blocks=blocks,
        metadata={"event_type": EVENT, "event_payload": {"key": message.key}},
        unfurl_links=False,
        unfurl_media=False,
    )


def _id_of(answer: SlackResponse, what: str) -> str:
    found: _Id | None = getattr(_Named.model_validate(answer.data), what)
    if found is None:
        raise LookupError(what)
    return found.id
