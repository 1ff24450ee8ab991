"""What was read from a table, and what a person should know of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a column is used for. NONE: not used."""

    TARGET = "target"
    DURATION = "duration"
    CUSTOMER = "customer"
    GROUP = "group"
    TIME = "time"
    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    NONE = "none"


class Severity(StrEnum):
    """NOTE: was handled, may be of interest. WARN: figures may mislead. DROP: the column was left out
    (unless the mapping keeps it). REFUSE: no model is trained; raised as an error as well."""

    NOTE = "note"
    WARN = "warn"
    DROP = "drop"
    REFUSE = "refuse"


class Trouble(StrEnum):
    """The kinds of findings."""

    IDENTIFIER = "identifier"
    CONSTANT = "constant"
    EMPTY = "empty"
    BLANKS = "blanks"
    DECIMAL_COMMA = "decimal commas"
    ANSWER = "gives the answer away"
    TIME_TIMES = "contains the duration"
    COPIES = "near-copies"
    UNSEEN = "unseen categories"
    MISSING_VALUES = "missing values"
    NOT_FINITE = "not finite"
    MANY_CATEGORIES = "many categories"
    ZERO_DURATION = "duration of 0"
    NO_TARGET = "no target"
    FEW = "few rows"
    DATES = "dates"
    GROUPS = "several rows a customer"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a table that a person should know. `columns` empty: the whole table. `model` is
    "churn", "time" (to churn) or "" for both; `figures` are the numbers behind the words, by name."""

    trouble: Trouble
    severity: Severity
    columns: tuple[str, ...]
    words: str
    figures: tuple[tuple[str, float], ...] = ()
    model: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its role, how many values are missing (blank strings included) and how many differ."""

    name: str
    role: Role
    missing: int
    distinct: int


@dataclass(frozen=True, slots=True)
class Table:
    """What was read from a table. `rows` counts those with a target; `left_out` those without one.
    `features` are used for the probability, `time_features` for the time to churn (empty: no duration).
    `first`, `last`: ISO dates of the time column, "" without one. `digest`: SHA-256 of the data used.
    """

    rows: int
    left_out: int
    churned: int
    columns: tuple[Column, ...]
    features: tuple[str, ...]
    time_features: tuple[str, ...]
    findings: tuple[Finding, ...]
    first: str
    last: str
    digest: str

    @property
    def share(self) -> float:
        """The share of customers who left."""
        return self.churned / self.rows
