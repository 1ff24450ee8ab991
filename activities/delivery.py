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

from activities.plain import email_text, fallback_text
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
    MessageAction,
)
from keepwell.contracts.drafts import Approved, NoApproval, Proposal, TooLate, Undrafted, Waits
from keepwell.contracts.intervention import Miss, StepCall, StepResult, StepState
from keepwell.contracts.playbook import Channel, Send
from keepwell.contracts.rendering import Rendered
from keepwell.errors import SendRefusedError
from keepwell.keys import delivery_key, new_id
from keepwell.ports import ChannelAdapter, Directory, Drafts, Gate, Ledger, Look, Renderer, Steps

LEASE = timedelta(seconds=45)
"""More than twice a provider's whole deadline (20 s): an attempt that has not made its request by half of
it makes none, so that none outlives its lease."""

SLEPT = "The attempt was held up for too long before its request, and made none"

SENT = (DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.BOUNCED)
GIVEN_UP = {DeliveryState.SKIPPED: StepState.SKIPPED, DeliveryState.CANCELLED: StepState.SKIPPED}


FOR_STAFF: tuple[MessageAction, ...] = ("acknowledge", "pause", "respond", "open")


class Delivery:
    """Delivers one message of a step. `wait` sleeps in real time."""

    def __init__(
        self,
        ledger: Ledger,
        gate: Gate,
        drafts: Drafts,
        directory: Directory,
        renderer: Renderer,
        steps: Steps,
        channels: Mapping[Channel, ChannelAdapter],
        look: Look,
        lease: timedelta = LEASE,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ledger = ledger
        self._gate = gate
        self._drafts = drafts
        self._directory = directory
        self._renderer = renderer
        self._steps = steps
        self._channels = channels
        self._look = look
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
        over = self._over(call, step, row)
        if over is not None:
            return over
        match self._asked(call, step, row):
            case DoNotGo(reason=reason):
                return self._give_up(call, row, reason)
            case GoAt() as later:
                return self._put_off(call, row, later)
            case Waits() as waits:
                return _waiting(waits)
            case TooLate(reason=reason):
                return self._do_without(call, reason, StepState.MISSED)
            case Proposal() as proposal:
                return _waiting(self._drafts.keep(call, row, proposal))
            case Message() as message:
                return self._send(call, step, row, message)

    def _over(self, call: StepCall, step: Send, row: LedgerRow) -> StepResult | None:
        """What became of the message earlier; None where it is still to be sent."""
        if row.state in SENT:
            return StepResult(state=StepState.DONE, why=f"sent to {row.recipient.name}")
        if row.state == DeliveryState.FAILED:
            return self._failed(call, step, row, row.reason)
        if row.state in GIVEN_UP:
            return self._do_without(call, row.reason, GIVEN_UP[row.state])
        if row.state == DeliveryState.UNKNOWN and step.if_unknown == "hold":
            return self._do_without(call, row.reason, StepState.HELD)
        return None

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
        """The step's row, or the reason why nobody gets the message.

        Whom an earlier attempt chose stays chosen. Of the staff it may be another by the time a message has
        waited for its hour: who is away by then, or has handed the customer on, is no help.
        """
        with self._look():
            row = self._row_now(call, step)
            waited = row is not None and row.state is DeliveryState.DEFERRED
            if row is not None and not (waited and row.recipient.kind == "staff"):
                return row
            found = self._directory.recipients(call, step.to, step.channel.value)
        if row is not None:
            if isinstance(found, str) or found[0] == row.recipient:
                return row
            return self._ledger.readdress(call, row, found[0])
        if isinstance(found, str):
            return found
        recipient, channel = found[0], step.channel.value
        key = delivery_key(
            call.organisation, call.intervention, call.playbook, step.name, recipient.id, channel
        )
        return self._ledger.plan(call, key, recipient, channel)

    def _row_now(self, call: StepCall, step: Send) -> LedgerRow | None:
        """The row on the step's channel, as it is now; a step may have another on a channel instead."""
        end = f"/{step.channel.value}"
        return next((row for row in self._ledger.rows_of(call) if row.key.endswith(end)), None)

    def _asked(
        self, call: StepCall, step: Send, row: LedgerRow
    ) -> Message | GoAt | DoNotGo | Waits | TooLate | Proposal:
        """What the gate answers, and the message where it may go; a draft of it where a person has a say."""
        with self._look():
            answer = self._gate.ask(call, row.recipient, step.channel.value)
            if not isinstance(answer, GoNow):
                return answer
            match self._drafts.stand(call, row) if row.recipient.kind == "contact" else NoApproval():
                case NoApproval():
                    return self._message(call, step, row, self._text(call, step, row))
                case Approved(text=text):
                    return self._message(call, step, row, text)
                case Undrafted():
                    return self._proposal(call, step, row)
                case other:
                    return other

    def _proposal(self, call: StepCall, step: Send, row: LedgerRow) -> Proposal:
        framed = step.channel is Channel.EMAIL
        return Proposal(
            text=self._text(call, step, row),
            frame=self._renderer.frame(call, row.recipient, step.sender) if framed else None,
        )

    def _text(self, call: StepCall, step: Send, row: LedgerRow) -> Rendered:
        text = self._renderer.render(call, step.template, recipient=row.recipient, sender=step.sender)
        if step.channel is Channel.EMAIL and step.template.startswith("slack/"):
            by_slack = self._row_now(call, step.model_copy(update={"channel": Channel.SLACK}))
            return email_text(text, by_slack.reason if by_slack else "")
        return text

    def _reconcile(self, call: StepCall, step: Send, row: LedgerRow) -> LedgerRow:
        """Find out what became of an attempt that nobody saw end."""
        while row.state == DeliveryState.SENDING and row.leased_until is not None:
            left = (row.leased_until - datetime.now(UTC)).total_seconds()
            if left <= 0:
                break
            self._wait(left)
            row = self._row_now(call, step) or row
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
        return self._row_now(call, step) or row

    def _send(self, call: StepCall, step: Send, row: LedgerRow, message: Message) -> StepResult:
        lease, until = new_id(), datetime.now(UTC) + self._lease
        taken = self._ledger.begin(call, row.key, lease, until)
        if isinstance(taken, GoAt):
            return self._put_off(call, row, taken)
        if isinstance(taken, DoNotGo):
            return self._give_up(call, row, taken.reason)
        if not taken:
            raise self._held()
        row = row.model_copy(update={"state": DeliveryState.SENDING, "lease": lease, "leased_until": until})
        if datetime.now(UTC) > until - self._lease / 2:
            # The machine slept, or the store took its time. The request would outlive the lease, and go out
            # long after whatever was stored meanwhile, an opt-out, say: the next attempt asks all of it anew.
            self._settle(call, row, DeliveryState.PLANNED, SLEPT)
            raise ApplicationError(SLEPT)
        try:
            accepted = self._channels[step.channel].send(message)
        except SendRefusedError as refused:
            if refused.retryable:
                self._settle(call, row, DeliveryState.PLANNED, refused.message)
                raise ApplicationError(refused.message, next_retry_delay=refused.retry_after) from refused
            self._settle(call, row, DeliveryState.FAILED, refused.message)
            return self._failed(call, step, row, refused.message)
        self._ledger.accept(call, row.key, message, accepted)
        return StepResult(state=StepState.DONE, why=f"sent to {row.recipient.name}")

    def _give_up(self, call: StepCall, row: LedgerRow, reason: str) -> StepResult:
        self._settle(call, row, DeliveryState.SKIPPED, reason)
        return self._do_without(call, reason, StepState.SKIPPED)

    def _put_off(self, call: StepCall, row: LedgerRow, later: GoAt) -> StepResult:
        self._settle(call, row, DeliveryState.DEFERRED, later.reason, later)
        return StepResult(state=StepState.DEFERRED, why=later.reason, until=later.at)

    def _settle(
        self, call: StepCall, row: LedgerRow, state: DeliveryState, reason: str, later: GoAt | None = None
    ) -> None:
        until, waits_for = (later.at, later.waits_for) if later is not None else (None, None)
        if not self._ledger.settle(call, row, state, reason, deferred_until=until, waits_for=waits_for):
            raise self._held()

    def _held(self) -> ApplicationError:
        """Another attempt was faster: come again when its lease is over, and see what became of it."""
        return ApplicationError("Another attempt holds this delivery", next_retry_delay=self._lease)

    def _message(self, call: StepCall, step: Send, row: LedgerRow, text: Rendered) -> Message:
        document = self._steps.document(call.intervention, step.attach) if step.attach else None
        name, address = self._directory.sender(call, step.sender)
        ways = self._directory.ways_back(call, row, step.channel.value)
        return Message(
            **ways.model_dump(),
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
            intervention=call.intervention,
            actions=FOR_STAFF if row.recipient.kind == "staff" else (),
            category=call.playbook.partition("@")[0],
        )

    def _failed(self, call: StepCall, step: Send, row: LedgerRow, reason: str) -> StepResult:
        """Refused for good. Of the staff, whom Slack does not reach gets an email, and a person a task."""
        email = self._by_email(call, step, row)
        if email is None:
            return self._do_without(call, reason, StepState.MISSED)
        told = self.deliver(call, email)
        if told.state is not StepState.DONE:
            return told
        if call.step.kind == "send":
            self._steps.add_fallback(call, fallback_text(self._renderer, call, reason), reason)
        return told.model_copy(update={"why": f"{told.why} by email: {reason}"})

    def _by_email(self, call: StepCall, step: Send, row: LedgerRow) -> Send | None:
        """The same message as an email to the same person; None where that is no way to them."""
        if step.channel is not Channel.SLACK or row.recipient.kind != "staff":
            return None
        email = step.model_copy(update={"channel": Channel.EMAIL})
        if self._row_now(call, email) is not None:
            return email
        found = self._directory.recipients(call, step.to, Channel.EMAIL.value)
        if isinstance(found, str) or found[0].id != row.recipient.id:
            return None
        return email if found[0].address else None

    def _do_without(self, call: StepCall, reason: str, state: StepState) -> StepResult:
        """The message does not go: the step says why, and a person gets the task to do it by hand."""
        if call.step.kind != "send":
            return StepResult(state=state, why=reason)
        text = fallback_text(self._renderer, call, reason)
        return self._steps.fall_back(Miss(call=call, reason=reason, state=state), text)


def _waiting(waits: Waits) -> StepResult:
    return StepResult(state=StepState.DEFERRED, why=waits.reason, until=waits.until)
