"""Reading a user's table by its mapping: features, answers, durations, and what is odd about it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.arrays import FloatArray
from scoring.churn import checks, columns
from scoring.churn.answers import answered, enough
from scoring.churn.columns import Columns
from scoring.churn.copies import near_copies
from scoring.churn.durations import durations
from scoring.churn.errors import TableError
from scoring.churn.mapping import Mapping
from scoring.churn.results import Column, Finding, Role, Severity, Table, Trouble

_GROUPED_FROM = 0.02
"""From this share of near-copies on, copies are kept together in splits; fewer hardly move a figure."""


@dataclass(frozen=True, slots=True)
class Data:
    """A table as arrays; all of the length of its used rows. `rows` are their positions in the frame.

    `groups` numbers what must stay together; `duration` (months) only with a duration column, NaN where
    unknown; `window_days` is the mapping's, for `time`.
    """

    columns: Columns
    y: NDArray[np.int64]
    duration: FloatArray | None
    groups: NDArray[np.int64]
    time: NDArray[np.datetime64] | None
    window_days: int
    customers: tuple[str, ...]
    rows: NDArray[np.int64]
    table: Table

    @property
    def grouped(self) -> bool:
        """Whether some rows must stay together."""
        return len(np.unique(self.groups)) < len(self.groups)

    @property
    def time_columns(self) -> Columns:
        """The features of the time to churn."""
        return {name: self.columns[name] for name in self.table.time_features}

    @property
    def churn_columns(self) -> Columns:
        """The features of the probability."""
        return {name: self.columns[name] for name in self.table.features}


def describe(frame: pd.DataFrame, mapping: Mapping) -> Table:
    """What is in a table and what a person should know of it. Raises TableError where no model can be
    trained from it."""
    return read(frame, mapping).table


def read(frame: pd.DataFrame, mapping: Mapping) -> Data:
    """The table as arrays. Raises TableError with the place and what would be right."""
    columns.require(frame, _named(mapping), "mapping")
    given = len(frame)
    frame, y, rows, findings = answered(frame, mapping)
    groups = columns.numbered(frame, mapping.apart)
    enough(y, groups)
    features, roles, odd = _features(frame, mapping)
    findings += odd
    duration = None
    if mapping.duration is not None:
        duration, odd = durations(frame, mapping.duration, y, groups)
        findings += odd
    time = _dates(frame, mapping)
    drop, odd = checks.useless(features, mapping)
    findings += odd
    features = {name: values for name, values in features.items() if name not in drop}
    away, odd = checks.answers(features, y, mapping)
    findings += odd
    # What tells the answer tells the time as well: it knows who left.
    churn = tuple(name for name in features if name not in away)
    later, odd = checks.durations(features, y, duration, mapping)
    findings += odd
    timed = tuple(name for name in churn if name not in later and name != mapping.duration)
    if not churn:
        raise TableError("no feature is left to learn from: " + "; ".join(found.words for found in findings))
    groups, odd = _groups(groups, mapping, {name: features[name] for name in churn})
    findings += odd
    table = Table(
        rows=len(y),
        left_out=given - len(y),
        churned=int(y.sum()),
        columns=_columns(frame, roles, churn),
        features=churn,
        time_features=timed if duration is not None else (),
        findings=tuple(dict.fromkeys(findings)),
        first=day(time.min()) if time is not None else "",
        last=day(time.max()) if time is not None else "",
        digest=_digest(frame, [mapping.target, *features]),
    )
    customers = customers_of(frame, mapping)
    return Data(features, y, duration, groups, time, mapping.window_days, customers, rows, table)


def features_of(
    frame: pd.DataFrame,
    numeric: tuple[str, ...],
    categorical: tuple[str, ...],
    commas: frozenset[str] = frozenset(),
) -> tuple[Columns, list[Finding]]:
    """The features of customers to predict for; those in `commas` had decimal commas in training. Raises
    TableError naming every column that is missing."""
    columns.require(frame, [*numeric, *categorical], "to predict")
    found: Columns = {}
    findings: list[Finding] = []
    for name in numeric:
        found[name], odd = columns.numbers(frame[name], name in commas)
        findings += odd
    for name in categorical:
        found[name] = columns.texts(frame[name])
    return found, findings


def customers_of(frame: pd.DataFrame, mapping: Mapping) -> tuple[str, ...]:
    """The customer of each row as text; the row's position from 1 without a customer column."""
    if mapping.customer is None or mapping.customer not in frame.columns:
        return tuple(str(place) for place in range(1, len(frame) + 1))
    return tuple(columns.text_of(value) for value in frame[mapping.customer].tolist())


