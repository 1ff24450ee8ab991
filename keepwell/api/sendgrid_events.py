"""SendGrid's event webhook: what became of messages."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from fastapi import APIRouter, Depends, Request, Response
from sendgrid.helpers.eventwebhook import EventWebhook, EventWebhookHeader

from keepwell.api.access import ForbiddenError
from keepwell.api.door import AtDoor
from keepwell.api.problems import problems
from keepwell.api.sendgrid_reports import reports_in
from keepwell.db.repositories.provider_events import take
from keepwell.errors import StoreError

router = APIRouter(tags=["webhooks"], responses=problems(413))
log = logging.getLogger("keepwell.events")

OLDEST = timedelta(minutes=5)
NEWEST = timedelta(minutes=1)
"""How far the time in a signature may lie back, as SendGrid signs each attempt anew; and, as clocks differ,
ahead."""

NOT_ACCEPTED = "This request is not accepted."
"""All that whoever forges a request is told; the log says more."""


async def whole_body(request: Request) -> bytes:
    """The body as it came; how long it may be is said in `keepwell.api.guard`."""
    return await request.body()


@router.post("/webhooks/sendgrid/events", status_code=204)
def take_events(request: Request, body: Annotated[bytes, Depends(whole_body)], door: AtDoor) -> Response:
    """Take a batch of events. Without a 2xx SendGrid sends it again; what is known by then is dropped."""
    now = datetime.now(UTC)
    signature = request.headers.get(EventWebhookHeader.SIGNATURE, "")
    timestamp = request.headers.get(EventWebhookHeader.TIMESTAMP, "")
    check_signature(door.settings.sendgrid_webhook_key, signature, timestamp, body, now)
    reports, odd = reports_in(body, now)
    taken = take(door.store, reports, now)
    if odd:
        log.warning("Entries of a batch of SendGrid's are no events", extra={"entries": odd})
    if taken.failed:
        raise StoreError(
            f"{taken.failed} of {len(reports)} events could not be written; send them again.", retryable=True
        )
    return Response(status_code=204)


def check_signature(key: str, signature: str, timestamp: str, body: bytes, now: datetime) -> None:
    """Make sure that SendGrid has signed this body, and lately.

    Raises:
        ForbiddenError: it has not, or there is no key to tell.
    """
    why = _hindrance(key, signature, timestamp, body, now)
    if why:
        log.warning("Events refused: %s", why)
        raise ForbiddenError(NOT_ACCEPTED)


def _hindrance(key: str, signature: str, timestamp: str, body: bytes, now: datetime) -> str:
    if not key:
        return "KEEPWELL_SENDGRID_WEBHOOK_KEY is not set"
    if not re.fullmatch(r"[0-9]{1,12}", timestamp):
        return "the request has no time"
    age = now.timestamp() - int(timestamp)
    if not -NEWEST.total_seconds() <= age <= OLDEST.total_seconds():
        return f"the request was signed {age:.0f} s ago"
    try:
        webhook = EventWebhook(key)
    except (ValueError, UnsupportedAlgorithm):
        return "KEEPWELL_SENDGRID_WEBHOOK_KEY is no public key"
    if not isinstance(webhook.public_key, EllipticCurvePublicKey):
        return "KEEPWELL_SENDGRID_WEBHOOK_KEY is no key of SendGrid's kind (ECDSA)"
    try:
        signed = webhook.verify_signature(body.decode(), signature, timestamp)
    except ValueError:
        # No base64, or no text.
        signed = False
    return "" if signed else "the signature is not SendGrid's"
