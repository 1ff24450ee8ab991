"""Whether a trained time to churn may come into use: on its own figures, not on those of the probability."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keepwell.churn.saved import OWN, completed, open_model, open_time_model
from keepwell.churn.verdict import Verdict
from keepwell.db.repositories import churn_models
from keepwell.db.tables import ChurnModel
from keepwell.errors import RefusedError
from scoring.churn.results import TimeComparison, TimeFigures

if TYPE_CHECKING:
    from pandas import DataFrame

    from scoring.churn.model import ChurnModel as Model


@dataclass(frozen=True, slots=True)
class Timed:
    """A model of the time to churn, and the rows to judge it by."""

    model: Model
    judged: DataFrame


@dataclass(frozen=True, slots=True)
class TimeVerdict:
    """`better` is None where nobody could say, and True for one that is as good as the other one."""

    better: bool | None
    why: str
    figures: TimeFigures | None = None
    comparison: TimeComparison | None = None


def judge_time(row: ChurnModel | None, timed: Timed | None) -> TimeVerdict:
    """Whether a time to churn is as good as that of the model in use, `row`, and better than none."""
    from scoring.churn.compare_time import compare_time, measure_time  # noqa: PLC0415  (loads scikit-learn)

    label = churn_models.label(row) if row else ""
    try:
        old = _time_of(row)
        if timed is None:
            return TimeVerdict(None, f"It tells no time to churn, and {label} does.") if old else _NO_TIME
        alone = measure_time(timed.model, timed.judged)
        if not alone.brier < alone.baseline_brier:
            why = f"Its time to churn knows nothing yet: {_figures(alone)}."
            return TimeVerdict(False, why, alone)
        if row is None or old is None:
            return TimeVerdict(True, f"Time to churn: {_figures(alone)}.", alone)
        judged = completed(timed.judged, row) if row.name == OWN else timed.judged
        found = compare_time(timed.model, old, judged)
    except (RefusedError, ValueError) as error:
        return TimeVerdict(None, f"Its time to churn cannot be judged: {str(error).splitlines()[0]}.")
    worse = "worse than" if found.worse else "as good as" if found.gain == 0 else "better than"
    return TimeVerdict(
        not found.worse, f"Its time to churn is {worse} that of {label}: {found.words}.", found.new, found
    )


def together(verdict: Verdict, time: TimeVerdict, *, told_before: bool) -> Verdict:
    """The verdict on probability and time as a pair: it comes into use only if neither is worse.

    Where the model in use tells no time, nothing is lost without one: then the probability is judged alone.
    """
    better = verdict.better
    if told_before and better is not False:
        better = False if time.better is False else None if time.better is None else better
    return replace(verdict, better=better, why=f"{verdict.why} {time.why}".strip())


def tells_time(row: ChurnModel | None) -> bool:
    """Whether a stored model has a time to churn, of its own rows or of the probability's."""
    return row is not None and bool((row.card["time_model"] or row.card["model"])["time_choice"])


def _time_of(row: ChurnModel | None) -> Model | None:
    """The model that tells a stored model's time to churn."""
    if row is None or not tells_time(row):
        return None
    return open_time_model(row) or open_model(row)


def _figures(alone: TimeFigures) -> str:
    return (
        f"integrated Brier score {alone.brier:.4f} against {alone.baseline_brier:.4f} for telling everybody "
        f"the same, C-index {alone.c_index:.3f}, on {alone.rows:,} customers held out"
    )


_NO_TIME = TimeVerdict(True, "")
