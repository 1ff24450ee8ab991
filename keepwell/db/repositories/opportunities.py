"""Opportunities in the store: signals of the customers of a scored batch, written with their scores.

The rules, for each customer and signal, in the transaction of the customer's score:

- A signal that is seen for the first time, or again more than 30 days after its last opportunity was
  closed, writes an open row.
- Seen while the customer had no level yet, so with its first score at the latest, it is a baseline: it
  was there before anybody looked, and starts nothing until a person enrols it. One that was gone and is
  seen again is news like any other.
- One that is open, running or a baseline gets no second row: a running one only notes that it was seen,
  the others take the new figures. So value and plan of a running one stay what they were when its
  campaign began.
- One that is open or a baseline and not seen any more is gone. A running one is its campaign's affair.
- A score as of an earlier moment than the customer's last one changes nothing here either.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Row, bindparam, or_, select, update
from sqlmodel import Session

from keepwell.db.repositories import journal
from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.scores_batch import Call, Plain
from keepwell.db.repositories.scores_read import Latest
from keepwell.db.repositories.views_opportunities import LIVE
from keepwell.keys import new_id
from scoring.scorecard import Scorecard
from scoring.signals import SIGNAL_METRICS, FoundSignal, detect_signals

QUIET = timedelta(days=30)
"""How long a signal of a customer opens nothing after its last opportunity was closed."""

AT_FIRST = "It was there at the first score, a baseline: it starts nothing until it is enrolled"
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Sighted:
    """Who was looked at, the signals found, and `rows` with plan, revenue and currency of who might have one.

    The range of ids covers those looked at, in the database's own order.
    """

    customers: frozenset[str]
    rows: Mapping[str, Row[Any]]
    signals: Mapping[Key, FoundSignal]
    first: str
    last: str


@dataclass(slots=True)
class _Changes:
    new: list[Plain] = field(default_factory=list)
    seen: list[Plain] = field(default_factory=list)
    running: list[Plain] = field(default_factory=list)
    gone: list[Plain] = field(default_factory=list)
    lines: list[Plain] = field(default_factory=list)


def look_for_signals(session: Session, organisation: str, latest: Latest, card: Scorecard) -> Sighted:
    """The signals of customers, by SIGNAL_METRIC_NAMES; values of other units are emptied."""
    latest = _without_others_units(latest, card)
    if not latest.customers:
        return Sighted(frozenset(), {}, {}, "", "")
    first, last = latest.customers[0], latest.customers[-1]
    # Of whom nothing was measured that signals read, nothing has to be known.
    some = np.flatnonzero(~np.isnan(latest.values).all(axis=1)).tolist()
    rows = _customers(session, organisation, first, last) if some else {}
    revenue = np.array([_revenue(rows.get(latest.customers[place])) for place in some])
    found = detect_signals(latest.values[some], revenue, latest.ages[some]) if some else ()
    signals = {(latest.customers[some[one.row]], one.signal.value): one for one in found}
    return Sighted(frozenset(latest.customers), rows, signals, first, last)


def write_signals(
    session: Session, call: Call, sighted: Sighted, scored: Sequence[str], firsts: Collection[str]
) -> int:
    """Write what was found for those just scored, in the caller's transaction; how many rows are new.

    scored: the customers whose score this transaction has written as their newest. They are locked.
    firsts: those of them who had no level before it.
    """
    who = sighted.customers & set(scored)
    if not who:
        return 0
    changes = _Changes()
    live, resting = _known(session, call, sighted, who)
    for key, signal in sighted.signals.items():
        if key[0] not in who:
            continue
        row = live.pop(key, None)
        if row is not None:
            _see(changes, call, row, signal, sighted.rows[key[0]])
        elif key not in resting:
            _open(changes, call, key, signal, sighted.rows[key[0]], first=key[0] in firsts)
    for row in live.values():
        if row.state != "running":
            _go(changes, call, row)
    _store(session, changes)
    return len(changes.new)


def _without_others_units(latest: Latest, card: Scorecard) -> Latest:
    """A scorecard's metric of the same name in another unit means something else: it is left out."""
    units = {metric.name: metric.unit for metric in card.metrics}
    for column, metric in enumerate(SIGNAL_METRICS):
        if units.get(metric.name, metric.unit) is not metric.unit:
            latest.values[:, column] = np.nan
    return latest


