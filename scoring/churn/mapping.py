"""What a user says about a table before a model is trained on it, and how the training is run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which column is what. All names are column names of the table.

    `target` says whether the customer left; the values in `churned` (compared as text, case ignored,
    1 = 1.0 = true) mean yes, every other one no. `features` empty means: every column without another
    role. `customer` names the customer, for people to read; it never is a feature. Rows that share
    `group` belong together (several rows of one customer) and stay on one side of every split; without
    it `customer` is the group. `time` (dates) is when a row's features were measured: with it, splits
    keep the order of time, and rows whose label was not known yet are left out of the training part
    (`window_days` after `time`). `measured` (dates) is the last moment any feature of the row knows of,
    `window_start` (dates) when the time begins in which leaving is looked for; a row that knows of later
    things is refused. `duration` is how many months the customer has been there so far (or until leaving):
    with it a model of the time to churn is trained beside.
    `drop` are never features. `keep` are features in spite of a finding that would leave them out.
    `numeric` and `categorical` overrule the guess of a column's kind.
    """

    target: str
    churned: tuple[str, ...] = ("yes", "1", "true", "churned")
    features: tuple[str, ...] = ()
    customer: str | None = None
    group: str | None = None
    time: str | None = None
    window_days: int = 0
    measured: str | None = None
    window_start: str | None = None
    duration: str | None = None
    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()

    @property
    def apart(self) -> str | None:
        """The column whose rows with the same value stay on one side of every split, if there is one."""
        return self.group or self.customer


@dataclass(frozen=True, slots=True)
class Settings:
    """How a model is trained and judged. The same settings, seed and rows give the same bits.

    `folds` outer folds judge, `inner` folds inside the training part choose. `refits` bootstrap refits
    make the interval of a probability at `level`. `trees` is the size of a random forest, `rounds` the
    number of trees that boosting adds up. `threshold` is the probability from which on a customer counts
    as predicted to leave. `jobs` processes work side by side (folds); the figures do not depend on it.
    `horizon` is how many months the time to churn looks at most; None: as far as the longest duration
    seen. `repeats` shuffles per feature make its importance.
    """

    seed: int = 42
    folds: int = 5
    inner: int = 5
    refits: int = 12
    trees: int = 200
    rounds: int = 250
    threshold: float = 0.5
    level: float = 0.9
    jobs: int = 1
    horizon: float | None = None
    repeats: int = 3


STANDARD = Settings()
"""The settings where none are given."""
