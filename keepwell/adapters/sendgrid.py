"""Email through SendGrid, with its official client."""

from __future__ import annotations

import base64
import http.client
import io
import json
import logging
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request
from urllib.response import addinfourl

import python_http_client
from pydantic import Field, SecretStr, ValidationError
from python_http_client.exceptions import HTTPError as Refusal
from sendgrid import SendGridAPIClient

from keepwell.adapters.answers import retry_after, shown
from keepwell.adapters.deadline import WHOLE, Deadline, NotConnectedError, fetch
from keepwell.contracts.base import Frozen
from keepwell.contracts.delivery import SANDBOX, Accepted, Attachment, CannotSay, Found, Message
from keepwell.contracts.lines import one_line
from keepwell.errors import KeepwellError, SendRefusedError, SendUnknownError
from keepwell.mail import checked_address, headers_of
from keepwell.message_ids import message_id

KEY_ARGUMENT = "keepwell_key"
"""The custom argument that carries the ledger's key; events and the activity search show it."""

ORGANISATION_ARGUMENT = "keepwell_organisation"
"""The one that carries our id of the organisation. No argument holds personal data: SendGrid keeps them."""

DELIVERY_PARTS = 6
"""Parts of a key of the send ledger; the fourth is the step. A notice's key has others."""

LONGEST_CATEGORY = 255
"""Characters of a category; SendGrid takes ten of them."""

MESSAGE = "the message"
SEARCH = "the activity search"
"""What SendGrid was asked, for the texts of errors."""

LATER = (429, 503)
"""Statuses that say: not taken, come again. A 500 does not: something broke, before or after."""

REFUSED = {
    400: "The message is not what SendGrid accepts: correct what it names.",
    401: "The API key is not valid: set KEEPWELL_SENDGRID_API_KEY to a key that is.",
    403: "Verify the sender in SendGrid (Sender Authentication), and give the API key the right Mail Send.",
    404: "Nothing is at this address: check KEEPWELL_SENDGRID_URL.",
    413: "The message is larger than SendGrid takes (30 MB): make its attachments smaller.",
    415: "What stands between us and SendGrid changes the request: check KEEPWELL_SENDGRID_URL and proxies.",
    422: "The message is not what SendGrid accepts: correct what it names.",
}
"""Statuses that say: not taken, and not taken later either. What there is to do about it."""

# At DEBUG the client logs headers, and the key is one of them.
logging.getLogger("python_http_client").setLevel(logging.WARNING)


class _Client(python_http_client.Client):  # type: ignore[misc]  # the library has no types
    """SendGrid's HTTP client, with a whole deadline and without redirects."""

    def __init__(self, *, deadline: Deadline, **given: Any) -> None:
        super().__init__(**given)
        self.deadline = deadline

    def _build_client(self, name: str | None = None) -> _Client:
        return _Client(
            deadline=self.deadline,
            host=self.host,
            version=self._version,
            request_headers=self.request_headers,
            url_path=[*self._url_path, name] if name else self._url_path,
        )

    def _make_request(self, _opener: object, request: Request, timeout: float | None = None) -> addinfourl:  # noqa: ARG002
        answer = fetch(request, self.deadline)
        body, url = io.BytesIO(answer.body), request.full_url
        if 200 <= answer.status < 300:
            return addinfourl(body, answer.headers, url, answer.status)
        with HTTPError(url, answer.status, answer.reason, answer.headers, body) as error:
            raise python_http_client.exceptions.handle_error(error)


class _Entry(Frozen):
    msg_id: str


class _Activity(Frozen):
    messages: tuple[_Entry, ...]


class _Complaint(Frozen):
    message: str = ""
    field: str | None = None


class _Complaints(Frozen):
    errors: tuple[_Complaint, ...] = Field(min_length=1)


