"""The past of `bench.portfolio_store`: everybody's score on each day, and what is shown of the last one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection, text
from sqlmodel import Session

from bench.portfolio_rows import level_names, score_columns
from keepwell.db.repositories.bulk import put_in, stored_day, stored_moment
from keepwell.db.repositories.portfolio_write import KEYS, STANDING, changes_of, write_standing
from keepwell.db.repositories.scores_recent import DAYS, packed_days
from keepwell.db.tables import ScoreRun
from keepwell.keys import new_ids
from scoring.arrays import FloatArray

BLOCK = 20_000
CSMS = 200


@dataclass(frozen=True, slots=True)
class Made:
    """What was made: the organisation's id, its customers in the order of their ids, its CSMs, the moment.

    A customer's score on a day follows from `base` (its score on the last one) and `drift` (points a day).
    """

    organisation: str
    now: datetime
    customers: tuple[str, ...]
    staff: tuple[str, ...] = field(default_factory=lambda: tuple(sorted(new_ids(CSMS))))
    base: FloatArray = field(default_factory=lambda: np.zeros(0))
    drift: FloatArray = field(default_factory=lambda: np.zeros(0))

    def scores(self, back: int) -> FloatArray:
        """Everybody's score so many days before the last."""
        scores: FloatArray = np.clip(self.base - self.drift * back, 0.0, 100.0)
        return scores.round(2)


def numbers(connection: Connection, made: Made) -> None:
    """A table of what a customer's score on a day follows from, for the statements of the past."""
    connection.execute(
        text("CREATE TABLE bench_number (id VARCHAR(40) PRIMARY KEY, n INTEGER, base FLOAT, drift FLOAT)")
    )
    rows = [
        {"id": one, "n": n, "base": base, "drift": drift}
        for n, (one, base, drift) in enumerate(
            zip(made.customers, made.base.tolist(), made.drift.tolist(), strict=True)
        )
    ]
    for start in range(0, len(rows), BLOCK):
        connection.execute(
            text("INSERT INTO bench_number (id, n, base, drift) VALUES (:id, :n, :base, :drift)"),
            rows[start : start + BLOCK],
        )


_LEVEL = (
    "CASE WHEN {s} >= 80 THEN 'THRIVING' WHEN {s} >= 60 THEN 'HEALTHY' WHEN {s} >= 40 THEN 'AT_RISK' "
    "WHEN {s} >= 20 THEN 'HIGH_RISK' ELSE 'CRITICAL' END"
)


def earlier_day(session: Session, made: Made, fingerprint: str, back: int) -> None:
    """Everybody's score so many days ago, and the figures of that day."""
    connection, at = session.connection(), made.now - timedelta(days=back)
    run = _run(session, made, fingerprint, at)
    lite = connection.dialect.name == "sqlite"
    least, most = ("max", "min") if lite else ("greatest", "least")
    score = f"{most}(100.0, {least}(0.0, base - drift * {back}))"
    number, empty = ("printf('%08d', n)", "'{}'") if lite else ("lpad(n::text, 8, '0')", "'{}'::jsonb")
    given = {"run": run, "prefix": run[:18], "organisation": made.organisation, "card": fingerprint}
    given |= {"at": stored_moment(session, at), "day": stored_day(session, at.date())}
    connection.execute(
        text(
            "INSERT INTO score (id, organisation_id, customer_id, run_id, scorecard, scored_at, day, score, "
            "coverage, insufficient, unusable, raw_level, level, baseline, categories, factors, trend_slope, "
            "trend_direction) "
            f"SELECT :prefix || {number}, :organisation, id, :run, :card, :at, :day, {score}, 1.0, "
            f"{0 if lite else 'false'}, 0, {_LEVEL.format(s=score)}, {_LEVEL.format(s=score)}, "
            f"{0 if lite else 'false'}, {empty}, {empty}, drift * 30, 'stable' FROM bench_number ORDER BY id"
        ),
        given,
    )
    _figures(session, run, with_revenue=back <= 60)


