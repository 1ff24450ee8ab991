"""What was stored when: opt-outs and attempts in one log, in the order in which the database had them.

Triggers write it, within the transactions themselves. An attempt and an opt-out of its contact exclude each
other (each locks the contact before it writes), so the ids of their lines say which one was first, however
the machine's processes got on: whatever clocks say, there is no "at about the same time".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from sqlalchemy import text

from keepwell.db.engine import Store
from keepwell.db.tables import Delivery, Intervention
from tests.e2e.chaos_leavers import ADDRESS, ALL, Receipt

SECONDS = timedelta(seconds=20)
"""How long after an opt-out an attempt that was under way then may still be accepted, on the real clock.

Its request goes out within half of its lease (1.5 s here) or not at all, has 1.5 s of its own, and the
slowest provider takes it after 4 s: 7 s, and room for a busy machine, on which each of them may wait.
"""

Entry = TypeVar("Entry")
PURPOSES = {"risk": "account", "expansion": "offers"}

CLOCK = {
    "postgresql": "extract(epoch FROM clock_timestamp())",
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
}
NUMBER = {"postgresql": "bigserial PRIMARY KEY", "sqlite": "integer PRIMARY KEY AUTOINCREMENT"}
TRIGGERS = (
    (
        "delivery",
        "UPDATE",
        "NEW.state = 'sending' AND OLD.state <> 'sending'",
        "'begun', NEW.recipient_id, NEW.key, NEW.attempts",
    ),
    *(
        ("contact_preference", when, "", f"'wanted', NEW.contact_id, NEW.purpose, {yes}")
        for when in ("INSERT", "UPDATE")
        for yes in ("CASE WHEN NEW.wanted THEN 1 ELSE 0 END",)
    ),
    *(
        ("suppression", when, "", f"'open', NEW.address, '', {yes}")
        for when in ("INSERT", "UPDATE")
        for yes in ("CASE WHEN NEW.lifted_at IS NULL THEN 0 ELSE 1 END",)
    ),
    (
        "contact",
        "UPDATE",
        "",
        "'agrees', NEW.id, '', CASE WHEN NEW.consent = 'denied' THEN 0 ELSE 1 END",
    ),
)
"""Table, when, under which condition, and the line: what, who, detail, value."""


@dataclass(frozen=True)
class Line:
    """`what` is begun (an attempt), wanted, open (an address) or agrees; `value` is 0 for a no."""

    id: int
    at: datetime
    what: str
    who: str
    detail: str
    value: int


def _note(known: set[Entry], entry: Entry, yes: int) -> None:
    known.discard(entry) if yes else known.add(entry)


@dataclass
class Standing:
    """What contacts wish, line after line."""

    refused: set[tuple[str, str]] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)

    def read(self, line: Line) -> None:
        """One more line."""
        match line.what:
            case "wanted":
                _note(self.refused, (line.who, line.detail), line.value)
            case "open":
                _note(self.closed, line.who, line.value)
            case "agrees":
                _note(self.silent, line.who, line.value)

    def against(self, row: Delivery, purpose: str) -> str:
        """Why a message may not go; "" where it may."""
        if row.recipient_id in self.silent:
            return "wants nothing at all"
        if (row.recipient_id, purpose) in self.refused:
            return f"wants nothing about {purpose}"
        if row.channel == "email" and row.address.lower() in self.closed:
            return "has an address that is closed"
        return ""


def watch(store: Store) -> None:
    """Let the database keep the log from now on."""
    kind = store.engine.dialect.name
    into = "INSERT INTO chaos_log (at, what, who, detail, value)"
    statements = [
        f"CREATE TABLE chaos_log (id {NUMBER[kind]}, at double precision, what text, who text, "
        "detail text, value integer)"
    ]
    for number, (table, when, condition, line) in enumerate(TRIGGERS):
        name = f"chaos_{number}"
        head = f"CREATE TRIGGER {name} AFTER {when} ON {table} FOR EACH ROW"
        head += f" WHEN ({condition})" if condition else ""
        insert = f"{into} SELECT {CLOCK[kind]}, {line}"
        if kind == "sqlite":
            statements.append(f"{head} BEGIN {insert}; END")
        else:
            body = f"BEGIN {insert}; RETURN NULL; END"
            statements.append(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")
            statements.append(f"{head} EXECUTE FUNCTION {name}()")
    with store.write() as session:
        for statement in statements:
            session.connection().exec_driver_sql(statement)


def lines(store: Store) -> list[Line]:
    """The log."""
    query = text("SELECT id, at, what, who, detail, value FROM chaos_log ORDER BY id")
    with store.read() as session:
        rows = session.connection().execute(query).all()
    return [Line(row[0], datetime.fromtimestamp(row[1], UTC), *row[2:]) for row in rows]


@dataclass
class Wishes:
    """What the audit of opt-outs reads; `requests` are those that reached SendGrid, by key.

    `late` is filled by it: how long after an opt-out a message was taken whose attempt was under way.
    """

    log: Sequence[Line]
    receipts: Sequence[Receipt]
    deliveries: Mapping[str, Delivery]
    interventions: Mapping[str, Intervention]
    taken: Sequence[tuple[str, datetime]]
    requests: Counter[str]
    late: list[timedelta] = field(default_factory=list)

    def to_contact(self, key: str) -> tuple[Delivery, str] | None:
        """A message to a contact and its purpose; None for any other."""
        row = self.deliveries.get(key)
        if row is None or row.recipient_kind != "contact":
            return None
        return row, PURPOSES[self.interventions[row.intervention_id].family]


def wrong_in_attempts(found: Wishes) -> Iterator[str]:
    """No attempt began after an opt-out was stored, and nothing was asked of SendGrid without an attempt."""
    standing, begun = Standing(), Counter[str]()
    for line in found.log:
        standing.read(line)
        if line.what != "begun":
            continue
        begun[line.detail] += 1
        sent = found.to_contact(line.detail)
        if sent is not None and (why := standing.against(*sent)):
            yield f"{line.detail}: attempt {line.value} began at {line.at}, but its contact {why}"
    for key, times in found.requests.items():
        if times > begun[key]:
            yield f"{key}: SendGrid was asked {times} times, and {begun[key]} attempts began"


def wrong_in_receipts(found: Wishes) -> Iterator[str]:
    """What was confirmed had been stored by then; what is accepted later had been on its way."""
    for receipt in found.receipts:
        standing = Standing()
        for line in found.log:
            if line.at.timestamp() <= receipt.at:
                standing.read(line)
        if not held(standing, receipt):
            yield f"{receipt} was confirmed, and is not stored"
    for key, at in found.taken:
        sent = found.to_contact(key)
        if sent is None:
            continue
        for receipt in found.receipts:
            after = at - datetime.fromtimestamp(receipt.at, UTC)
            if not covers(receipt, *sent) or after <= timedelta():
                continue
            found.late.append(after)
            if after > SECONDS:
                yield f"{key} was accepted {after} after {receipt} was confirmed"


def held(standing: Standing, receipt: Receipt) -> bool:
    """Whether all of what was confirmed stands."""
    for what in receipt.wanted_no_more:
        if what == ALL:
            known = receipt.contact in standing.silent
        elif what == ADDRESS:
            known = f"{receipt.contact}@customer.example" in standing.closed
        else:
            known = (receipt.contact, what) in standing.refused
        if not known:
            return False
    return True


def covers(receipt: Receipt, row: Delivery, purpose: str) -> bool:
    """Whether a message is one that was promised not to be sent any more."""
    if row.recipient_id != receipt.contact:
        return False
    said = receipt.wanted_no_more
    return ALL in said or purpose in said or (ADDRESS in said and row.channel == "email")