class SendGrid:
    """Implements the port `ChannelAdapter` for email.

    `activity` says that the account has the Email Activity search, which costs extra: with it, a message
    whose answer was lost can be found by its key. With `sandbox` SendGrid checks every message and sends
    none. `deadline` bounds each call as a whole.
    """

    provider = "sendgrid"

    def __init__(
        self,
        key: SecretStr,
        url: str,
        *,
        activity: bool = False,
        sandbox: bool = False,
        deadline: timedelta = WHOLE,
    ) -> None:
        self._key = key
        self._url = url.rstrip("/")
        self._activity = activity
        self._sandbox = sandbox
        self._deadline = deadline

    def send(self, message: Message) -> Accepted:
        """Hand the message over, once: nothing in here tries again.

        Raises:
            SendRefusedError: SendGrid said no, or could not be reached.
            SendUnknownError: the answer was lost, broken or late.
        """
        body = _body(message)
        if self._sandbox:
            body["mail_settings"] = {"sandbox_mode": {"enable": True}}
        answer = self._ask(MESSAGE, lambda client: client.send(body))
        if self._sandbox and answer.status_code == 200:
            return Accepted(provider=SANDBOX, provider_id="")
        identifier = answer.headers.get("X-Message-Id")
        if not identifier:
            raise SendUnknownError(
                f"SendGrid at {self._url} answered {answer.status_code} without an id: nobody knows whether "
                "it took the message.",
                hint="Check that KEEPWELL_SENDGRID_URL leads to SendGrid.",
            )
        return Accepted(provider=self.provider, provider_id=identifier)

    def find(self, key: str, address: str) -> Found:  # noqa: ARG002  (the key is enough)
        """Look for the key in the account's email activity.

        A message appears there some time after SendGrid took it: not found never means not sent.
        """
        if not self._activity:
            return CannotSay(
                why="SendGrid can be asked only where the account has the Email Activity search "
                "(KEEPWELL_SENDGRID_ACTIVITY)"
            )
        query = {"query": f"(unique_args['{KEY_ARGUMENT}']=\"{key}\")", "limit": "10"}
        try:
            answer = self._ask(SEARCH, lambda client: client.client.messages.get(query_params=query))
            found = _Activity.model_validate_json(answer.body)
        except ValidationError:
            return CannotSay(why="SendGrid's answer to the activity search cannot be read")
        except KeepwellError as error:
            return CannotSay(why=error.message)
        if not found.messages:
            return CannotSay(why="SendGrid's email activity does not show the message, which proves nothing")
        return Accepted(provider=self.provider, provider_id=provider_message_id(found.messages[0].msg_id))

    def _ask(self, what: str, call: Callable[[SendGridAPIClient], Any]) -> Any:
        secret = self._key.get_secret_value()
        client = SendGridAPIClient(secret, host=self._url)
        client.client = _Client(
            deadline=Deadline(self._deadline),
            host=client.host,
            request_headers=client.client.request_headers,
            version=3,
        )
        # Causes are left out where they might quote the request: they go to Temporal's history.
        try:
            return call(client)
        except Refusal as refusal:
            raise self._judged(what, refusal) from None
        except NotConnectedError as error:
            raise SendRefusedError(
                f"SendGrid at {self._url} cannot be reached: {error}.", retryable=True
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise self._lost(what, shown(str(error), secret) or type(error).__name__) from None
        except ValueError as error:
            raise self._lost(what, f"the answer cannot be read ({type(error).__name__})") from None

    def _judged(self, what: str, refusal: Refusal) -> KeepwellError:
        status: int = refusal.status_code
        words = shown(f"{status} {refusal.reason}{_complaints(refusal.body)}", self._key.get_secret_value())
        if status in LATER:
            return SendRefusedError(
                f"SendGrid did not take {what} now ({words}).",
                retryable=True,
                retry_after=retry_after(refusal.headers),
            )
        if status in REFUSED:
            to_do = f" {REFUSED[status]}" if what == MESSAGE else ""
            return SendRefusedError(f"SendGrid refused {what} ({words}).{to_do}", retryable=False)
        return self._lost(what, f"it answered {words}")

    def _lost(self, what: str, why: str) -> SendUnknownError:
        doubt = ": nobody knows whether it was taken" if what == MESSAGE else ""
        return SendUnknownError(f"SendGrid at {self._url} gave no usable answer to {what} ({why}){doubt}.")


def _body(message: Message) -> dict[str, object]:
    """The body of `POST /v3/mail/send`."""
    content = [{"type": "text/plain", "value": message.text}]
    if message.html:
        content.append({"type": "text/html", "value": message.html})
    body: dict[str, object] = {
        "personalizations": [{"to": [_person(message.recipient.name, message.recipient.address)]}],
        "from": _person(message.sender_name, message.sender_address),
        "subject": one_line(message.subject),
        "content": content,
        "headers": {"Message-ID": message_id(message), **headers_of(message)},
        "custom_args": {KEY_ARGUMENT: message.key, ORGANISATION_ARGUMENT: message.organisation},
        # The way out is ours, in headers and footer: another one beside it would know nothing of purposes.
        "tracking_settings": {"subscription_tracking": {"enable": False}},
    }
    if message.reply_to:
        body["reply_to"] = _person("", message.reply_to)
    if categories := _categories(message):
        body["categories"] = categories
    if message.attachments:
        body["attachments"] = [_attached(one) for one in message.attachments]
    return body


def _categories(message: Message) -> list[str]:
    """What SendGrid's statistics are by: the playbook, and the step, which the ledger's key names."""
    parts = message.key.split("/")
    step = f"{message.category}/{parts[3]}" if message.category and len(parts) == DELIVERY_PARTS else ""
    return [*dict.fromkeys(one[:LONGEST_CATEGORY] for one in (message.category, step) if one)]


def _person(name: str, address: str) -> dict[str, str]:
    person = {"email": checked_address(address)}
    return {**person, "name": one_line(name)} if name else person


def _attached(attachment: Attachment) -> dict[str, str]:
    return {
        "content": base64.b64encode(attachment.content.encode()).decode(),
        # SendGrid takes a bare media type, without parameters.
        "type": attachment.media_type.partition(";")[0].strip(),
        "filename": one_line(attachment.filename),
        "disposition": "attachment",
    }


def _complaints(body: bytes) -> str:
    """What SendGrid says is wrong, as the end of a line; "" where it says nothing readable."""
    try:
        found = _Complaints.model_validate(json.loads(body))
    except ValueError:
        return ""
    named = (f"{one.message} [{one.field}]" if one.field else one.message for one in found.errors)
    return f": {'; '.join(named)}"


def provider_message_id(name: str) -> str:
    """The id that the answer to a send gave: activity and events put their server's name after it."""
    return re.split(r"\.(?:filter|recvd)", name, maxsplit=1)[0]
