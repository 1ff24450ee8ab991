"""The send ledger: one row per intended message, and every change of state committed and told."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import bindparam, update
from sqlmodel import Session, col, select

from keepwell.contracts.delivery import (
    SANDBOX,
    Absent,
    Accepted,
    CannotSay,
    DeliveryState,
    DoNotGo,
    Found,
    GoAt,
    LedgerRow,
    LeftOver,
    Message,
    Recipient,
    WaitsFor,
)
from keepwell.contracts.intervention import StepCall, StepResult, StepState
from keepwell.contracts.playbook import Channel
from keepwell.db.engine import Store
from keepwell.db.repositories import drafts_ending, journal
from keepwell.db.repositories.caps import no_room
from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.repositories.step_rows import FINAL, write_step
from keepwell.db.repositories.wishes import refused_now
from keepwell.db.tables import Delivery, InterventionStep
from keepwell.replies import new_token

FREE = (DeliveryState.PLANNED, DeliveryState.DRAFT, DeliveryState.DEFERRED, DeliveryState.UNKNOWN)
FOUND = {
    DeliveryState.ACCEPTED: "was sent (found at the provider after its step was over)",
    DeliveryState.CANCELLED: "was not sent",
    DeliveryState.UNKNOWN: "may or may not have been sent",
}
WORDS = {
    DeliveryState.PLANNED: "will be tried again",
    DeliveryState.DEFERRED: "was deferred",
    DeliveryState.SKIPPED: "was not sent",
    DeliveryState.FAILED: "failed",
    DeliveryState.UNKNOWN: "may or may not have been sent",
    DeliveryState.CANCELLED: "was cancelled",
}

_TAKE = (
    update(Delivery)
    .where(col(Delivery.key) == bindparam("row"), col(Delivery.state).in_(FREE))
    .values(
        state=DeliveryState.SENDING,
        lease=bindparam("by"),
        leased_until=bindparam("until"),
        attempts=col(Delivery.attempts) + 1,
        begun_at=bindparam("begun"),
        waits_for="",
        updated_at=bindparam("now"),
    )
)


class LedgerRepository:
    """Implements the port `Ledger`. Each method is one committed transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def plan(self, call: StepCall, key: str, recipient: Recipient, channel: str) -> LedgerRow:
        """The row under the key, made as `planned` where it is missing."""
        values = {
            "key": key,
            "organisation_id": call.organisation,
            "customer_id": call.customer,
            "intervention_id": call.intervention,
            "step": call.step.name,
            "channel": channel,
            "recipient_id": recipient.id,
            "recipient_kind": recipient.kind,
            "recipient_name": recipient.name,
            "recipient_zone": recipient.time_zone,
            "address": recipient.address,
            "template": "",
            "subject": "",
            "state": DeliveryState.PLANNED,
            "reason": "",
            "attempts": 0,
            "lease": "",
            "provider": "",
            "provider_id": "",
            "planned_at": call.now,
            "waits_for": "",
            "updated_at": datetime.now(UTC),
            "reply_token": new_token() if channel == Channel.EMAIL and recipient.kind == "contact" else "",
        }
        with self._store.write() as session:
            if not insert_if_absent(session, "delivery", values):
                return _row(session.get_one(Delivery, key))
        return LedgerRow(
            key=key, state=DeliveryState.PLANNED, reason="", lease="", leased_until=None, recipient=recipient
        )

    def readdress(self, call: StepCall, seen: LedgerRow, recipient: Recipient) -> LedgerRow:
        """Let a message that waits go to somebody else; the row as it is now.

        The key stays: no provider has had it. One that is not as it was `seen` any more stays as it is.
        """
        with self._store.write() as session:
            row = session.get_one(Delivery, seen.key, with_for_update=True)
            if row.state != seen.state or row.state != DeliveryState.DEFERRED:
                return _row(row)
            before = row.recipient_name
            row.recipient_id, row.recipient_name = recipient.id, recipient.name
            row.recipient_zone, row.address = recipient.time_zone, recipient.address
            row.updated_at = datetime.now(UTC)
            session.add(row)
            session.flush()
            if before != recipient.name:
                text = f"{row.channel} goes to {recipient.name} instead of {before}"
                _tell(session, call, row, "delivery.readdressed", text, "who is meant has changed meanwhile")
            return _row(row)

    def rows_of(self, call: StepCall) -> tuple[LedgerRow, ...]:
        """The rows of a step, the first one first."""
        query = (
            select(Delivery)
            .where(Delivery.intervention_id == call.intervention, Delivery.step == call.step.name)
            .order_by(col(Delivery.planned_at), col(Delivery.key))
        )
        with self._store.read() as session:
            return tuple(_row(row) for row in session.exec(query))

    def begin(self, call: StepCall, key: str, lease: str, until: datetime) -> bool | GoAt | DoNotGo:
        """Take the row for one attempt: `sending`, committed; False where another attempt holds it.

        Where a cap leaves no room, when to ask again: the count and the taking are one transaction, so that
        of two attempts at the last place one waits. Where the contact has said no since the gate was asked,
        that: who says it later finds the message on its way.
        """
        given = {"row": key, "by": lease, "until": until, "begun": call.now, "now": datetime.now(UTC)}
        with self._store.write() as session:
            delivery = session.get_one(Delivery, key)
            # Before the caps: whoever writes down a wish holds the contact first, and its customer after.
            against = refused_now(session, delivery)
            full = no_room(session, delivery, call.now, lock=True) if against is None else None
            return against or full or session.connection().execute(_TAKE, given).rowcount == 1

    def accept(self, call: StepCall, key: str, message: Message | None, accepted: Accepted) -> None:
        """The provider took it: row, step and timeline in one transaction.

        An acceptance is the truth whenever it comes: it also corrects `unknown` and a lapsed lease.
        """
        with self._store.write() as session:
            row = session.get_one(Delivery, key, with_for_update=True)
            if row.provider or row.state in (
                DeliveryState.ACCEPTED,
                DeliveryState.DELIVERED,
                DeliveryState.BOUNCED,
            ):
                _known_already(session, call, row, message)
                return
            row.state, row.reason = DeliveryState.ACCEPTED, ""
            row.provider, row.provider_id = accepted.provider, accepted.provider_id
            row.accepted_at, row.updated_at = call.now, datetime.now(UTC)
            row.lease, row.leased_until = "", None
            if message is not None:
                row.subject = message.subject
            session.add(row)
            why = f"sent to {row.recipient_name}"
            if accepted.provider == SANDBOX:
                why = f"to {row.recipient_name} was checked by SendGrid and NOT sent (sandbox)"
            write_step(session, call, StepResult(state=StepState.DONE, why=f"{call.step.why}; {why}"))
            found = "" if message is not None else " (found at the provider after an attempt broke off)"
            _tell(session, call, row, "delivery.accepted", f"{row.channel} {why}{found}", call.step.why)

    def left_over(self, organisation: str, before: datetime) -> tuple[LeftOver, ...]:
        """Rows in `sending` whose lease ended before this moment and whose step is over."""
        query = (
            select(Delivery)
            .join(
                InterventionStep,
                (col(InterventionStep.intervention_id) == col(Delivery.intervention_id))
                & (col(InterventionStep.name) == col(Delivery.step)),
            )
            .where(
                Delivery.organisation_id == organisation,
                Delivery.state == DeliveryState.SENDING,
                col(Delivery.leased_until) < before,
                col(InterventionStep.state).in_(FINAL),
            )
        )
        with self._store.read() as session:
            return tuple(
                LeftOver(key=row.key, channel=Channel(row.channel), address=row.address)
                for row in session.exec(query)
            )

    def resolve(self, key: str, found: Found, now: datetime) -> None:
        """Write what the provider says of a row that was left over, and tell it in the timeline."""
        with self._store.write() as session:
            row = session.get_one(Delivery, key, with_for_update=True)
            if row.state != DeliveryState.SENDING:
                return
            state, row.reason = _resolved(found)
            row.state, row.lease, row.leased_until, row.updated_at = state, "", None, now
            if isinstance(found, Accepted):
                row.provider, row.provider_id, row.accepted_at = found.provider, found.provider_id, now
                step = session.get_one(InterventionStep, (row.intervention_id, row.step))
                step.state, step.why = StepState.DONE, f"sent to {row.recipient_name}, found at the provider"
                session.add(step)
            session.add(row)
            journal.write(
                session,
                key=f"{key}/delivery.{state.value}/left_over",
                organisation=row.organisation_id,
                customer=row.customer_id,
                intervention=row.intervention_id,
                kind=f"delivery.{state.value}",
                text=f"{row.step}: {row.channel} to {row.recipient_name} {FOUND[state]}",
                why=row.reason or "The attempt that sent it was never heard of again",
                at=now,
                data={"delivery": key, "step": row.step, "attempt": row.attempts},
            )

    def settle(
        self,
        call: StepCall,
        seen: LedgerRow,
        state: DeliveryState,
        reason: str,
        *,
        deferred_until: datetime | None = None,
        waits_for: WaitsFor | None = None,
    ) -> bool:
        """Give the row another state, with the reason, and write it to the timeline.

        Only if it still is as it was `seen`: of two attempts on one row, the later one changes nothing.
        `deferred_until` and `waits_for` are for one that is put off.
        """
        with self._store.write() as session:
            row = session.get_one(Delivery, seen.key, with_for_update=True)
            if row.state != seen.state or row.lease != seen.lease:
                return False
            if state is DeliveryState.SKIPPED:
                steps = (call.step.name,)
                drafts_ending.withdraw(
                    session, call.intervention, reason, journal.ENGINE, call.now, steps=steps
                )
            row.state, row.reason, row.updated_at = state, reason, datetime.now(UTC)
            row.lease, row.leased_until, row.deferred_until = "", None, deferred_until
            row.waits_for = waits_for.value if waits_for is not None else ""
            session.add(row)
            if state is DeliveryState.DEFERRED:
                write_step(
                    session, call, StepResult(state=StepState.DEFERRED, why=reason, until=deferred_until)
                )
            text = f"{row.channel} to {row.recipient_name} {WORDS[state]}"
            _tell(session, call, row, f"delivery.{state.value}", text, reason)
            return True


