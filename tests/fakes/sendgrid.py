"""A fake SendGrid: /v3/mail/send and the Email Activity search, with the checks and shapes of the real one.

python -m tests.fakes.sendgrid --port 8025 --log accepted.jsonl
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keepwell.keys import new_id
from tests.fakes.remote import serve
from tests.fakes.server import Call, Fake, Reply

KEY = "SG.a-key-for-tests"
ARGUMENT = "keepwell_key"


def _complaint(status: int, message: str, field: str | None = None) -> Reply:
    return Reply(status, {"errors": [{"message": message, "field": field, "help": None}]})


class FakeSendGrid(Fake):
    """KEEPWELL_SENDGRID_URL is `url`, the valid API key is `KEY`."""

    def key_of(self, call: Call) -> str:
        """The custom argument of a message, or the one that is searched for."""
        if call.path == "/v3/messages":
            return _searched(call)
        arguments = call.fields().get("custom_args")
        return str(arguments.get(ARGUMENT, "")) if isinstance(arguments, dict) else ""

    def refusal(self, call: Call) -> Reply | None:
        """What SendGrid checks before it takes a request."""
        if call.headers.get("authorization") != f"Bearer {KEY}":
            return _complaint(401, "The provided authorization grant is invalid, expired, or revoked")
        match call.method, call.path:
            case "POST", "/v3/mail/send":
                if not call.headers.get("content-type", "").startswith("application/json"):
                    return _complaint(415, "Content-Type should be application/json.")
                return _wrong(call.fields())
            case "GET", "/v3/messages":
                known = call.query.get("limit", "").isdigit() and _searched(call)
                return None if known else _complaint(400, "invalid query", "query")
        return _complaint(404, "not found")

    def take(self, call: Call) -> Reply:
        """Accept a message, or search."""
        if call.path == "/v3/messages":
            found = [one for one in self.accepted if one.key == _searched(call)]
            return Reply(200, {"messages": [_listed(one.content, one.identifier) for one in found]})
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
    if not all(isinstance(value, str) for value in (body.get("custom_args") or {}).values()):
        return _complaint(400, "Custom arguments must be strings.", "custom_args")
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


def _is_address(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[^@\s]+@[^@\s]+", value) is not None


def make(port: int = 0, log: Path | None = None) -> Fake:
    """A fake, not started yet."""
    return FakeSendGrid(port, log)


if __name__ == "__main__":
    serve(make)
