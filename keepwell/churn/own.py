"""Our own customers as a table: snapshots of what was known on a day, and who left in the time after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from keepwell.db.engine import Store
from keepwell.db.repositories.churn_rows import (
    EVENTS_COUNTED,
    CustomerDates,
    customer_dates,
    events_until,
    first_measured,
    measured_until,
)
from keepwell.db.repositories.scores_read import Latest
from scoring.arrays import FloatArray
from scoring.churn.errors import TableError
from scoring.churn.features import FEATURES
from scoring.churn.mapping import Mapping

if TYPE_CHECKING:
    from pandas import DataFrame

STEP = timedelta(days=30)
SNAPSHOTS = 12
MAX_AGE_DAYS = 45.0
"""An older value says nothing of the customer on that day; it counts as missing."""

DAYS_A_MONTH = 365.25 / 12

CUSTOMER, AT, LEFT = "customer", "as_of", "left"
MEASURED, SINCE, TENURE = "measured", "months_since_snapshot", "months_as_customer"
NAMED = tuple(one.name for one in FEATURES)


@dataclass(frozen=True, slots=True)
class Own:
    """A table of our customers. `left_out` says how many rows are missing from it, by reason."""

    frame: DataFrame
    features: tuple[str, ...]
    left_out: MappingOf[str, int]


@dataclass(frozen=True, slots=True)
class _Known:
    """What was known of everybody on a day: (customers, features), and the moment of the newest of it."""

    values: FloatArray
    newest: Sequence[datetime]


def mapping_of(own: Own, window: timedelta) -> Mapping:
    """How the snapshots are to be read: by customer and in the order of time."""
    return Mapping(
        target=LEFT,
        features=own.features,
        customer=CUSTOMER,
        group=CUSTOMER,
        time=AT,
        window_days=window.days,
        measured=MEASURED,
        window_start=AT,
    )


def time_mapping_of(own: Own) -> Mapping:
    """How the table for the time to churn is to be read: one row a customer, with how long it was seen."""
    return Mapping(target=LEFT, features=own.features, customer=CUSTOMER, duration=SINCE)


def features_of(metrics: Sequence[str]) -> tuple[str, ...]:
    """The named features, the scorecard's other metrics, and how long the customer has been there."""
    return (*dict.fromkeys((*NAMED, *metrics)), TENURE)


def now_table(store: Store, organisation: str, metrics: Sequence[str], as_of: datetime) -> Own:
    """Everybody who is a customer as of a moment, with what is known then; nobody's future."""
    from pandas import DataFrame  # noqa: PLC0415  (half a second to load)

    features, left_out = features_of(metrics), Counter[str]()
    rows: list[list[object]] = []
    with store.read() as session:
        people = customer_dates(session, organisation)
    known = _known(store, organisation, people, features, as_of)
    for place, one in enumerate(people):
        if not one.active or _gone(one, as_of.date()):
            continue
        if reason := _unusable(one, known, place, as_of.date()):
            left_out[reason] += 1
            continue
        rows.append([one.id, as_of, 0.0, *known.values[place]])
    frame = DataFrame(rows, columns=[CUSTOMER, AT, SINCE, *features])
    return Own(frame, features, left_out)


def snapshots(
    store: Store, organisation: str, metrics: Sequence[str], as_of: datetime, window: timedelta
) -> Own:
    """Up to twelve snapshots, 30 days apart, the last one a whole window ago: so that its label is known.

    `left` is yes where the customer left after the snapshot's day and within the window. One who had left
    by then is not in it, nor one of whom nothing was known.

    Raises:
        TableError: nothing was measured early enough, or nobody left after a snapshot.
    """
    from pandas import DataFrame  # noqa: PLC0415

    features = features_of(metrics)
    moments = _moments(store, organisation, features, as_of, window)
    left_out, rows = Counter[str](), list[list[object]]()
    with store.read() as session:
        people = customer_dates(session, organisation)
    _count_undated(people, left_out)
    for moment in moments:
        known, day = _known(store, organisation, people, features, moment), moment.date()
        for place, one in enumerate(people):
            if _undated(one) or _gone(one, day):
                continue
            if reason := _unusable(one, known, place, day):
                left_out[reason] += 1
                continue
            left = one.left_on is not None and one.left_on <= day + window
            rows.append([one.id, moment, left, known.newest[place], *known.values[place]])
    if not any(row[2] for row in rows):
        raise TableError(
            f"in {len(rows):,} rows nobody left within {window.days} days after a snapshot (the first is of "
            f"{moments[0]:%Y-%m-%d}), so there is nothing to learn from. If some did leave, say when: the "
            "column left_on in the file for keepwell import customers"
        )
    frame = DataFrame(rows, columns=[CUSTOMER, AT, LEFT, MEASURED, *features])
    return Own(frame, features, left_out)


