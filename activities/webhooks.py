"""Activities of webhooks out: handing over what waits, and one call."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from keepwell.contracts.webhooks import (
    WaitingWebhook,
    WebhookCall,
    WebhookGivenUp,
    WebhookPass,
    WebhooksHanded,
)
from keepwell.ports import WebhookCaller, WebhookRuns, Webhooks

REST = 2.0
"""Seconds between two looks at what waits: an event is on its way within that time."""

QUICK = 0.25
"""The same while there is something to do."""

FIRST = timedelta(seconds=10)
FACTOR = 3
LONGEST = timedelta(hours=1)
JITTER = 0.2

log = logging.getLogger(__name__)


def rest_after(attempts: int, asked: timedelta | None = None) -> timedelta:
    """How long to wait after so many calls: 10 s, 30 s, 90 s, … 1 h, give or take a fifth.

    Never less than the receiver `asked` for.
    """
    usual = min(FIRST * float(FACTOR ** min(attempts - 1, 10)), LONGEST)
    # Many events that failed together must not come back together.
    mixed = usual * random.uniform(1 - JITTER, 1 + JITTER)
    return max(mixed, asked or timedelta())


class WebhookActivities:
    """Tells endpoints of events."""

    def __init__(self, webhooks: Webhooks, caller: WebhookCaller, runs: WebhookRuns) -> None:
        self._webhooks = webhooks
        self._caller = caller
        self._runs = runs

    @activity.defn
    async def hand_over_webhooks(self, call: WebhookPass) -> WebhooksHanded:
        """Start a run for each delivery that waits, and go on looking for a while.

        It ends early when the worker stops; the next one goes on.
        """
        ends, handed = time.monotonic() + call.seconds, 0
        while True:
            now = datetime.now(UTC)
            waiting = await asyncio.to_thread(self._webhooks.waiting, call.organisation, now)
            started = await asyncio.gather(*(self._start(call.organisation, one) for one in waiting))
            ids = [one for one in started if one]
            if ids:
                await asyncio.to_thread(self._webhooks.handed, ids, now)
                handed += len(ids)
            if activity.is_worker_shutdown() or time.monotonic() >= ends:
                return WebhooksHanded(handed=handed)
            with suppress(TimeoutError):
                await asyncio.wait_for(activity.wait_for_worker_shutdown(), QUICK if ids else REST)

    @activity.defn(no_thread_cancel_exception=True)
    def call_webhook(self, call: WebhookCall) -> str:
        """Call the endpoint once: delivered, failed for good, or an error that Temporal tries again."""
        post = self._webhooks.begin(call.delivery, datetime.now(UTC))
        if post is None:
            return "ended before"
        at = datetime.now(UTC)
        answer = self._caller.call(post, at)
        state = self._webhooks.note(call.delivery, answer, at)
        if state == "waiting":
            raise ApplicationError(
                answer.why,
                type="WebhookNotTaken",
                next_retry_delay=rest_after(post.attempts + 1, answer.retry_after),
            )
        return state

    @activity.defn(no_thread_cancel_exception=True)
    def give_up_webhook(self, call: WebhookGivenUp) -> None:
        """Write that the time of a delivery is over; a person may replay it."""
        self._webhooks.give_up(call.delivery, call.why, datetime.now(UTC))

    async def _start(self, organisation: str, waiting: WaitingWebhook) -> str:
        try:
            await self._runs.start(WebhookCall(organisation=organisation, delivery=waiting.id), waiting.kind)
        except Exception:
            # One that cannot be started must not keep the others from it; the next look tries again.
            log.exception("The run of a webhook was not started", extra={"delivery": waiting.id})
            return ""
        return waiting.id
