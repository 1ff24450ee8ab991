"""Activities of the monitor: the look at what is silent, the day's figures, the handing over of alerts."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

from temporalio import activity

from keepwell.contracts.alerts import AlertsHanded, MonitorCall, MonitorFigures, MonitorLook
from keepwell.errors import reason_of
from keepwell.ports import HandOver, Monitor

AT_ONCE = 20
"""Starts under way at once: the server takes about 200 a second, more at once only queue up."""

ENOUGH = 1_000
"""Alerts that one pass hands over at most, by the page; the next one comes soon."""

PAGES = 10
"""Pages that one pass reads at most. Those that cannot be handed over rest afterwards, so that the next pass
comes to those behind them."""

log = logging.getLogger(__name__)


class MonitorActivities:
    """Watches over an organisation's customers."""

    def __init__(self, monitor: Monitor, hand_over: HandOver) -> None:
        self._monitor = monitor
        self._hand_over = hand_over

    @activity.defn(no_thread_cancel_exception=True)
    def look_for_silence(self, call: MonitorCall) -> MonitorLook:
        """Raise alerts for what has fallen silent, close those that are over by themselves."""
        found = self._monitor.look(call)
        if found.held:
            log.warning("Silence is not judged", extra={"why": found.held})
        return found

    @activity.defn(no_thread_cancel_exception=True)
    def write_momentum_figures(self, call: MonitorCall) -> MonitorFigures:
        """Write momentum figures of the day that has begun, for a while."""
        return self._monitor.write_figures(call)

    @activity.defn
    async def hand_over_alerts(self, call: MonitorCall) -> AlertsHanded:
        """Start the playbooks of alerts that nobody has decided upon; end those whose cause is gone."""
        counts, room, after = Counter[str](), asyncio.Semaphore(AT_ONCE), ""
        failed: dict[str, str] = {}

        async def one(alert: str) -> None:
            async with room:
                try:
                    await self._hand_over.start_event(alert, call.as_of)
                    counts["handed_over"] += 1
                except Exception as error:
                    # One that cannot be handed over must not keep the others from it.
                    log.exception("An alert was not handed over", extra={"alert": alert})
                    failed[alert] = reason_of(error)
                    counts["failed"] += 1

        # First what is over: it would keep the same playbook from beginning anew.
        try:
            await self._hand_over.end_events(call.organisation, call.as_of)
        except Exception:
            # Nor must an end keep the starts from being made; the next pass tries it again.
            log.exception("Playbooks whose cause is gone were not all told")
            counts["failed"] += 1
        for _ in range(PAGES):
            pending = await asyncio.to_thread(self._monitor.undecided, call, after)
            await asyncio.gather(*(one(alert) for alert in pending))
            if failed:
                await asyncio.to_thread(self._monitor.put_off, call, failed)
                failed.clear()
            if not pending or counts["handed_over"] >= ENOUGH:
                break
            after = pending[-1]
        return AlertsHanded(**counts)
