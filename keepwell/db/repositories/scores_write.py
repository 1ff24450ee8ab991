"""Writes a batch of scores: score rows, where each customer stands now, and level transitions.

The rules, for each customer under lock:

- The level held is what the flapping guard says; the first level is a baseline and no transition.
- A score as of an earlier moment than the customer's last one (a late run of an older day) is kept in
  the history with its raw level, but without a held level: it changes neither where the customer
  stands nor makes a transition. A news of yesterday must not undo what is known today.
- Too little data: a row without a score. Where the customer stands keeps the last score and level and
  takes the new coverage and day, and there is no transition.
- `previous_raw_level` is the raw level of the last day before the current one that had a score; days
  with too little data are passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy import Row, and_, bindparam, select, update
from sqlmodel import Session

from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.scores_batch import Batch, Call, Plain, Verdict
from keepwell.keys import new_id
from scoring.arrays import LevelArray
from scoring.guard import hold_levels
from scoring.levels import LEVELS, UNKNOWN, Level, level_at

BY = "scoring"
_SEVERITY: dict[str | None, int] = {None: UNKNOWN, **{level.value: level.severity for level in LEVELS}}


@dataclass(slots=True)
class Written:
    """What a batch came to, and the rows to write. Each customer is in one of the first three counts.

    `firsts` are the customers who had no level before.
    """

    counts: Counter[Verdict] = field(default_factory=Counter)
    scores: list[Plain] = field(default_factory=list)
    new: list[Plain] = field(default_factory=list)
    changed: list[Plain] = field(default_factory=list)
    transitions: list[Plain] = field(default_factory=list)
    firsts: set[str] = field(default_factory=set)


def write_batch(session: Session, batch: Batch) -> Written:
    """Write a batch in the caller's transaction; customers that this run has scored already are left out."""
    written = Written()
    if not batch.customers:
        return written
    standing = _lock(session, batch)
    done = _done(session, batch)
    held, late = _levels(batch, standing)
    for position, customer in enumerate(batch.customers):
        if customer in done:
            continue
        row = batch.rows[position]
        if not late[position]:
            _stand(written, batch.call, row, standing.get(customer), level_at(int(held[position])))
        written.scores.append(row)
        written.counts[batch.verdicts[position]] += 1
    _store(session, written)
    return written


def _range(batch: Batch, name: str, key: str = "customer_id") -> Any:
    c = table(name).c
    return and_(
        c.organisation_id == batch.call.organisation,
        c[key].between(batch.customers[0], batch.customers[-1]),
    )


def _lock(session: Session, batch: Batch) -> dict[str, Row[Any]]:
    """Where the customers stand, locked against other scorings until the transaction ends.

    The lock is on the customers, in the order of their ids: a customer scored for the first time has
    no other row yet. FOR NO KEY UPDATE lets other tables go on referring to them. SQLite's write
    transactions exclude each other anyway.
    """
    connection = session.connection()
    customer, health = table("customer"), table("health")
    if connection.dialect.name != "sqlite":
        connection.execute(
            select(customer.c.id)
            .where(_range(batch, "customer", "id"))
            .order_by(customer.c.id)
            .with_for_update(key_share=True)
        ).all()
    rows = connection.execute(select(health).where(_range(batch, "health")))
    return {row.customer_id: row for row in rows}


def _done(session: Session, batch: Batch) -> set[str]:
    """Customers whose score is there already: of this run, or without a run as of the same moment."""
    score = table("score")
    between = score.c.customer_id.between(batch.customers[0], batch.customers[-1])
    query = select(score.c.customer_id).where(between)
    if batch.call.run is None:
        query = query.where(score.c.run_id.is_(None), score.c.scored_at == batch.call.as_of)
    else:
        query = query.where(score.c.run_id == batch.call.run)
    return set(session.connection().execute(query).scalars())


def _levels(batch: Batch, standing: dict[str, Row[Any]]) -> tuple[LevelArray, Sequence[bool]]:
    """The level held per customer, and whether the customer's last score is a later one."""
    size = len(batch.customers)
    held, previous = np.full(size, UNKNOWN, np.int8), np.full(size, UNKNOWN, np.int8)
    late = [False] * size
    for position, customer in enumerate(batch.customers):
        row = standing.get(customer)
        if row is not None:
            held[position] = _SEVERITY[row.level]
            previous[position] = _SEVERITY[_previous(row, batch.call.day)]
            late[position] = row.scored_at > batch.call.as_of
    return hold_levels(batch.call.card, batch.scores.score, batch.scores.level, held, previous), late


def _previous(row: Row[Any], day: date) -> str | None:
    """The raw level of the last score of a day before `day`."""
    level: str | None = row.previous_raw_level
    if day > row.day and row.raw_level is not None:
        level = row.raw_level
    return level


def _stand(written: Written, call: Call, row: Plain, before: Row[Any] | None, held: Level | None) -> None:
    """Where the customer stands after this score, and the transition if the level held is another one."""
    level = held.value if held else None
    was = before.level if before is not None else None
    sequence = before.sequence if before is not None else 0
    row["level"] = level
    row["baseline"] = was is None and level is not None
    if was is None:
        written.firsts.add(row["customer_id"])
    elif level != was:
        sequence += 1
        written.transitions.append(_transition(call, row, was, sequence))
    stand = {
        "customer_id": row["customer_id"],
        "organisation_id": call.organisation,
        "score_id": row["id"],
        "score": row["score"],
        "coverage": row["coverage"],
        "level": level,
        "raw_level": row["raw_level"],
        "previous_raw_level": None,
        "day": call.day,
        "scored_at": call.as_of,
        "since": call.as_of if level is not None else None,
        "sequence": sequence,
    }
    if before is None:
        written.new.append(stand)
        return
    stand["previous_raw_level"] = _previous(before, call.day)
    if level == was:
        stand["since"] = before.since
    if row["insufficient"]:
        stand["score"] = before.score
        stand["raw_level"] = None if call.day > before.day else before.raw_level
    written.changed.append(stand)


def _transition(call: Call, row: Plain, was: str, sequence: int) -> Plain:
    return {
        "id": new_id(),
        "organisation_id": call.organisation,
        "customer_id": row["customer_id"],
        "sequence": sequence,
        "kind": "change",
        "previous": was,
        "level": row["level"],
        "score": row["score"],
        "score_id": row["id"],
        "run_id": call.run,
        "at": call.as_of,
        "by": BY,
        "code": "",
        "reason": "",
    }


def _store(session: Session, written: Written) -> None:
    connection = session.connection()
    health = table("health")
    if written.scores:
        connection.execute(table("score").insert(), written.scores)
    if written.new:
        connection.execute(health.insert(), written.new)
    if written.changed:
        rows = [{**row, "who": row["customer_id"]} for row in written.changed]
        kept: Plain = {name: bindparam(name) for name in rows[0] if name not in ("who", "customer_id")}
        connection.execute(update(health).where(health.c.customer_id == bindparam("who")).values(kept), rows)
    if written.transitions:
        connection.execute(table("transition").insert(), written.transitions)
