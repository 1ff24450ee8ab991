"""Slack messages, with its official client."""

from __future__ import annotations

import http.client
import logging
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, TypeVar
from urllib.request import Request

from pydantic import Field, SecretStr
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from keepwell.adapters.answers import retry_after, shown
from keepwell.adapters.deadline import WHOLE, Deadline, NotConnectedError, fetch
from keepwell.contracts.base import Frozen
from keepwell.contracts.delivery import Accepted, CannotSay, Found, Message
from keepwell.errors import KeepwellError, SendRefusedError, SendUnknownError

Value = TypeVar("Value")

EVENT = "keepwell_message"
"""The type of the metadata that carry the ledger's key."""

LOOK_BACK = timedelta(days=7)
PAGES = 10
PAGE_SIZE = 200
"""`find` reads at most this much of a conversation, the newest first."""

MESSAGE = "the message"
LOOK_UP = "a question about the recipient"
HISTORY = "a question about the conversation"
"""What Slack was asked, for the texts of errors."""

LATER = {"ratelimited", "rate_limited", "service_unavailable", "team_added_to_org", "request_timeout"}
"""Errors that say: not taken, come again."""

PERHAPS = {"fatal_error", "internal_error"}
"""Errors of which Slack says that part of the call may have succeeded."""

_BOT = "Set KEEPWELL_SLACK_TOKEN to a bot token of an app that is installed in the workspace."
_PERSON = "Correct the person's Slack id in the staff import (column slack)."
_SCOPES = "Give the app's bot this scope, and install the app again."
TO_DO = {
    "channel_not_found": "Check the Slack id in the staff import, and invite the app where it is a channel.",
    "not_in_channel": "Invite the app to the channel.",
    "is_archived": "The channel is archived: give the person another Slack id in the staff import.",
    "user_not_found": _PERSON,
    "users_not_found": f"Nobody in the workspace has this email address. {_PERSON}",
    "user_disabled": _PERSON,
    "user_not_visible": _PERSON,
    "cannot_dm_bot": _PERSON,
    "invalid_auth": _BOT,
    "not_authed": _BOT,
    "token_revoked": _BOT,
    "token_expired": _BOT,
    "account_inactive": _BOT,
    "not_allowed_token_type": _BOT,
    "missing_scope": _SCOPES,
    "no_permission": _SCOPES,
    "restricted_action": "The workspace's settings forbid it: ask its administrators.",
    "msg_too_long": "Shorten the template.",
}
"""What there is to do about an error, by the name Slack gives it."""

# The client logs the whole message at DEBUG and every broken connection as an error; we say it once.
_silent = logging.getLogger("keepwell.slack.client")
_silent.setLevel(logging.CRITICAL)


class _Client(WebClient):
    """Slack's client, with a whole deadline, without redirects and without its own second tries."""

    def __init__(self, token: str, url: str, deadline: Deadline) -> None:
        super().__init__(token, base_url=url, retry_handlers=[], logger=_silent)
        self._deadline = deadline

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:  # noqa: ARG002
        answer = fetch(req, self._deadline)
        return {
            "status": answer.status,
            "headers": answer.headers,
            "body": answer.body.decode(errors="replace"),
        }


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
    `deadline` bounds each call of `send` and `find` as a whole.
    """

    provider = "slack"

    def __init__(self, token: SecretStr, url: str, *, deadline: timedelta = WHOLE) -> None:
        self._token = token
        self._url = url
        self._deadline = deadline

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
        posted = self._ask(MESSAGE, lambda: _Posted.model_validate(_post(client, to, message).data))
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

    def _client(self) -> _Client:
        return _Client(self._token.get_secret_value(), self._url, Deadline(self._deadline))

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

    def _ask(self, what: str, call: Callable[[], Value]) -> Value:
        # Causes are left out where they might quote the request: they go to Temporal's history.
        try:
            return call()
        except SlackApiError as error:
            raise self._judged(what, error.response) from None
        except NotConnectedError as error:
            raise SendRefusedError(
                f"Slack at {self._url} cannot be reached: {error}.", retryable=True
            ) from error
        except (OSError, http.client.HTTPException) as error:
            why = shown(str(error), self._token.get_secret_value()) or type(error).__name__
            raise self._lost(what, why) from None
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            raise self._lost(what, f"the answer cannot be read ({type(error).__name__})") from None

    def _judged(self, what: str, response: SlackResponse) -> KeepwellError:
        data = response.data if isinstance(response.data, dict) else {}
        status, error = response.status_code, str(data.get("error", ""))
        # For a body that is no JSON, the client writes a sentence where Slack gives a name.
        name = error if re.fullmatch(r"[a-z0-9_]+", error) else ""
        needs = f", needs {data['needed']}" if data.get("needed") else ""
        words = shown(f"{name or f'status {status}'}{needs}", self._token.get_secret_value())
        if status in (429, 503) or name in LATER:
            return SendRefusedError(
                f"Slack did not take {what} now ({words}).",
                retryable=True,
                retry_after=retry_after(response.headers),
            )
        if status >= 500 or name in PERHAPS:
            return self._lost(what, f"it answered {words}")
        if name:
            to_do = TO_DO.get(name, "Slack's documentation of chat.postMessage says what it means.")
            return SendRefusedError(f"Slack refused {what} ({words}). {to_do}", retryable=False)
        if status >= 400:
            return SendRefusedError(
                f"Slack refused {what} ({words}). Check KEEPWELL_SLACK_URL and proxies.", retryable=False
            )
        return self._lost(what, f"{words}, and no answer that can be read")

    def _lost(self, what: str, why: str) -> SendUnknownError:
        doubt = ": nobody knows whether it was taken" if what == MESSAGE else ""
        return SendUnknownError(f"Slack at {self._url} gave no usable answer to {what} ({why}){doubt}.")


def _post(client: WebClient, to: str, message: Message) -> SlackResponse:
    return client.chat_postMessage(
        channel=to,
        text=message.text,
        metadata={"event_type": EVENT, "event_payload": {"key": message.key}},
        unfurl_links=False,
        unfurl_media=False,
    )


def _id_of(answer: SlackResponse, what: str) -> str:
    found: _Id | None = getattr(_Named.model_validate(answer.data), what)
    if found is None:
        raise LookupError(what)
    return found.id