def _named(mapping: Mapping) -> list[str]:
    single = (
        mapping.target,
        mapping.customer,
        mapping.group,
        mapping.time,
        mapping.measured,
        mapping.window_start,
        mapping.duration,
    )
    several = (*mapping.features, *mapping.drop, *mapping.keep, *mapping.numeric, *mapping.categorical)
    return list(dict.fromkeys(name for name in (*single, *several) if name is not None))


def _features(frame: pd.DataFrame, mapping: Mapping) -> tuple[Columns, dict[str, Role], list[Finding]]:
    roles = {
        mapping.target: Role.TARGET,
        mapping.customer: Role.CUSTOMER,
        mapping.group: Role.GROUP,
        mapping.time: Role.TIME,
        mapping.measured: Role.TIME,
        mapping.window_start: Role.TIME,
    }
    taken = {name: role for name, role in roles.items() if name is not None}
    named = mapping.features or tuple(str(name) for name in frame.columns)
    clash = [name for name in mapping.features if name in taken]
    if clash:
        raise TableError(
            f"column {', '.join(clash)}: is named as a feature and as {taken[clash[0]].value}; choose one"
        )
    found: Columns = {}
    findings: list[Finding] = []
    for name in named:
        if name in taken or name in mapping.drop:
            continue
        series = frame[name]
        if name not in mapping.categorical and name not in mapping.numeric and columns.is_date(series):
            words = f"{name}: dates are no features; give the days since then as a number"
            findings.append(Finding(Trouble.DATES, Severity.DROP, (name,), words))
        elif name in mapping.numeric or (name not in mapping.categorical and columns.is_numeric(series)):
            found[name], odd = columns.numbers(series)
            findings += odd
            taken[name] = Role.NUMERIC
        else:
            found[name] = columns.texts(series)
            taken[name] = Role.CATEGORICAL
    if mapping.duration is not None:
        taken[mapping.duration] = Role.DURATION
    return found, taken, findings


def _dates(frame: pd.DataFrame, mapping: Mapping) -> NDArray[np.datetime64] | None:
    if mapping.measured is not None and mapping.window_start is not None:
        checks.not_after(
            columns.as_dates(frame[mapping.measured]), columns.as_dates(frame[mapping.window_start]), mapping
        )
    if mapping.time is None:
        return None
    time = columns.as_dates(frame[mapping.time])
    empty = int(np.isnat(time).sum())
    if empty:
        raise TableError(f"column {mapping.time}: {empty} rows have no date; every row needs one")
    return time


def _groups(
    groups: NDArray[np.int64], mapping: Mapping, features: Columns
) -> tuple[NDArray[np.int64], list[Finding]]:
    findings = []
    name, rows = mapping.apart, len(groups) - len(np.unique(groups))
    if name is not None and rows:
        words = (
            f"{name}: {len(groups):,} rows of {len(groups) - rows:,} customers; "
            "all rows of one stay on one side of a split"
        )
        findings.append(Finding(Trouble.GROUPS, Severity.NOTE, (name,), words, (("rows", float(rows)),)))
    copies = near_copies(features)
    if copies is not None:
        groups, odd = checks.copies(groups, copies, _GROUPED_FROM)
        findings += odd
    return groups, findings


def _columns(frame: pd.DataFrame, roles: dict[str, Role], features: tuple[str, ...]) -> tuple[Column, ...]:
    found = []
    for name in (str(name) for name in frame.columns):
        role = roles.get(name, Role.NONE)
        if role in {Role.NUMERIC, Role.CATEGORICAL} and name not in features:
            role = Role.NONE
        text = columns.texts(frame[name])
        missing = int((text == columns.MISSING).sum())
        found.append(Column(name, role, missing, len(set(text.tolist()) - {columns.MISSING})))
    return tuple(found)


def day(moment: np.datetime64) -> str:
    return str(moment.astype("datetime64[D]"))


def _digest(frame: pd.DataFrame, names: list[str]) -> str:
    found = hashlib.sha256()
    for name in names:
        found.update(name.encode() + b"\x1f")
        found.update("\x1e".join(columns.texts(frame[name]).tolist()).encode())
    return found.hexdigest()