def _figures(session: Session, run: str, *, with_revenue: bool) -> None:
    revenue = "coalesce(sum(c.monthly_revenue), 0)" if with_revenue else "NULL"
    session.connection().execute(
        text(
            "INSERT INTO portfolio_day (organisation_id, day, segment, currency, level, customers, scored, "
            "score_sum, revenue) SELECT s.organisation_id, s.day, c.segment, c.currency, s.level, count(*), "
            "count(s.score), sum(s.score), "
            f"{revenue} FROM score s JOIN customer c ON c.id = s.customer_id WHERE s.run_id = :run "
            "GROUP BY s.organisation_id, s.day, c.segment, c.currency, s.level"
        ),
        {"run": run},
    )


def _run(session: Session, made: Made, fingerprint: str, at: datetime) -> str:
    row = ScoreRun(
        organisation_id=made.organisation,
        key=f"{at:%Y-%m-%d}-bench",
        scorecard=fingerprint,
        as_of=at,
        day=at.date(),
        started_at=at,
        finished_at=at,
    )
    session.add(row)
    session.flush()
    return row.id


_SCORE = (
    *("id", "organisation_id", "customer_id", "run_id", "scorecard", "scored_at", "day", "score", "coverage"),
    *("insufficient", "unusable", "raw_level", "level", "baseline", "categories", "factors", "trend_slope"),
    "trend_direction",
)
_HEALTH = (
    *("customer_id", "organisation_id", "score_id", "score", "coverage", "level", "raw_level"),
    *("previous_raw_level", "day", "scored_at", "since", "sequence", "recent"),
)

_SHOWN = (
    *("organisation_id", "customer_id", "score", "level", "since", "scored_at", "insufficient", "trend"),
    *("change_7", "change_30"),
)


def today(session: Session, made: Made, fingerprint: str, random: np.random.Generator) -> None:
    """The last scores, with all that is shown of them; one customer in 50 was never scored."""
    if _SHOWN != KEYS + STANDING:
        raise SystemExit("What the portfolio shows of a score has changed: so must this benchmark.")
    run, at = _run(session, made, fingerprint, made.now), stored_moment(session, made.now)
    last = _Last.made(session, made, random)
    day, house, texts = (
        stored_day(session, made.now.date()),
        made.organisation,
        score_columns(random, len(last.ids)),
    )
    rows = zip(
        *(last.ids, made.customers, last.scores, last.levels, texts, (made.drift * 30).tolist(), last.trends),
        strict=True,
    )
    put_in(
        session,
        "score",
        _SCORE,
        [
            (
                *(key, house, one, run, fingerprint, at, day, score, 1.0, False, 0, level, level, False),
                *(*words, drift, trend),
            )
            for key, one, score, level, words, drift, trend in rows
        ],
    )
    days = np.stack([made.scores(back) for back in range(DAYS - 1, -1, -1)], axis=1)
    recent, changes = packed_days(fingerprint, days), changes_of(days)
    scored = [n for n in range(len(last.ids)) if n % 50]
    standing = [
        (
            *(made.customers[n], house, last.ids[n], last.scores[n], 1.0, *[last.levels[n]] * 3),
            *(day, at, last.since[n], 0, recent[n]),
        )
        for n in scored
    ]
    put_in(session, "health", _HEALTH, standing)
    listed = [
        (
            *(house, made.customers[n], last.scores[n], last.levels[n], last.since[n], at, False),
            *(last.trends[n], changes[0][n], changes[1][n]),
        )
        for n in scored
    ]
    write_standing(session, listed)
    _figures(session, run, with_revenue=True)


@dataclass(frozen=True, slots=True)
class _Last:
    """Everybody's last score, column by column."""

    ids: list[str]
    scores: list[float]
    levels: list[str]
    trends: list[str]
    since: list[Any]

    @staticmethod
    def made(session: Session, made: Made, random: np.random.Generator) -> _Last:
        scores = made.scores(0)
        moments = [stored_moment(session, made.now - timedelta(days=age)) for age in range(90)]
        since = [moments[age] for age in random.integers(0, 90, len(scores)).tolist()]
        return _Last(new_ids(len(scores)), scores.tolist(), *level_names(scores, made.drift), since)
