"""Stores customers and contacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlmodel import Session

from keepwell.contracts.people import Consent
from keepwell.db.engine import past_deadlocks
from keepwell.db.repositories import ingest
from keepwell.db.repositories.suppressing import same
from keepwell.db.repositories.wishes_spread import spread
from keepwell.ingest.cells import Reject
from keepwell.ingest.checking import Checked
from keepwell.ingest.rows import ContactRow, CustomerRow
from keepwell.ingest.seen import Seen
from keepwell.ingest.settle import Entry, Record, Tally, settle
from keepwell.keys import new_id

_KEYS = ("organisation_id", "external_id")
BY = "import"
"""Who did it, in the journal."""


def defaults_of(model: type[CustomerRow] | type[ContactRow]) -> Record:
    """What the optional fields of a row are when it does not give them."""
    fields = model.model_fields.items()
    return {
        name: field.get_default(call_default_factory=True)
        for name, field in fields
        if not field.is_required()
    }


class Customers:
    """The target for customers; an owner is named by external id or email address."""

    def __init__(self, organisation_id: str, now: datetime) -> None:
        self._organisation_id, self._now = organisation_id, now
        self._seen = Seen()
        self._defaults = defaults_of(CustomerRow) | {"owner_id": None, "subdivision": ""}
        del self._defaults["owner"]

    def store(self, session: Session, batch: Sequence[Checked[CustomerRow]]) -> Tally:
        """Write one batch."""
        names = {item.row.owner for item in batch if item.row.owner}
        owners = ingest.staff_ids(session, self._organisation_id, names) if names else {}
        outcomes = [self._entry(item, owners) for item in batch]
        entries = [outcome for outcome in outcomes if isinstance(outcome, Entry)]
        keys = [entry.key for entry in entries]
        stored = ingest.by_external_id(session, "customer", self._organisation_id, keys)
        tally = settle(
            entries,
            stored,
            self._seen,
            fresh=self._fresh,
            stamp={"updated_at": self._now},
            adjust=_with_facts,
        )
        ingest.upsert(session, "customer", tally.write, keys=_KEYS)
        tally.rejects += [outcome for outcome in outcomes if isinstance(outcome, Reject)]
        return tally

    def _entry(self, item: Checked[CustomerRow], owners: Mapping[str, tuple[str, ...]]) -> Entry | Reject:
        given = item.given()
        if "owner" in given:
            owner = given.pop("owner")
            ids = owners.get(owner, ())
            if owner and not ids:
                reason = (
                    "there is no such member of staff (by external id or email address); import staff first"
                )
                return item.reject("owner", owner, reason)
            if len(ids) > 1:
                reason = f"{len(ids)} members of staff have this email address; give the external id"
                return item.reject("owner", owner, reason)
            given["owner_id"] = ids[0] if ids else None
        return Entry(item.line, given.pop("external_id"), given, item.columns)

    def _fresh(self, entry: Entry) -> Record:
        record = _fresh(self._organisation_id, self._now, self._defaults, entry)
        return record | {"facts": _known(record["facts"])}


class Contacts:
    """The target for contacts. A no to being written to is not overwritten by an undated yes."""

    def __init__(self, organisation_id: str, now: datetime) -> None:
        self._organisation_id, self._now = organisation_id, now
        self._seen = Seen()
        self._defaults = defaults_of(ContactRow)
        self._kept_denials = 0

    def store(self, session: Session, batch: Sequence[Checked[ContactRow]]) -> Tally:
        """Write one batch."""
        customers = ingest.customer_ids(session, self._organisation_id, {item.row.customer for item in batch})
        entries: list[Entry] = []
        rejects: list[Reject] = []
        for item in batch:
            given = item.given()
            own = customers.get(given.pop("customer"))
            if own is None:
                reason = "there is no customer with this external id; import customers first"
                rejects.append(item.reject("customer", item.row.customer, reason))
            else:
                key = given.pop("external_id")
                entries.append(Entry(item.line, key, {**given, "customer_id": own}, item.columns))
        keys = [entry.key for entry in entries]
        stored = ingest.by_external_id(session, "contact", self._organisation_id, keys)
        self._kept_denials = 0
        tally = settle(
            entries,
            stored,
            self._seen,
            fresh=self._fresh,
            stamp={"updated_at": self._now},
            adjust=self._with_consent,
        )
        ingest.upsert(session, "contact", tally.write, keys=_KEYS)
        addresses = [one["email"] for one in tally.write if _speaks(one, stored.get(one["external_id"]))]
        work = partial(spread, session, self._organisation_id, addresses, by=BY, now=self._now)
        tally.heeded = past_deadlocks(session, work)
        tally.rejects += rejects
        tally.kept_denials = self._kept_denials
        return tally

    def _fresh(self, entry: Entry) -> Record:
        return _fresh(self._organisation_id, self._now, self._defaults, entry)

    def _with_consent(self, current: Record, given: Mapping[str, Any]) -> Mapping[str, Any]:
        if current["consent"] != Consent.DENIED or given.get("consent", Consent.DENIED) == Consent.DENIED:
            return given
        at, before = given.get("consent_at"), current["consent_at"]
        if at is not None and (before is None or at > before):
            return given
        self._kept_denials += 1
        return {name: value for name, value in given.items() if name not in ("consent", "consent_at")}


def _speaks(now: Record, before: Record | None) -> bool:
    """Whether an address has a contact more, or one more that has said no."""
    if before is None or same(now["email"]) != same(before["email"]):
        return bool(now["email"])
    denied = Consent.DENIED.value
    return bool(now["email"]) and now["consent"] == denied and before["consent"] != denied


def _fresh(organisation_id: str, now: datetime, defaults: Record, entry: Entry) -> Record:
    identity = {"id": new_id(), "organisation_id": organisation_id, "external_id": entry.key}
    return {**identity, **defaults, **entry.given, "created_at": now, "updated_at": now}


def _with_facts(current: Record, given: Mapping[str, Any]) -> Mapping[str, Any]:
    # Facts of other files stay; an empty cell takes the fact away.
    return {**given, "facts": _known({**current["facts"], **given["facts"]})} if "facts" in given else given


def _known(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}