def _known_already(session: Session, call: StepCall, row: Delivery, message: Message | None) -> None:
    """The provider has reported the message before its answer was read: what the report lacks is added."""
    if message is not None and not row.subject:
        row.subject = message.subject
        session.add(row)
    why = f"{call.step.why}; sent to {row.recipient_name}"
    write_step(session, call, StepResult(state=StepState.DONE, why=why))


def _resolved(found: Found) -> tuple[DeliveryState, str]:
    match found:
        case Accepted():
            return DeliveryState.ACCEPTED, ""
        case Absent():
            return DeliveryState.CANCELLED, "The step was over before the provider had the message"
        case CannotSay(why=why):
            return DeliveryState.UNKNOWN, why


def _row(row: Delivery) -> LedgerRow:
    return LedgerRow(
        key=row.key,
        state=DeliveryState(row.state),
        reason=row.reason,
        lease=row.lease,
        leased_until=row.leased_until,
        recipient=Recipient.model_validate(
            {
                "id": row.recipient_id,
                "kind": row.recipient_kind,
                "name": row.recipient_name,
                "address": row.address,
                "time_zone": row.recipient_zone,
            }
        ),
    )


def _stamp(row: Delivery) -> str:
    """Tells one deferral from the next: both belong to the same attempt."""
    return f"/{row.deferred_until:%Y%m%d%H%M}" if row.deferred_until else ""


def _tell(session: Session, call: StepCall, row: Delivery, kind: str, text: str, why: str) -> None:
    journal.write(
        session,
        key=f"{row.key}/{kind}/{row.attempts}{_stamp(row)}",
        organisation=call.organisation,
        customer=call.customer,
        intervention=call.intervention,
        kind=kind,
        text=f"{call.step.name}: {text}",
        why=why,
        at=call.now,
        data={"delivery": row.key, "step": call.step.name, "attempt": row.attempts},
    )
