"""A customer's scores of the last 30 days, packed beside where it stands, so that a run reads no history.

The bytes are the beginning of the scorecard's hash (8), then a float64 for each of the 30 days up to
`health.day`, the oldest first, NaN where no score is known. Scores by another scorecard do not compare: where
the bytes are of another one, the days are those that the history has by this one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from sqlalchemy import select
from sqlmodel import Session

from keepwell.db.repositories.lookup import table
from scoring.arrays import FloatArray

DAYS = 30
_TAG = 8
_SIZE = _TAG + 8 * DAYS
PackedUntil = tuple[date, bytes | None]
"""The last of the days, and their scores."""


def recent_days(
    session: Session,
    fingerprint: str,
    day: date,
    customers: Sequence[str],
    packed_until: Sequence[PackedUntil | None],
) -> FloatArray:
    """(n, 30) scores on the days up to `day`, the last one included; NaN where none is known.

    customers: in the database's order. packed_until: of those who have been scored before. Who has no packed
    scores by this scorecard gets them from the history.
    """
    days = np.full((len(customers), DAYS), np.nan)
    unknown: list[str] = []
    known: dict[int, tuple[list[int], list[bytes]]] = {}
    for row, one in enumerate(packed_until):
        if one is None:
            continue
        packed, back = one[1], (day - one[0]).days
        # A day that lies before the last one follows from a change of the organisation's time zone.
        if packed is None or len(packed) != _SIZE or back < 0:
            unknown.append(customers[row])
        elif back < DAYS:
            rows, contents = known.setdefault(back, ([], []))
            rows.append(row)
            contents.append(packed)
    tag = np.frombuffer(_tag(fingerprint), "<u8")[0]
    for back, (rows, contents) in known.items():
        content = b"".join(contents)
        ours = np.frombuffer(content, "<u8").reshape(-1, DAYS + 1)[:, 0] == tag
        before = np.frombuffer(content, "<f8").reshape(-1, DAYS + 1)[:, 1 + back :]
        days[np.array(rows)[ours], : DAYS - back] = before[ours]
        unknown.extend(customers[row] for row in np.array(rows)[~ours].tolist())
    if unknown:
        _from_history(session, fingerprint, day, customers, unknown, days)
    return days


def packed_by(packed: bytes | None, fingerprint: str) -> bool | None:
    """Whether these packed scores are by this scorecard; None where there are none."""
    if packed is None or len(packed) != _SIZE:
        return None
    return packed[:_TAG] == _tag(fingerprint)


def unpacked(packed: bytes | None) -> tuple[float | None, ...] | None:
    """The scores of the 30 days, the oldest first, None on days without one; None where none are packed."""
    if packed is None or len(packed) != _SIZE:
        return None
    days = np.frombuffer(packed, "<f8")[1:].tolist()
    return tuple(None if math.isnan(one) else one for one in days)


def packed_days(fingerprint: str, days: FloatArray) -> list[bytes]:
    """The bytes of each row of `days`."""
    tag, content = _tag(fingerprint), np.ascontiguousarray(days, dtype="<f8").tobytes()
    step = 8 * DAYS
    return [tag + content[start : start + step] for start in range(0, len(content), step)]


def _from_history(
    session: Session,
    fingerprint: str,
    day: date,
    customers: Sequence[str],
    unknown: Sequence[str],
    days: FloatArray,
) -> None:
    """Fill in the last score of each day as `score` has it."""
    place, score = {customer: row for row, customer in enumerate(customers)}, table("score").c
    wanted = set(unknown)
    query = (
        select(score.customer_id, score.day, score.score)
        .where(score.customer_id.between(customers[0], customers[-1]), score.scorecard == fingerprint)
        .where(score.day > day - timedelta(days=DAYS), score.day <= day, score.score.is_not(None))
        .order_by(score.scored_at, score.id)
    )
    for customer, on, value in session.connection().execute(query).all():
        if customer in wanted:
            days[place[customer], DAYS - 1 - (day - on).days] = value


@lru_cache(maxsize=64)
def _tag(fingerprint: str) -> bytes:
    return bytes.fromhex(fingerprint[: 2 * _TAG])
