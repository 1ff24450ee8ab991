"""A receiver of webhooks, as somebody else would write it: it checks the signature by what the page says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from pathlib import Path

from tests.fakes.server import Call, Fake, Reply

TOLERANCE = 300


class FakeReceiver(Fake):
    """Accepts what is signed with its secret, each event's id as the key; `url` is its endpoint."""

    def __init__(self, port: int = 0, log: Path | None = None, secret: str = "") -> None:
        super().__init__(port, log)
        self.secret = secret
        self.headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        """Where events are posted to."""
        return f"{self.address}/hooks"

    def key_of(self, call: Call) -> str:
        """The event's id."""
        return call.headers.get("webhook-id", "")

    def refusal(self, call: Call) -> Reply | None:
        """What a careful receiver finds wrong."""
        self.headers.append(call.headers)
        if call.method != "POST" or call.path != "/hooks":
            return Reply(404, {})
        if not is_genuine(self.secret, call.headers, call.body):
            return Reply(401, {"error": "bad signature"})
        return None

    def take(self, call: Call) -> Reply:
        """Count it."""
        self.accept(self.key_of(call), call.fields(), "")
        return Reply(204)


def is_genuine(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Whether a request is signed with the secret, and fresh."""
    moment = headers.get("webhook-timestamp", "")
    if not moment.isdigit() or abs(time.time() - int(moment)) > TOLERANCE:
        return False
    signed = b".".join((headers.get("webhook-id", "").encode(), moment.encode(), body))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    right = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(f"v1,{right}", one) for one in given)
