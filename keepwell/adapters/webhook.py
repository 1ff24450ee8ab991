"""One call of a webhook: signed, once, to a public address only, and over within seconds.

Signed by Standard Webhooks (https://www.standardwebhooks.com), version 1: HMAC-SHA256 over
`id.timestamp.body`, in the headers webhook-id, webhook-timestamp and webhook-signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import secrets
import time
from datetime import datetime, timedelta
from urllib.error import URLError
from urllib.request import Request

from keepwell import __version__
from keepwell.adapters.answers import retry_after, shown
from keepwell.adapters.deadline import Deadline, NotConnectedError, RefusedAddressError, fetch
from keepwell.adapters.public_only import PublicOnly
from keepwell.contracts.webhooks import WebhookAnswer, WebhookPost
from keepwell.errors import InputError

WHOLE = timedelta(seconds=10)
"""A call's whole deadline. A receiver puts the event into a queue of its own and answers."""

MOST = 4096
"""Bytes of an answer that are read: enough for a line about what was wrong."""

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """A new secret: 32 random bytes, as Standard Webhooks writes them."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature(secret: str, identifier: str, timestamp: int, body: bytes) -> str:
    """One signature, `v1,` and the HMAC in Base64."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{identifier}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def signed_headers(post: WebhookPost, at: datetime) -> dict[str, str]:
    """The headers by which the receiver knows that it is us, now."""
    timestamp, body = int(at.timestamp()), post.body.encode()
    return {
        "webhook-id": post.event,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(one, post.event, timestamp, body) for one in post.secrets),
    }


class WebhookCaller:
    """Implements the port `WebhookCaller`."""

    def __init__(self, where: PublicOnly, deadline: timedelta = WHOLE) -> None:
        self._where = where
        self._deadline = deadline

    def call(self, post: WebhookPost, at: datetime) -> WebhookAnswer:
        """Call once. Whatever comes of it is an answer, never an error."""
        began = time.monotonic()

        def answer(
            status: int | None, why: str, later: timedelta | None = None, *, refused: bool = False
        ) -> WebhookAnswer:
            spent = round((time.monotonic() - began) * 1000)
            return WebhookAnswer(
                status=status, why=why, milliseconds=spent, retry_after=later, refused=refused
            )

        try:
            # Rules may have become stricter since the endpoint was entered.
            request = Request(  # noqa: S310  (the check lets http and https through, nothing else)
                self._where.url(post.url), data=post.body.encode(), method="POST", headers=_headers(post, at)
            )
            found = fetch(request, Deadline(self._deadline), guard=self._where.refuses, most=MOST)
        except InputError as error:
            return answer(None, error.message, refused=True)
        except RefusedAddressError as error:
            return answer(None, str(error), refused=True)
        except NotConnectedError as error:
            return answer(None, shown(f"no connection: {error}"))
        except (OSError, URLError, http.client.HTTPException, ValueError) as error:
            return answer(None, shown(f"no usable answer: {str(error) or type(error).__name__}"))
        if 200 <= found.status < 300:
            return answer(found.status, "")
        words = shown(f"{found.status} {found.reason} {found.body.decode(errors='replace')}", *post.secrets)
        return answer(found.status, words, retry_after(dict(found.headers)))


def _headers(post: WebhookPost, at: datetime) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": f"Keepwell/{__version__}",
        **signed_headers(post, at),
    }
