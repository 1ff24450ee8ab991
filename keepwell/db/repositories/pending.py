"""Commands from outside on their way to their runs: kept first, told after, never lost, never twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from keepwell.contracts.commands import CommandBase
from keepwell.contracts.pending import WaitingCommand
from keepwell.db.engine import Store
from keepwell.db.repositories import journal
from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.repositories.offer_refused import see_to_refused
from keepwell.db.tables import Intervention, PendingCommand
from keepwell.db.tables.base import Json

AT_ONCE = 100
"""Commands taken up in one pass."""

RESTS = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
"""How long one rests that could not be told, by the number of tries; the last for all further ones."""


def put(
    session: Session,
    row: Intervention,
    *,
    key: str,
    source: str,
    by: str,
    command: CommandBase | None,
    now: datetime,
    back: dict[str, Any] | None = None,
    known: bool = True,
) -> bool:
    """Keep a command for an intervention's run; False where the same `key` was kept before.

    `command` of None asks the run only to look again at what it has put off. `by` is who did it, for the
    journal. `back` is for whoever answers the sender afterwards. One that is not `known` waits until
    somebody has found out who sent it.
    """
    values = {
        **kept(key, source, by, now, back),
        "organisation_id": row.organisation_id,
        "customer_id": row.customer_id,
        "intervention_id": row.id,
        "command": {} if command is None else command.model_dump(mode="json"),
        "state": "waiting" if known else "asking",
    }
    return insert_if_absent(session, "pending_command", values)


def kept(key: str, source: str, by: str, now: datetime, back: dict[str, Any] | None) -> Json:
    """The columns of something new from outside, apart from what it is and what it is about."""
    return {
        "id": key,
        "source": source,
        "by": by,
        "back": back or {},
        "received_at": now,
        "why": "",
        "tries": 0,
        "retry_at": now,
        "told_at": None,
        "answer_at": now if back else None,
        "answer_tries": 0,
    }


def due(session: Session, now: datetime, limit: int = AT_ONCE) -> list[PendingCommand]:
    """Those to be told now, in the order in which they came; of all organisations.

    One does not overtake an earlier one of its intervention that rests, or whose sender is asked for.
    """
    earlier = aliased(PendingCommand)
    before = (col(earlier.received_at) < col(PendingCommand.received_at)) | (
        (col(earlier.received_at) == col(PendingCommand.received_at))
        & (col(earlier.id) < col(PendingCommand.id))
    )
    resting = or_(
        (col(earlier.state) == "waiting") & (col(earlier.retry_at) > now), col(earlier.state) == "asking"
    )
    held = exists().where(
        col(earlier.intervention_id) == col(PendingCommand.intervention_id), before, resting
    )
    query = (
        select(PendingCommand)
        .where(PendingCommand.state == "waiting", col(PendingCommand.retry_at) <= now, ~held)
        .order_by(col(PendingCommand.received_at), col(PendingCommand.id))
        .limit(limit)
    )
    return list(session.exec(query))


def settle(session: Session, key: str, state: str, why: str, now: datetime) -> bool:
    """A command was told, or its run refused it: `why` is what the run said. False: that is known already."""
    row = session.get_one(PendingCommand, key, with_for_update=True)
    if row.state != "waiting":
        return False
    row.state, row.why, row.told_at, row.tries = state, why, now, row.tries + 1
    session.add(row)
    if state == "refused":
        see_to_refused(session, row, why, now)
    return True


def rest(session: Session, key: str, why: str, now: datetime) -> None:
    """It could not be told: try it again later, as often as it takes."""
    row = session.get_one(PendingCommand, key, with_for_update=True)
    if row.state != "waiting":
        return
    row.why, row.retry_at, row.tries = why, now + RESTS[min(row.tries, len(RESTS) - 1)], row.tries + 1
    session.add(row)


class PendingRepository:
    """Implements the port `PendingCommands`. Each method is one transaction and may be called again."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def due(self, now: datetime) -> tuple[WaitingCommand, ...]:
        """What is to be told now, in its order."""
        with self._store.read() as session:
            rows = due(session, now)
            # One without an intervention is never to be told.
            return tuple(_waiting(row, session.get_one(Intervention, row.intervention_id)) for row in rows)

    def settle(self, key: str, now: datetime) -> None:
        """It was told."""
        with self._store.write() as session:
            settle(session, key, "told", "", now)

    def refuse(self, key: str, why: str, now: datetime) -> None:
        """There is no run that could hear it: the timeline says so, as a run does that refuses."""
        with self._store.write() as session:
            row = session.get_one(PendingCommand, key, with_for_update=True)
            if not settle(session, key, "refused", why, now) or not row.command:
                return
            journal.write(
                session,
                key=line_key(row),
                organisation=row.organisation_id,
                customer=row.customer_id,
                intervention=row.intervention_id,
                kind="command.refused",
                by=row.by,
                text=f"{row.command['kind']} was refused",
                why=why,
                at=now,
                data={"source": row.source},
            )

    def rest(self, key: str, why: str, now: datetime) -> None:
        """It could not be told: later again."""
        with self._store.write() as session:
            rest(session, key, why, now)


def line_key(row: PendingCommand) -> str:
    """The journal's key of what came of a command, as the run that it names writes it."""
    return f"{row.intervention_id}/{row.command.get('id', row.id)}"


def _waiting(row: PendingCommand, run: Intervention) -> WaitingCommand:
    ended = f"{run.outcome}: {run.outcome_why}" if run.outcome and run.outcome_why else run.outcome or ""
    return WaitingCommand(
        key=row.id,
        intervention=run.id,
        workflow_id=run.workflow_id,
        signal=str(row.command.get("kind", "")),
        body={name: value for name, value in row.command.items() if name != "kind"},
        ended=ended,
    )