def _customers(session: Session, organisation: str, first: str, last: str) -> dict[str, Row[Any]]:
    customer, owner = table("customer").c, table("organisation").c
    columns: Sequence[ColumnElement[Any]] = (
        customer.id,
        customer.plan,
        customer.monthly_revenue,
        customer.currency,
        owner.currency.label("fallback"),
    )
    query = (
        select(*columns)
        .join_from(table("customer"), table("organisation"), owner.id == customer.organisation_id)
        .where(customer.organisation_id == organisation, customer.id.between(first, last))
    )
    return {row[0]: row for row in session.connection().execute(query).all()}


def _revenue(row: Row[Any] | None) -> float:
    revenue = None if row is None else row.monthly_revenue
    return float("nan") if revenue is None else float(revenue)


def _known(
    session: Session, call: Call, sighted: Sighted, who: frozenset[str]
) -> tuple[dict[Key, Row[Any]], set[Key]]:
    """Opportunities that are not closed, and the keys of those closed not long ago."""
    rows = table("opportunity").c
    columns: Sequence[ColumnElement[Any]] = (rows.id, rows.customer_id, rows.signal, rows.state)
    query = (
        select(*columns)
        .where(rows.organisation_id == call.organisation)
        .where(rows.customer_id.between(sighted.first, sighted.last))
        .where(or_(rows.state.in_(LIVE), rows.closed_at > call.as_of - QUIET))
        # A campaign that claims one at this moment comes before or after, not in between.
        .with_for_update()
    )
    found = [row for row in session.connection().execute(query) if row.customer_id in who]
    live = {(row.customer_id, row.signal): row for row in found if row.state in LIVE}
    return live, {(row.customer_id, row.signal) for row in found if row.state not in LIVE}


def _figures(call: Call, signal: FoundSignal, customer: Row[Any]) -> Plain:
    return {
        "urgency": signal.urgency.value,
        "value": signal.value,
        "currency": customer.currency or customer.fallback or "",
        "words": signal.words,
        "evidence": dict(signal.evidence),
        "plan": customer.plan,
        "monthly_revenue": customer.monthly_revenue,
        "seen_at": call.as_of,
    }


def _open(
    changes: _Changes, call: Call, key: Key, signal: FoundSignal, customer: Row[Any], *, first: bool
) -> None:
    row = {
        "id": new_id(),
        "organisation_id": call.organisation,
        "customer_id": key[0],
        "signal": signal.signal.value,
        "action": signal.action,
        "state": "baseline" if first else "open",
        "reason": AT_FIRST if first else "",
        "detected_at": call.as_of,
        **_figures(call, signal, customer),
    }
    changes.new.append(row)
    text = f"{signal.signal.value}: {signal.words}"
    changes.lines.append(_line(call, row["id"], key[0], "detected", text, row["reason"] or signal.action))


def _see(changes: _Changes, call: Call, row: Row[Any], signal: FoundSignal, customer: Row[Any]) -> None:
    if row.state == "running":
        changes.running.append({"which": row.id, "seen_at": call.as_of})
    else:
        changes.seen.append({"which": row.id, **_figures(call, signal, customer)})


def _go(changes: _Changes, call: Call, row: Row[Any]) -> None:
    why = "The signal ceased before a campaign began"
    changes.gone.append({"which": row.id, "state": "gone", "reason": why, "closed_at": call.as_of})
    changes.lines.append(_line(call, row.id, row.customer_id, "gone", f"{row.signal} is gone", why))


def _line(call: Call, opportunity: str, customer: str, what: str, text: str, why: str) -> Plain:
    """A line of the journal. Its key is new with the row, so that it needs no check for a second one."""
    return journal.line(
        key=f"opportunity/{opportunity}/{what}",
        organisation=call.organisation,
        customer=customer,
        kind=f"opportunity.{what}",
        text=text,
        why=why,
        at=call.as_of,
        data={"opportunity": opportunity},
    )


def _store(session: Session, changes: _Changes) -> None:
    connection = session.connection()
    rows = table("opportunity")
    if changes.new:
        connection.execute(rows.insert(), changes.new)
    for batch in (changes.seen, changes.running, changes.gone):
        if batch:
            values: Plain = {name: bindparam(name) for name in batch[0] if name != "which"}
            connection.execute(update(rows).where(rows.c.id == bindparam("which")).values(values), batch)
    journal.put_new(session, changes.lines)
