"""Stores engagement events; an event is a fact, so one that is stored never changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from keepwell.contracts.engagement import AHEAD, OLDEST, EventsStored, NewEvent
from keepwell.db.repositories import ingest
from keepwell.db.repositories.engagement import follow_events, subject_of
from keepwell.db.repositories.live import About, tell
from keepwell.db.repositories.lookup import insert_all_if_absent, table
from keepwell.db.repositories.momentum import write_after_events
from keepwell.ingest.cells import Reject, shown
from keepwell.ingest.checking import Checked
from keepwell.ingest.rows import EventRow
from keepwell.ingest.seen import Seen
from keepwell.ingest.settle import Entry, Record, Tally, settle
from keepwell.ingest.suggest import did_you_mean
from keepwell.ingest.values import number_of
from keepwell.keys import new_id
from scoring.momentum import KINDS, TASK_KINDS

Item = Checked[EventRow]
_FACTS_OF_IT = ("customer_id", "kind", "at", "data")


class Events:
    """The target for engagement events."""

    def __init__(self, organisation_id: str, now: datetime) -> None:
        self._organisation_id, self._now = organisation_id, now
        self._seen = Seen()

    def store(self, session: Session, batch: Sequence[Item]) -> Tally:
        """Write one batch, and follow what is new in it."""
        customers = ingest.customer_ids(session, self._organisation_id, {item.row.customer for item in batch})
        entries: list[Entry] = []
        rejects: list[Reject] = []
        for item in batch:
            own = customers.get(item.row.customer)
            data, reject = self._checked(item, own)
            if reject is not None or own is None:
                rejects += [reject] if reject is not None else []
                continue
            given = {"customer_id": own, "kind": item.row.kind, "at": item.row.at, "data": data}
            entries.append(Entry(item.line, _key(item.row, own, data), given, item.columns))
        stored = self._stored(session, [entry.key for entry in entries])
        sound = [entry for entry in entries if (reject := _at_odds(entry, stored)) is None]
        rejects += [reject for entry in entries if (reject := _at_odds(entry, stored)) is not None]
        tally = settle(sound, stored, self._seen, fresh=self._fresh, stamp={})
        self._write(session, [one for one in tally.write if one["key"] not in stored], tally)
        tally.rejects += rejects
        tally.unknown_kinds = Counter(one["kind"] for one in tally.write if one["kind"] not in KINDS)
        return tally

    def _write(self, session: Session, new: Sequence[Record], tally: Tally) -> None:
        if not new:
            return
        insert_all_if_absent(session, "engagement_event", new)
        tell(session, self._organisation_id, About.ENGAGEMENT, [one["id"] for one in new])
        followed: EventsStored = follow_events(
            session,
            self._organisation_id,
            [
                NewEvent(
                    customer=one["customer_id"],
                    key=one["key"],
                    kind=one["kind"],
                    at=one["at"],
                    data=one["data"],
                )
                for one in new
            ],
            self._now,
        )
        tally.alerts += followed.raised
        customers = sorted({one["customer_id"] for one in new})
        write_after_events(session, self._organisation_id, customers, self._now)

    def _stored(self, session: Session, keys: Sequence[str]) -> dict[str, Record]:
        rows = table("engagement_event").c
        columns: list[Any] = [rows.key, *(rows[name] for name in _FACTS_OF_IT)]
        found: dict[str, Record] = {}
        for start in range(0, len(keys), 1000):
            query = select(*columns).where(
                rows.organisation_id == self._organisation_id, rows.key.in_(keys[start : start + 1000])
            )
            found.update({row["key"]: dict(row) for row in session.connection().execute(query).mappings()})
        return found

    def _fresh(self, entry: Entry) -> Record:
        return {
            "id": new_id(),
            "organisation_id": self._organisation_id,
            "key": entry.key,
            **entry.given,
            "received_at": self._now,
        }

    def _checked(self, item: Item, own: str | None) -> tuple[dict[str, Any], Reject | None]:
        """The event's data with numbers as such, or what is wrong with the event."""
        row, data = item.row, dict(item.row.data)
        if row.at > self._now + AHEAD:
            return data, item.reject(
                "at", row.at.isoformat(), f"lies in the future; now is {_moment(self._now)}"
            )
        if row.at < self._now - OLDEST:
            reason = f"is too old; events count for {OLDEST.days} days, since {_moment(self._now - OLDEST)}"
            return data, item.reject("at", row.at.isoformat(), reason)
        needed = "task" if row.kind in TASK_KINDS else "feature" if row.kind == "feature_used" else ""
        if needed and not str(data.get(needed, "")).strip():
            return data, item.reject("data", "", f"{row.kind} needs {needed!r} in its data")
        if row.kind == "feedback_given" and "score" in data:
            score = _score(data["score"])
            if score is None:
                return data, item.reject("data", shown(data["score"]), "score must be a number from 0 to 100")
            data["score"] = score
        if own is None:
            reason = "there is no customer with this external id; import customers first"
            return data, item.reject("customer", row.customer, reason)
        return data, None


def unknown_words(kinds: Counter[str]) -> str:
    """A note of kinds that are not known; empty where all are."""
    if not kinds:
        return ""
    listed = ", ".join(
        f"{kind} ({count:,}){did_you_mean(kind, KINDS)}" for kind, count in kinds.most_common(10)
    )
    return f"Kinds of events that are not known, and count as activity: {listed}."


def _score(value: object) -> float | None:
    try:
        number = number_of(value, is_text=isinstance(value, str))
    except ValueError:
        return None
    return number if 0 <= number <= 100 else None


def _key(row: EventRow, customer: str, data: dict[str, Any]) -> str:
    """The sender's own id; else the customer, the kind, the moment and what the event is about."""
    if row.id:
        return f"id/{_digest(row.id)}"
    return f"at/{_digest(f'{customer}/{row.kind}/{row.at.timestamp():f}/{subject_of(row.kind, data)}')}"


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _at_odds(entry: Entry, stored: dict[str, Record]) -> Reject | None:
    there = stored.get(entry.key)
    wrong = [name for name in _FACTS_OF_IT if there is not None and there[name] != entry.given[name]]
    if there is None or not wrong:
        return None
    if wrong[0] == "customer_id":
        return Reject(
            entry.line, entry.columns.get("customer", "customer"), "", "is another customer's event"
        )
    column = entry.columns.get(wrong[0], wrong[0])
    reason = (
        f"the same event is stored with another {wrong[0]}: {shown(there[wrong[0]])!r}; a stored event stays "
        "as it is"
    )
    return Reject(entry.line, column, shown(entry.given[wrong[0]]), reason)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
