"""A call of a webhook, as the runs make it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from keepwell.adapters.public_only import PublicOnly
from keepwell.adapters.webhook import WebhookCaller, new_secret
from keepwell.contracts.webhooks import WebhookAnswer, WebhookPost

HERE = PublicOnly(("127.0.0.0/8", "receiver.test"))
"""As set up where the fake receiver is one of ours."""
PUBLIC = PublicOnly()
"""As set up where nothing is said."""


def post(url: str, *secrets: str, event: str = "01EVENT") -> WebhookPost:
    """An alert for a URL, signed with these secrets or one that nobody knows."""
    return WebhookPost(
        delivery="01DELIVERY",
        event=event,
        url=url,
        secrets=secrets or (new_secret(),),
        body='{"type":"alert.raised","text":"Köln"}',
        attempts=0,
    )


def call(
    what: WebhookPost, where: PublicOnly = HERE, seconds: float = 30, at: datetime | None = None
) -> WebhookAnswer:
    """Call it once."""
    return WebhookCaller(where, timedelta(seconds=seconds)).call(what, at or datetime.now(UTC))
