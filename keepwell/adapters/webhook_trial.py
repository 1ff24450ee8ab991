"""Trying a webhook: a made-up event is posted now, by this process, and not tried again."""

from __future__ import annotations

from datetime import datetime

from keepwell.adapters.public_only import PublicOnly
from keepwell.adapters.webhook import WebhookCaller
from keepwell.db.engine import Store
from keepwell.db.repositories import webhook_desk
from keepwell.db.repositories.webhook_desk import DeliveryLine
from keepwell.db.repositories.webhooks import WebhookRepository


def try_endpoint(
    store: Store, organisation: str, endpoint: str, private: tuple[str, ...], *, by: str, now: datetime
) -> DeliveryLine:
    """Post a test event to an endpoint, named as a person would; the delivery with what it answered.

    `private` are addresses outside of the public internet that webhooks may go to. Raises NotFoundError,
    InputError for an endpoint that is none.
    """
    with store.write() as session:
        row = webhook_desk.find_endpoint(session, organisation, endpoint)
        own = webhook_desk.plan_test(session, row, by, now)
    webhooks = WebhookRepository(store)
    post = webhooks.begin(own, now)
    if post is not None:
        answer = WebhookCaller(PublicOnly(private)).call(post, now)
        webhooks.note(own, answer, now)
        webhooks.give_up(own, f"A test is not tried again: {answer.why}", now)
    with store.read() as session:
        return webhook_desk.delivery(session, organisation, own)


def tried_words(line: DeliveryLine) -> str:
    """What came of it, in a sentence."""
    took = f" after {line.attempts[-1].milliseconds:,} ms" if line.attempts else ""
    if line.state == "delivered":
        return f"{line.url} took it{took} (status {line.attempts[-1].status})."
    return f"{line.url} did not take it{took}: {line.why}"
