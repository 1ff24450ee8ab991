"""Scores of a batch of customers, computed and put into words before any lock is taken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import numpy as np

from keepwell.db.repositories.scores_read import Latest
from scoring.arrays import FloatArray
from scoring.levels import LEVELS
from scoring.scorecard import Scorecard
from scoring.summary import Summary, summarise

FACTORS_KEPT = 3
_FACTOR = '{"metric": "%s", "lost": %r, "points": %r}'
Plain = dict[str, Any]
Verdict = Literal["scored", "insufficient", "rejected"]
LEVEL_NAMES: tuple[str | None, ...] = (*(level.value for level in LEVELS), None)
"""The name at a severity, and none at -1."""


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
    """The scores of n customers, in the database's order of their ids, not written yet.

    `latest` are the values it was made of, in the order of the scorecard's metrics. `columns` is what `score`
    says of each that does not depend on where the customer stands, by SCORED.
    """

    call: Call
    latest: Latest
    scores: Summary
    verdicts: list[Verdict]
    columns: tuple[Sequence[Any], ...]

    @property
    def customers(self) -> tuple[str, ...]:
        """Their ids."""
        return self.latest.customers


SCORED = ("score", "coverage", "insufficient", "unusable", "raw_level", "categories", "factors")


def batch_of(call: Call, latest: Latest) -> Batch:
    """Score what was read; the level held is still open, as it depends on where the customer stands."""
    scores = summarise(call.card, latest.values, latest.ages, top=FACTORS_KEPT)
    insufficient = scores.insufficient.tolist()
    columns = (
        [
            None if little else score
            for score, little in zip(scores.score.tolist(), insufficient, strict=True)
        ],
        scores.coverage.tolist(),
        insufficient,
        scores.rejected.tolist(),
        [LEVEL_NAMES[severity] for severity in scores.level.tolist()],
        _categories(call.card, scores.category_scores),
        _factors(call.card, scores),
    )
    return Batch(call, latest, scores, _verdicts(call.card, latest, scores), columns)


def _verdicts(card: Scorecard, latest: Latest, scores: Summary) -> list[Verdict]:
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


def _categories(card: Scorecard, points: FloatArray) -> list[str]:
    """Each customer's points by category as JSON; a category of which nothing is known is left out.

    The text is put together here: names need no escaping, and a serialiser takes ten times as long.
    """
    entries = [f'"{name}": %r' for name in card.category_names]
    rounded = np.round(points, 2)
    known = np.all(np.isfinite(rounded), axis=1).tolist()
    whole = "{" + ", ".join(entries) + "}"
    return [
        whole % tuple(row) if complete else _object(entries, row)
        for complete, row in zip(known, rounded.tolist(), strict=True)
    ]


def _object(entries: Sequence[str], row: Sequence[float]) -> str:
    filled = (entry % value for entry, value in zip(entries, row, strict=True) if not math.isnan(value))
    return "{" + ", ".join(filled) + "}"


def _factors(card: Scorecard, scores: Summary) -> list[str]:
    """What costs each customer most, the costliest first, and what counts by default, as JSON.

    A list keeps the order; PostgreSQL sorts an object's keys.
    """
    names, top = card.metric_names, scores.top
    lost, points = np.round(scores.top_lost, 2), np.round(scores.top_points, 2)
    # A column of -1, no metric, reads some name, which is left out below.
    titles = np.array(names, dtype=np.object_)[top]
    columns = [one[:, rank].tolist() for rank in range(top.shape[1]) for one in (titles, lost, points)]
    # The costliest come first: of who has fewer, a shorter text takes the beginning of the row.
    forms = ['{"top": [' + ", ".join([_FACTOR] * kept) + "]}" for kept in range(top.shape[1] + 1)]
    texts = [
        forms[kept] % row[: 3 * kept]
        for kept, row in zip((top >= 0).sum(axis=1).tolist(), zip(*columns, strict=True), strict=True)
    ]
    for row in np.flatnonzero(scores.defaulted.any(axis=1)).tolist():
        flagged = ", ".join(f'"{names[column]}"' for column in np.flatnonzero(scores.defaulted[row]).tolist())
        texts[row] = f'{texts[row][:-1]}, "defaults": [{flagged}]}}'
    return texts
