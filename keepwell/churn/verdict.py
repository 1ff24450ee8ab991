"""Whether a trained model comes into use: its figures beside those of the one in use, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keepwell.churn.saved import OWN, completed, open_model
from keepwell.db.repositories import churn_models
from keepwell.db.tables import ChurnModel
from keepwell.errors import RefusedError
from scoring.churn.results import Comparison, Figures

if TYPE_CHECKING:
    from scoring.churn.held_out import HeldOut
    from scoring.churn.model import ChurnModel as Model


@dataclass(frozen=True, slots=True)
class Verdict:
    """`better` is None where nobody could say."""

    better: bool | None
    why: str
    figures: Figures
    comparison: Comparison | None
    other: str


def judge(row: ChurnModel | None, model: Model, parts: HeldOut) -> Verdict:
    """Whether a model is better than the one in use, which is `row`."""
    from scoring.churn.compare import compare, measure  # noqa: PLC0415

    held = parts.judged
    alone = measure(model, held)
    if alone.log_loss >= alone.baseline_log_loss:
        why = (
            f"On {_rows(alone)} its log loss is {alone.log_loss:.4f}; telling everybody the share of those "
            f"who left gets {alone.baseline_log_loss:.4f}. It knows nothing yet."
        )
        return Verdict(False, why, alone, None, "")
    if row is None:
        why = (
            f"The first one. On {_rows(alone)}: ROC AUC {alone.roc_auc:.3f}, log loss {alone.log_loss:.4f} "
            f"against {alone.baseline_log_loss:.4f} without a model."
        )
        return Verdict(True, why, alone, None, "")
    other = churn_models.label(row)
    if list(parts.by) != row.card["held_out_by"]:
        return _not_compared(
            alone, other, "another column names the customers, so it may know the rows that are held out now"
        )
    try:
        found = compare(model, open_model(row), completed(held, row) if row.name == OWN else held)
    except (RefusedError, ValueError) as error:
        return _not_compared(alone, other, str(error).splitlines()[0].rstrip("."))
    return Verdict(found.better, _compared(found, other), found.new, found, other)


def _not_compared(alone: Figures, other: str, obstacle: str) -> Verdict:
    why = (
        f"On {_rows(alone)} its log loss is {alone.log_loss:.4f} against {alone.baseline_log_loss:.4f} "
        f"without a model. It cannot be compared with {other}: {obstacle}. A person has to decide."
    )
    return Verdict(None, why, alone, None, other)


def _compared(found: Comparison, other: str) -> str:
    """The verdict with both models' figures, and on whom they were measured."""
    new, old = found.new, found.old
    if found.gain == 0:
        return f"Not better than {other}: both have the same log loss, {new.log_loss:.4f}, on {_rows(new)}."
    verdict = "Better than" if found.better else "Not better than"
    sure = "clearly" if found.low > 0 or found.high < 0 else "within chance"
    return (
        f"{verdict} {other}: log loss {new.log_loss:.4f} against {old.log_loss:.4f} (lower is better; "
        f"{sure}: 90 % interval of what it saves {found.low:+.4f} to {found.high:+.4f}), ROC AUC "
        f"{new.roc_auc:.3f} against {old.roc_auc:.3f}, both on the same {_rows(new)}."
    )


def _rows(figures: Figures) -> str:
    return f"{figures.rows:,} rows held out (of a fifth of the customers, of whom no training learns)"


def obstacle(current: ChurnModel | None, verdict: Verdict) -> str:
    """Why a model does not come into use although nothing speaks against its figures; "" where it does."""
    label = churn_models.label(current) if current else ""
    if label != verdict.other:
        return f"While it was trained, {label or 'none'} came into use; it was not compared with that."
    if current is not None and current.pinned:
        return (
            f"It waits: {current.promoted_by} went back to {label} on {current.promoted_at:%Y-%m-%d} "
            f"({current.why}), and that holds until a person says otherwise."
        )
    return ""


def advice(row: ChurnModel, current: ChurnModel | None) -> str:
    """What a person can do about a trained model; "" for one in use. `current` is the one that is."""
    if row.state == churn_models.IN_USE:
        return ""
    stays = f"{churn_models.label(current)} stays in use" if current else "None is in use"
    label = churn_models.label(row)
    return f"{stays}. To take {label} into use anyway: keepwell churn models promote {label} --why …"
