"""Stores staff: the whole file in one batch, as a manager may stand below the people they manage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import Session

from keepwell.db.repositories import ingest
from keepwell.ingest.checking import Checked
from keepwell.ingest.rows import StaffRow
from keepwell.ingest.seen import Seen
from keepwell.ingest.settle import Entry, Record, Tally, settle
from keepwell.keys import new_id

Item = Checked[StaffRow]


class Staff:
    """The target for staff; a manager is named by external id."""

    def __init__(self, organisation_id: str, now: datetime) -> None:
        self._organisation_id, self._now = organisation_id, now

    def store(self, session: Session, batch: Sequence[Item]) -> Tally:
        """Write the file."""
        known = ingest.managers(session, self._organisation_id)
        refused = _refused(batch, known)
        entries = [self._entry(item) for item in batch if item.row.external_id not in refused]
        stored = ingest.by_external_id(
            session, "staff", self._organisation_id, [entry.key for entry in entries]
        )
        for name, record in stored.items():
            record["manager"] = known[name] or ""
        tally = settle(entries, stored, Seen(), fresh=self._fresh, stamp={"updated_at": self._now})
        bosses = {record["external_id"]: record.pop("manager") or None for record in tally.write}
        ingest.upsert(session, "staff", tally.write, keys=("organisation_id", "external_id"))
        ingest.set_managers(session, self._organisation_id, bosses)
        tally.rejects += [
            item.reject("manager", item.row.manager, refused[item.row.external_id])
            for item in batch
            if item.row.external_id in refused
        ]
        return tally

    def _entry(self, item: Item) -> Entry:
        given = item.given()
        return Entry(item.line, given.pop("external_id"), given, item.columns)

    def _fresh(self, entry: Entry) -> Record:
        fields = StaffRow.model_fields.items()
        defaults = {name: field.default for name, field in fields if not field.is_required()}
        identity = {"id": new_id(), "organisation_id": self._organisation_id, "external_id": entry.key}
        # The manager's row may come later, so it is set when all are there.
        late = {"manager_id": None, "created_at": self._now, "updated_at": self._now}
        return {**identity, **defaults, **entry.given, **late}


def _refused(batch: Sequence[Item], known: Mapping[str, str | None]) -> dict[str, str]:
    """Why rows cannot be stored, by external id. A refusal may take others' managers away, and so on."""
    first: dict[str, Item] = {}
    for item in batch:
        first.setdefault(item.row.external_id, item)
    refused: dict[str, str] = {}
    while True:
        left = {name: item for name, item in first.items() if name not in refused}
        bosses = dict(known)
        for name, item in left.items():
            if "manager" in item.row.model_fields_set or name not in bosses:
                bosses[name] = item.row.manager or None
        more = {name: why for name in left if (why := _wrong_with(name, bosses)) is not None}
        if not more:
            return refused
        refused |= more


def _wrong_with(name: str, bosses: Mapping[str, str | None]) -> str | None:
    manager = bosses[name]
    if manager is None:
        return None
    if manager not in bosses:
        return (
            "there is no such member of staff (by external id), neither in a good row of the file nor stored"
        )
    chain = [name]
    while manager is not None and manager not in chain:
        chain.append(manager)
        manager = bosses.get(manager)
    if manager == name:
        return f"the managers go in a circle: {' → '.join([*chain, name])}"
    return None
