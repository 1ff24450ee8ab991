"""Asking Slack with its official client, once, and judging what it answers."""

from __future__ import annotations

import http.client
import logging
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from urllib.request import Request

from pydantic import SecretStr
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from keepwell.adapters.answers import retry_after, shown
from keepwell.adapters.deadline import Deadline, NotConnectedError, fetch
from keepwell.errors import KeepwellError, SendRefusedError, SendUnknownError

Value = TypeVar("Value")

MESSAGE = "the message"
LOOK_UP = "a question about the recipient"
HISTORY = "a question about the conversation"
UPDATE = "the change of a message"
WHO = "a question about who clicked"
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


class SlackClient:
    """Asks Slack with a token. Nothing in here tries again."""

    def __init__(self, token: SecretStr, url: str) -> None:
        self._token = token
        self.url = url

    def within(self, deadline: timedelta) -> WebClient:
        """Slack's client, which has this long for all its calls together."""
        return _Client(self._token.get_secret_value(), self.url, Deadline(deadline))

    def ask(self, what: str, call: Callable[[], Value]) -> Value:
        """What the call answers.

        Raises:
            SendRefusedError: Slack said no, or could not be reached.
            SendUnknownError: the answer was lost, broken or late.
        """
        # Causes are left out where they might quote the request: they go to Temporal's history.
        try:
            return call()
        except SlackApiError as error:
            raise self._judged(what, error.response) from None
        except NotConnectedError as error:
            raise SendRefusedError(
                f"Slack at {self.url} cannot be reached: {error}.", retryable=True
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
        return SendUnknownError(f"Slack at {self.url} gave no usable answer to {what} ({why}){doubt}.")