def lives(store: Store, organisation: str, metrics: Sequence[str], as_of: datetime, window: timedelta) -> Own:
    """One row a customer, for the time to churn: its first snapshot, and how long it stayed from then on.

    `months_since_snapshot` counts until the customer left, or until now. Nobody counts as at risk before
    the snapshot: who left earlier is not in the table, so time from the customer's start would look safe.
    The first one is taken because which one it is must not depend on when the customer left.
    """
    from pandas import DataFrame  # noqa: PLC0415

    features = features_of(metrics)
    moments = _moments(store, organisation, features, as_of, window)
    left_out, found = Counter[str](), dict[str, list[object]]()
    with store.read() as session:
        people = customer_dates(session, organisation)
    for moment in moments:
        known, day = _known(store, organisation, people, features, moment), moment.date()
        for place, one in enumerate(people):
            if one.id in found or _undated(one) or _gone(one, day):
                continue
            if _unusable(one, known, place, day) is None:
                end = min(one.left_on or as_of.date(), as_of.date())
                left = one.left_on is not None and one.left_on <= as_of.date()
                found[one.id] = [one.id, left, _months(day, end), *known.values[place]]
    left_out["customers without a snapshot at which they were there and something was known"] = len(
        people
    ) - len(found)
    frame = DataFrame(list(found.values()), columns=[CUSTOMER, LEFT, SINCE, *features])
    return Own(frame, features, left_out)


def _moments(
    store: Store, organisation: str, features: Sequence[str], as_of: datetime, window: timedelta
) -> list[datetime]:
    """The snapshots' moments, the earliest first."""
    with store.read() as session:
        first = first_measured(session, organisation, features)
    last = as_of - window
    if first is None or first > last:
        since = "nothing was measured yet" if first is None else f"the first value is of {first:%Y-%m-%d}"
        raise TableError(
            f"{since}, and a snapshot has to be {window.days} days old, so that it is known "
            "who has left since. Import older metrics, or train later, or with a shorter window "
            "(KEEPWELL_CHURN_WINDOW_DAYS)."
        )
    moments = [last - number * STEP for number in range(SNAPSHOTS)]
    return sorted(moment for moment in moments if moment >= first)


def _known(
    store: Store, organisation: str, people: Sequence[CustomerDates], features: Sequence[str], at: datetime
) -> _Known:
    metrics = [name for name in features if name != TENURE]
    with store.read() as session:
        latest = measured_until(session, organisation, metrics, at)
        events = events_until(session, organisation, at)
    latest = _aligned(latest, people, len(metrics))
    old = latest.ages > MAX_AGE_DAYS
    values = np.where(old, np.nan, latest.values)
    ages = np.where(np.isnan(values), np.nan, latest.ages)
    for name, found in events.items():
        if name in metrics:
            _fill(values[:, metrics.index(name)], people, found, none=0.0 if name in _COUNTED else np.nan)
    tenure = [_months(one.started_on, at.date()) for one in people]
    filled = np.column_stack([values, np.array([np.nan if one is None else one for one in tenure])])
    # Events are counted up to the moment itself.
    newest = [at if np.isnan(row).all() else at - timedelta(days=float(np.nanmin(row))) for row in ages]
    return _Known(filled, newest)


_COUNTED = frozenset(EVENTS_COUNTED.values())


def _fill(
    column: FloatArray, people: Sequence[CustomerDates], found: MappingOf[str, float], none: float
) -> None:
    """Put what events say where no metric says it."""
    for place, one in enumerate(people):
        if np.isnan(column[place]):
            column[place] = found.get(one.id, none)


def _aligned(latest: Latest, people: Sequence[CustomerDates], metrics: int) -> Latest:
    """The rows in the order of `people`: a customer may have come in between two looks at the store."""
    ids = tuple(one.id for one in people)
    if latest.customers == ids:
        return latest
    place = {key: number for number, key in enumerate(latest.customers)}
    values, ages = np.full((len(ids), metrics), np.nan), np.full((len(ids), metrics), np.nan)
    for row, key in enumerate(ids):
        if key in place:
            values[row], ages[row] = latest.values[place[key]], latest.ages[place[key]]
    return replace(latest, customers=ids, values=values, ages=ages)


def _undated(one: CustomerDates) -> bool:
    return not one.active and one.left_on is None


def _count_undated(people: Sequence[CustomerDates], left_out: Counter[str]) -> None:
    if count := sum(map(_undated, people)):
        left_out["customers who are not active and of whom nobody says when they left (left_on)"] = count


def _gone(one: CustomerDates, day: date) -> bool:
    return one.left_on is not None and one.left_on <= day


def _unusable(one: CustomerDates, known: _Known, place: int, day: date) -> str | None:
    """Why this customer has no row on that day; None where it has one."""
    if one.started_on is not None and one.started_on > day:
        return "not yet a customer"
    if np.isnan(known.values[place, :-1]).all():
        return f"nothing measured in the {MAX_AGE_DAYS:.0f} days before"
    return None


def _months(start: date | None, day: date) -> float | None:
    return None if start is None or start > day else (day - start).days / DAYS_A_MONTH
