"""Scores of a batch of customers, computed and laid out as rows before any lock is taken."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import numpy as np

from keepwell.db.repositories.scores_read import Latest
from keepwell.keys import new_id
from scoring.factors import top_factor_indices
from scoring.kernel import Scores, score_many
from scoring.levels import level_at
from scoring.scorecard import Scorecard

FACTORS_KEPT = 3
Plain = dict[str, Any]
Verdict = Literal["scored", "insufficient", "rejected"]


@dataclass(frozen=True, slots=True)
class Call:
    """What is scored: which organisation, with which scorecard (and its hash), as of when.

    `day` is the organisation's. `run` is None for a customer scored at once.
    """

    organisation: str
    card: Scorecard
    fingerprint: str
    as_of: datetime
    day: date
    run: str | None


@dataclass(frozen=True, slots=True)
class Batch:
    """The scores of n customers, not written yet: a row and a verdict for each."""

    call: Call
    customers: tuple[str, ...]
    scores: Scores
    rows: list[Plain]
    verdicts: list[Verdict]


def batch_of(call: Call, latest: Latest) -> Batch:
    """Score what was read; the level held is still open, as it depends on where the customer stands."""
    scores = score_many(call.card, latest.values, latest.ages)
    top = top_factor_indices(scores, FACTORS_KEPT).tolist()
    rows = [_row(call, customer, scores, at, top[at]) for at, customer in enumerate(latest.customers)]
    return Batch(call, latest.customers, scores, rows, _verdicts(call.card, latest, scores))


def _verdicts(card: Scorecard, latest: Latest, scores: Scores) -> list[Verdict]:
    """Rejected is who lacks a score only because values that are there cannot be used."""
    weights = np.array([metric.weight for metric in card.metrics])
    there = np.where(np.isnan(latest.values), 0.0, weights).sum(axis=1) / weights.sum()
    # Rounded like the kernel's own coverage.
    reachable = np.round(there, 9) >= card.coverage_minimum
    rejected = scores.insufficient & (scores.rejected > 0) & reachable
    return [
        "rejected" if bad else "insufficient" if little else "scored"
        for bad, little in zip(rejected.tolist(), scores.insufficient.tolist(), strict=True)
    ]


def _row(call: Call, customer: str, scores: Scores, at: int, top: list[int]) -> Plain:
    raw = level_at(int(scores.level[at]))
    insufficient = bool(scores.insufficient[at])
    categories = zip(call.card.category_names, scores.category_scores[at].tolist(), strict=True)
    return {
        "id": new_id(),
        "organisation_id": call.organisation,
        "customer_id": customer,
        "run_id": call.run,
        "scorecard": call.fingerprint,
        "scored_at": call.as_of,
        "day": call.day,
        "score": None if insufficient else float(scores.score[at]),
        "coverage": float(scores.coverage[at]),
        "insufficient": insufficient,
        "unusable": int(scores.rejected[at]),
        "raw_level": raw.value if raw else None,
        "level": None,
        "baseline": False,
        "categories": {name: round(value, 2) for name, value in categories if not math.isnan(value)},
        # A list keeps the order, the costliest first; PostgreSQL sorts an object's keys.
        "factors": {"top": [_factor(call.card, scores, at, metric) for metric in top if metric >= 0]},
    }


def _factor(card: Scorecard, scores: Scores, at: int, metric: int) -> Plain:
    return {
        "metric": card.metrics[metric].name,
        "lost": round(float(scores.lost[at, metric]), 2),
        "points": round(float(scores.points[at, metric]), 2),
    }
