"""A fake SendGrid: /v3/mail/send and the Email Activity search, with the checks and shapes of the real one.

python -m tests.fakes.sendgrid --port 8025 --log accepted.jsonl
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keepwell.keys import new_id
from tests.fakes.remote import serve
from tests.fakes.server import Call, Fake, Reply

KEY = "SG.a-key-for-tests"
ARGUMENT = "keepwell_key"
RESERVED = re.compile(
    r"x-sg-id|x-sg-eid|received|dkim-signature|content-type|content-transfer-encoding|"
    r"to|from|subject|reply-to|cc|bcc"
)
"""Headers that SendGrid makes itself and takes from nobody."""


LARGEST = 30 * 1024 * 1024
"""Bytes of a request that SendGrid takes, attachments included."""

COMPLAINTS = {
    400: "Bad Request",
    401: "The provided authorization grant is invalid, expired, or revoked",
    403: "The from address does not match a verified Sender Identity. Mail cannot be sent until this error "
    "is resolved.",
    413: "The size of the request is too large.",
    429: "too many requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
"""SendGrid's words for a status."""


def _complaint(status: int, message: str, field: str | None = None) -> Reply:
    return Reply(status, {"errors": [{"message": message, "field": field, "help": None}]})


class FakeSendGrid(Fake):
    """KEEPWELL_SENDGRID_URL is `url`, the valid API key is `KEY`."""

    def __init__(self, port: int = 0, log: Path | None = None) -> None:
        super().__init__(port, log)
        self.unverified: set[str] = set()
        """Addresses that nobody may send from: no sender of the account, nor in a domain of its."""

    def key_of(self, call: Call) -> str:
        """The custom argument of a message, or the one that is searched for."""
        if call.path == "/v3/messages":
            return _searched(call)
        arguments = call.fields().get("custom_args")
        return str(arguments.get(ARGUMENT, "")) if isinstance(arguments, dict) else ""

    def refusal(self, call: Call) -> Reply | None:
        """What SendGrid checks before it takes a request."""
        if call.headers.get("authorization") != f"Bearer {KEY}":
            return _complaint(401, COMPLAINTS[401])
        match call.method, call.path:
            case "POST", "/v3/mail/send":
                if not call.headers.get("content-type", "").startswith("application/json"):
                    return _complaint(415, "Content-Type should be application/json.")
                if len(call.body) > LARGEST:
                    return _complaint(413, COMPLAINTS[413])
                fields = call.fields()
                return _wrong(fields) or self._unsendable(fields)
            case "GET", "/v3/messages":
                known = call.query.get("limit", "").isdigit() and _searched(call)
                return None if known else _complaint(400, "invalid query", "query")
        return _complaint(404, "not found")

    def _unsendable(self, fields: Mapping[str, Any]) -> Reply | None:
        sender = fields["from"]["email"]
        return _complaint(403, COMPLAINTS[403], "from") if sender in self.unverified else None

    def no(self, status: int) -> Reply:
        """A complaint in SendGrid's form, where the status is one of its own."""
        return _complaint(status, COMPLAINTS[status]) if status in COMPLAINTS else Reply(status)

    def take(self, call: Call) -> Reply:
        """Accept a message, or search."""
        if call.path == "/v3/messages":
            found = [one for one in self.accepted if one.key == _searched(call)]
            return Reply(200, {"messages": [_listed(one.content, one.identifier) for one in found]})
        if _sandboxed(call.fields()):
            return Reply(200, {})
        identifier = new_id()
        self.accept(self.key_of(call), call.fields(), identifier)
        return Reply(202, headers={"X-Message-Id": identifier, "Content-Type": "text/plain"})


def _searched(call: Call) -> str:
    found = re.fullmatch(rf"\(unique_args\['{ARGUMENT}'\]=\"([^\"]+)\"\)", call.query.get("query", ""))
    return found[1] if found else ""


def _listed(content: Mapping[str, Any], identifier: str) -> dict[str, Any]:
    return {
        "from_email": content["from"]["email"],
        "msg_id": f"{identifier}.filterdrecv-5645d9c87f-78xgx-1-65F31B82-1A.0",
        "subject": content["subject"],
        "to_email": content["personalizations"][0]["to"][0]["email"],
        "status": "processed",
        "opens_count": 0,
        "clicks_count": 0,
        "last_event_time": "2026-11-21T09:00:00Z",
    }


def _wrong(body: Mapping[str, Any]) -> Reply | None:
    """The first of the fields that SendGrid requires which is not right."""
    people = [one for entry in body.get("personalizations") or [] for one in entry.get("to") or []]
    if not people or not all(_is_address(one.get("email")) for one in people):
        return _complaint(400, "Does not contain a valid address.", "personalizations.0.to.0.email")
    if not _is_address((body.get("from") or {}).get("email")):
        return _complaint(400, "The from object must be provided for every email send.", "from.email")
    if not body.get("subject"):
        return _complaint(400, "The subject is required.", "subject")
    kinds = [one.get("type") if one.get("value") else "" for one in body.get("content") or []]
    if kinds not in (["text/plain"], ["text/html"], ["text/plain", "text/html"]):
        return _complaint(400, "The content must be text/plain first, then text/html.", "content")
    if not isinstance(_sandboxed(body), bool):
        return _complaint(400, "This must be a boolean.", "mail_settings.sandbox_mode.enable")
    return _wrong_extras(body)


def _wrong_extras(body: Mapping[str, Any]) -> Reply | None:
    """The same for fields that need not be there."""
    arguments = body.get("custom_args") or {}
    if not all(isinstance(value, str) for value in arguments.values()):
        return _complaint(400, "Custom arguments must be strings.", "custom_args")
    if len(json.dumps(arguments)) >= 10_000:
        return _complaint(400, "Custom arguments may not exceed 10,000 bytes.", "custom_args")
    for name, value in (body.get("headers") or {}).items():
        if not _may_stand(name, value):
            return _complaint(400, f"The header {name} is reserved or not valid.", "headers")
    categories = body.get("categories") or []
    if (
        len(categories) > 10
        or len(set(categories)) < len(categories)
        or max(map(len, categories), default=0) > 255
    ):
        return _complaint(400, "Up to 10 unique categories of up to 255 characters.", "categories")
    if "reply_to" in body and not _is_address(body["reply_to"].get("email")):
        return _complaint(400, "The reply_to email must be a valid address.", "reply_to")
    for place, attachment in enumerate(body.get("attachments") or []):
        try:
            base64.b64decode(attachment["content"], validate=True)
        except (KeyError, binascii.Error):
            return _complaint(
                400, "The attachment content must be base64 encoded.", f"attachments.{place}.content"
            )
        if not attachment.get("filename") or ";" in attachment.get("type", ""):
            return _complaint(400, "The attachment needs a name and a bare type.", f"attachments.{place}")
    return None


def _may_stand(name: str, value: object) -> bool:
    known = RESERVED.fullmatch(name.lower()) or not re.fullmatch(r"[!-9;-~]+", name)
    return not known and isinstance(value, str) and not re.search(r"[\r\n]", value)


def _sandboxed(body: Mapping[str, Any]) -> Any:
    return ((body.get("mail_settings") or {}).get("sandbox_mode") or {}).get("enable", False)


def _is_address(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[^@\s]+@[^@\s]+", value) is not None


def make(port: int = 0, log: Path | None = None) -> Fake:
    """A fake, not started yet."""
    return FakeSendGrid(port, log)


if __name__ == "__main__":
    serve(make)
