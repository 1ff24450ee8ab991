"""The activity that tells the staff of alerts, by email and Slack."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from temporalio import activity

from activities.delivery import LEASE, SLEPT
from activities.plain import instead_of_slack
from keepwell.contracts.alerts import AlertsTold, MonitorCall
from keepwell.contracts.delivery import Absent, Accepted, CannotSay, DeliveryState, Message
from keepwell.contracts.notices import NoticeBatch
from keepwell.contracts.playbook import Channel
from keepwell.errors import SendRefusedError, reason_of
from keepwell.keys import new_id
from keepwell.ports import ChannelAdapter, NoticeRenderer, Notices

AT_A_TIME = 60.0
"""Seconds after which what is left waits for the next pass: the monitor has more to do."""

log = logging.getLogger(__name__)


class NoticeActivities:
    """Tells the staff of alerts, each once by each channel, by the rules of the send ledger."""

    def __init__(
        self,
        notices: Notices,
        renderer: NoticeRenderer,
        channels: Mapping[Channel, ChannelAdapter],
        lease: timedelta = LEASE,
    ) -> None:
        self._notices = notices
        self._renderer = renderer
        self._channels = channels
        self._lease = lease

    @activity.defn(no_thread_cancel_exception=True)
    def tell_alerts(self, call: MonitorCall) -> AlertsTold:
        """Settle what nobody saw end, plan what is new, and send what may go now."""
        self._settle_left_over(call)
        self._notices.plan(call)
        ends, told, failed = time.monotonic() + AT_A_TIME, 0, 0
        down: set[Channel] = set()
        for batch in self._notices.batches(call):
            if time.monotonic() >= ends:
                break
            if batch.channel in down:
                continue
            sent = self._send(call, batch)
            if sent is None:
                # Whoever comes next would wait for this provider as long.
                down.add(batch.channel)
            told, failed = told + bool(sent), failed + (not sent)
        return AlertsTold(told=told, failed=failed)

    def _settle_left_over(self, call: MonitorCall) -> None:
        for left in self._notices.left_over(call.organisation, datetime.now(UTC)):
            match self._channels[left.channel].find(left.key, left.address):
                case Accepted() as accepted:
                    self._notices.accept(call.organisation, left.key, accepted, call.as_of)
                case Absent():
                    why = "An earlier attempt broke off before the provider had it"
                    self._settle(call, left.key, DeliveryState.PLANNED, why)
                case CannotSay(why=why):
                    self._settle(call, left.key, DeliveryState.UNKNOWN, why)

    def _send(self, call: MonitorCall, batch: NoticeBatch) -> bool | None:
        """Whether the message was taken; None where its channel is not worth another try in this pass."""
        try:
            message = self._message(call, batch)
        except Exception:
            log.exception("A notice of alerts could not be put into words", extra={"notice": batch.keys[0]})
            return False
        until = datetime.now(UTC) + self._lease
        if not self._notices.begin(batch, new_id(), until):
            return False
        if datetime.now(UTC) > until - self._lease / 2:
            # As with every message: a request that begins later might outlive the lease.
            self._settle(call, batch.message, DeliveryState.PLANNED, SLEPT)
            return None
        try:
            accepted = self._channels[batch.channel].send(message)
        except SendRefusedError as refused:
            if not refused.retryable:
                self._settle(call, batch.message, DeliveryState.FAILED, refused.message)
                return False
            rest = refused.retry_after or timedelta()
            self._settle(call, batch.message, DeliveryState.PLANNED, refused.message, rest)
            return None
        except Exception as error:
            # Nobody knows: when the lease is over, the next pass asks the provider.
            log.warning("Nobody knows whether a notice was taken: %s", reason_of(error))
            return None
        self._notices.accept(call.organisation, batch.message, accepted, call.as_of)
        return True

    def _settle(
        self,
        call: MonitorCall,
        message: str,
        state: DeliveryState,
        reason: str,
        rest: timedelta | None = None,
    ) -> None:
        self._notices.settle(call.organisation, message, state, reason, call.as_of, rest)

    def _message(self, call: MonitorCall, batch: NoticeBatch) -> Message:
        text = self._renderer.render(batch, call.as_of)
        if batch.instead:
            text = instead_of_slack(text, batch.instead)
        return Message(
            key=batch.message,
            organisation=batch.organisation,
            customer=batch.customer,
            channel=batch.channel,
            recipient=batch.recipient,
            sender_name=batch.sender_name,
            sender_address=batch.sender_address,
            subject=text.subject,
            text=text.text,
            html=text.html,
            intervention=batch.intervention,
            actions=batch.actions,
        )
