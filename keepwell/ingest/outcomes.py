"""Stores outcomes: how something with a customer went, which is an event, or that the customer left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from keepwell.contracts.engagement import AHEAD
from keepwell.db.repositories import ingest
from keepwell.db.repositories.zones import first_zone, local_day
from keepwell.db.tables import Organisation
from keepwell.ingest.cells import Reject
from keepwell.ingest.checking import Checked
from keepwell.ingest.engagement import Events
from keepwell.ingest.rows import EventRow, OutcomeRow
from keepwell.ingest.seen import Seen
from keepwell.ingest.settle import Entry, Tally, settle

Item = Checked[OutcomeRow]
LEFT = "left"
_KEYS = ("organisation_id", "external_id")


class Outcomes:
    """The target for outcomes. Churn models learn from who left; signs of churn are read from the others."""

    def __init__(self, organisation_id: str, now: datetime) -> None:
        self._organisation_id, self._now = organisation_id, now
        self._events = Events(organisation_id, now)
        self._seen = Seen()

    def store(self, session: Session, batch: Sequence[Item]) -> Tally:
        """Write one batch."""
        left = [item for item in batch if item.row.outcome == LEFT]
        tally = self._events.store(session, [_event(item) for item in batch if item.row.outcome != LEFT])
        gone = self._leave(session, left) if left else Tally()
        tally.created += gone.created
        tally.updated += gone.updated
        tally.unchanged += gone.unchanged
        tally.rejects += gone.rejects
        return tally

    def _leave(self, session: Session, items: Sequence[Item]) -> Tally:
        """Note the day on which customers left, on their own calendar; they are not active any more."""
        names = {item.row.customer for item in items}
        stored = ingest.by_external_id(session, "customer", self._organisation_id, names)
        home = session.get_one(Organisation, self._organisation_id).time_zone
        entries: list[Entry] = []
        rejects: list[Reject] = []
        for item in items:
            row, there = item.row, stored.get(item.row.customer)
            if there is None:
                reason = "there is no customer with this external id; import customers first"
                rejects.append(item.reject("customer", row.customer, reason))
            elif row.at > self._now + AHEAD:
                rejects.append(item.reject("at", row.at.isoformat(), "lies in the future"))
            else:
                day = local_day(row.at, first_zone(there["time_zone"], home))
                entries.append(
                    Entry(item.line, row.customer, {"active": False, "left_on": day}, item.columns)
                )
        tally = settle(
            entries,
            stored,
            self._seen,
            fresh=lambda entry: stored[entry.key],
            stamp={"updated_at": self._now},
        )
        ingest.upsert(session, "customer", tally.write, keys=_KEYS)
        tally.rejects += rejects
        return tally


def _event(item: Item) -> Checked[EventRow]:
    """The outcome as the engagement event that it is."""
    row = item.row
    event = EventRow(
        customer=row.customer,
        kind=f"{row.outcome}_outcome",
        at=row.at,
        id=row.id,
        data={"note": row.note} if row.note else {},
    )
    return Checked(item.line, event, item.columns)
