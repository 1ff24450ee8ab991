"""One message, once: recipient, gate, send ledger, channel.

The row in the ledger goes to `sending`, committed, before the provider is called. Whoever comes to a
row in `sending` waits out its lease (the earlier attempt may still be under way) and then asks the
provider by the key. Where the provider cannot say, nothing is sent again unless the step says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from temporalio.exceptions import ApplicationError

from activities.plain import fallback_text
from keepwell.contracts.delivery import (
    Absent,
    Accepted,
    CannotSay,
    DeliveryState,
    DoNotGo,
    GoAt,
    GoNow,
    LedgerRow,
    Message,
)
from keepwell.contracts.intervention import Miss, StepCall, StepResult, StepState
from keepwell.contracts.playbook import Channel, Send
from keepwell.errors import SendRefusedError
from keepwell.keys import delivery_key, new_id
from keepwell.ports import ChannelAdapter, Directory, Gate, Ledger, Renderer, Steps

LEASE = timedelta(seconds=45)
"""Longer than a provider's whole deadline (20 s), so that an attempt never outlives its lease."""

SENT = (DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.BOUNCED)
GIVEN_UP = {
    DeliveryState.SKIPPED: StepState.SKIPPED,
    DeliveryState.CANCELLED: StepState.SKIPPED,
    DeliveryState.FAILED: StepState.MISSED,
}


class Delivery:
    """Delivers one message of a step. `wait` sleeps in real time."""

    def __init__(
        self,
        ledger: Ledger,
        gate: Gate,
        directory: Directory,
        renderer: Renderer,
        steps: Steps,
        channels: Mapping[Channel, ChannelAdapter],
        lease: timedelta = LEASE,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ledger = ledger
        self._gate = gate
        self._directory = directory
        self._renderer = renderer
        self._steps = steps
        self._channels = channels
        self._lease = lease
        self._wait = wait

    def deliver(self, call: StepCall, step: Send) -> StepResult:
        """Deliver, or say why not: done, deferred until a moment, skipped, or held.

        A step that is nothing but this message becomes a task for a person when it does not go.
        """
        row = self._row(call, step)
        if isinstance(row, str):
            return self._do_without(call, row, StepState.SKIPPED)
        if row.state == DeliveryState.SENDING:
            row = self._reconcile(call, step, row)
        if row.state in SENT:
            return StepResult(state=StepState.DONE, why=f"sent to {row.recipient.name}")
        if row.state in GIVEN_UP:
            return self._do_without(call, row.reason, GIVEN_UP[row.state])
        if row.state == DeliveryState.UNKNOWN and step.if_unknown == "hold":
            return self._do_without(call, row.reason, StepState.HELD)
        match self._gate.ask(call, row.recipient, step.channel.value):
            case DoNotGo(reason=reason):
                self._settle(call, row, DeliveryState.SKIPPED, reason)
                return self._do_without(call, reason, StepState.SKIPPED)
            case GoAt(at=at, reason=reason):
                self._settle(call, row, DeliveryState.DEFERRED, reason, at)
                return StepResult(state=StepState.DEFERRED, why=reason, until=at)
            case GoNow():
                return self._send(call, step, row)

    def settle_left_over(self, organisation: str) -> int:
        """Ask the providers what became of messages whose steps ended while an attempt was under way.

        Returns how many rows were settled.
        """
        now = datetime.now(UTC)
        rows = self._ledger.left_over(organisation, now)
        for row in rows:
            self._ledger.resolve(row.key, self._channels[row.channel].find(row.key, row.address), now)
        return len(rows)

    def _row(self, call: StepCall, step: Send) -> LedgerRow | str:
        """The step's row. Whom an earlier attempt chose stays chosen; or the reason why nobody is."""
        rows = self._ledger.rows_of(call)
        if rows:
            return rows[0]
        found = self._directory.recipients(call, step.to, step.channel.value)
        if isinstance(found, str):
            return found
        recipient, channel = found[0], step.channel.value
        key = delivery_key(
            call.organisation, call.intervention, call.playbook, step.name, recipient.id, channel
        )
        return self._ledger.plan(call, key, recipient, channel)

    def _reconcile(self, call: StepCall, step: Send, row: LedgerRow) -> LedgerRow:
        """Find out what became of an attempt that nobody saw end."""
        while row.state == DeliveryState.SENDING and row.leased_until is not None:
            left = (row.leased_until - datetime.now(UTC)).total_seconds()
            if left <= 0:
                break
            self._wait(left)
            row = self._ledger.rows_of(call)[0]
        if row.state != DeliveryState.SENDING:
            return row
        match self._channels[step.channel].find(row.key, row.recipient.address):
            case Accepted() as accepted:
                self._ledger.accept(call, row.key, None, accepted)
            case Absent():
                reason = "An earlier attempt broke off before the provider had it"
                self._settle(call, row, DeliveryState.PLANNED, reason)
            case CannotSay(why=why):
                self._settle(call, row, DeliveryState.UNKNOWN, why)
        return self._ledger.rows_of(call)[0]

    def _send(self, call: StepCall, step: Send, row: LedgerRow) -> StepResult:
        message = self._message(call, step, row)
        lease, until = new_id(), datetime.now(UTC) + self._lease
        if not self._ledger.begin(row.key, lease, until):
            raise self._held()
        row = row.model_copy(update={"state": DeliveryState.SENDING, "lease": lease, "leased_until": until})
        try:
            accepted = self._channels[step.channel].send(message)
        except SendRefusedError as refused:
            if refused.retryable:
                self._settle(call, row, DeliveryState.PLANNED, refused.message)
                raise ApplicationError(refused.message, next_retry_delay=refused.retry_after) from refused
            self._settle(call, row, DeliveryState.FAILED, refused.message)
            return self._do_without(call, refused.message, StepState.MISSED)
        self._ledger.accept(call, row.key, message, accepted)
        return StepResult(state=StepState.DONE, why=f"sent to {row.recipient.name}")

    def _settle(
        self, call: StepCall, row: LedgerRow, state: DeliveryState, reason: str, until: datetime | None = None
    ) -> None:
        if not self._ledger.settle(call, row, state, reason, deferred_until=until):
            raise self._held()

    def _held(self) -> ApplicationError:
        """Another attempt was faster: come again when its lease is over, and see what became of it."""
        return ApplicationError("Another attempt holds this delivery", next_retry_delay=self._lease)

    def _message(self, call: StepCall, step: Send, row: LedgerRow) -> Message:
        text = self._renderer.render(call, step.template, recipient=row.recipient, sender=step.sender)
        document = self._steps.document(call.intervention, step.attach) if step.attach else None
        name, address = self._directory.sender(call, step.sender)
        return Message(
            key=row.key,
            organisation=call.organisation,
            customer=call.customer,
            channel=step.channel,
            recipient=row.recipient,
            sender_name=name,
            sender_address=address,
            subject=text.subject,
            text=text.text,
            html=text.html,
            action_label=text.action_label,
            action_url=text.action_url,
            attachments=(document,) if document else (),
        )

    def _do_without(self, call: StepCall, reason: str, state: StepState) -> StepResult:
        """The message does not go: the step says why, and a person gets the task to do it by hand."""
        if call.step.kind != "send":
            return StepResult(state=state, why=reason)
        text = fallback_text(self._renderer, call, reason)
        return self._steps.fall_back(Miss(call=call, reason=reason, state=state), text)
