"""Writes a batch of scores: score rows, where each customer stands now, and level transitions.

The rules, for each customer under lock:

- The level held is what the flapping guard says; the first level is a baseline and no transition.
- So is the first level by another scorecard than the last known score's: nobody has changed, they are only
  judged otherwise. It starts nothing. Who is well by the new one, was not by the old one, and has a playbook
  or a campaign open, gets a transition all the same: what runs has to hear that it is over, or may go on.
- A score as of an earlier moment than the customer's last one (a late run of an older day) is kept in
  the history with its raw level, but without a held level: it changes neither where the customer
  stands nor makes a transition. A news of yesterday must not undo what is known today.
- Too little data: a row without a score. Where the customer stands keeps the last score and level and
  takes the new coverage and day, and there is no transition.
- `previous_raw_level` is the raw level of the last day before the current one that had a score; days
  with too little data are passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import compress, repeat
from typing import Any

import numpy as np
from sqlalchemy import select, update
from sqlmodel import Session

from keepwell.contracts.intervention import RECOVERED
from keepwell.db.repositories.alerts_score import write_score_alerts
from keepwell.db.repositories.bulk import put_in, stored_day, stored_moment, upsert_in
from keepwell.db.repositories.live import About, tell
from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.portfolio_write import changes_of, write_standing
from keepwell.db.repositories.scores_batch import LEVEL_NAMES, SCORED, Batch, Call, Verdict
from keepwell.db.repositories.scores_recent import DAYS, packed_days, recent_days
from keepwell.db.repositories.scores_standing import Standing, by_same_card, locked, scored_already
from keepwell.keys import new_ids
from scoring.arrays import FloatArray, LevelArray
from scoring.guard import hold_levels
from scoring.levels import LEVELS, UNKNOWN
from scoring.trend import DIRECTIONS, UNKNOWN_DIRECTION, Trend, trend_of

BY = "scoring"
AT_ONCE = 1_000
Row = tuple[Any, ...]
_SEVERITY: dict[str | None, int] = {None: UNKNOWN, **{level.value: level.severity for level in LEVELS}}
_SCORE = (
    *("id", "organisation_id", "customer_id", "run_id", "scorecard", "scored_at", "day"),
    *SCORED,
    *("level", "baseline", "trend_slope", "trend_direction"),
)
_TRANSITION = (
    *("id", "organisation_id", "customer_id", "sequence", "kind", "previous", "level", "score", "score_id"),
    *("run_id", "at", "by", "code", "reason"),
)
_DIRECTIONS = (*(direction.value for direction in DIRECTIONS), None)
"""The name of a direction, and none at -1."""


@dataclass(slots=True)
class Written:
    """What a batch came to. Each of the customers written is in one of the counts.

    `newest` are those whose newest score this is, `firsts` those of them who had no level before.
    """

    counts: Counter[Verdict] = field(default_factory=Counter)
    customers: set[str] = field(default_factory=set)
    newest: list[str] = field(default_factory=list)
    firsts: set[str] = field(default_factory=set)
    transitions: int = 0


@dataclass(frozen=True, slots=True)
class _Columns:
    """What follows for each customer of a batch, column by column: a row a customer costs five times as much.

    late: the last score is a later one. fresh: the level held until now is by another scorecard. moved: the
    change of level is a transition. was, level: held until now, and from now on. stand: the customers' rows
    of `health`, those of the late ones as if they were not.
    """

    ids: list[str]
    late: list[bool]
    fresh: list[bool]
    moved: list[bool]
    was: list[str | None]
    level: list[str | None]
    stand: list[Standing]
    slope: list[float | None]
    direction: list[str | None]
    changes: list[list[float | None]]


def write_batch(session: Session, batch: Batch) -> Written:
    """Write a batch in the caller's transaction; customers that this run has scored already are left out."""
    written = Written()
    if not batch.customers:
        return written
    standing = locked(session, batch)
    done = scored_already(session, batch)
    at, day = stored_moment(session, batch.call.as_of), stored_day(session, batch.call.day)
    same = by_same_card(session, batch, standing)
    columns = _columns(session, batch, standing, same, at, day)
    open_ones = [customer not in done for customer in batch.customers]
    newest = [new and not late for new, late in zip(open_ones, columns.late, strict=True)]
    put_in(session, "score", _SCORE, list(compress(_score_rows(batch, columns, at, day), open_ones)))
    stand = list(compress(columns.stand, newest))
    upsert_in(session, "health", Standing._fields, stand, keys=("customer_id",))
    shown = (batch.scores.insufficient.tolist(), columns.direction, *columns.changes)
    listed = [
        (batch.call.organisation, row.customer_id, row.score, row.level, row.since, at, *rest)
        for row, rest in zip(columns.stand, zip(*shown, strict=True), strict=True)
    ]
    write_standing(session, list(compress(listed, newest)))
    changed = [
        (row, was)
        for row, was, moved in zip(
            stand, compress(columns.was, newest), compress(columns.moved, newest), strict=True
        )
        if was is not None and moved
    ]
    put_in(session, "transition", _TRANSITION, _transitions(batch.call, changed, at))
    late = [new and late for new, late in zip(open_ones, columns.late, strict=True)]
    _forget_days(session, list(compress(batch.customers, late)))
    written.customers.update(compress(batch.customers, open_ones))
    written.newest.extend(compress(batch.customers, newest))
    without = (new and was is None for new, was in zip(newest, columns.was, strict=True))
    written.firsts.update(compress(batch.customers, without))
    written.counts.update(compress(batch.verdicts, open_ones))
    written.transitions = len(changed)
    write_score_alerts(session, batch, standing, same, written.newest)
    tell(session, batch.call.organisation, About.SCORE, list(compress(batch.customers, newest)))
    return written


def _columns(
    session: Session,
    batch: Batch,
    standing: Sequence[Standing | None],
    same: Sequence[bool],
    at: Any,
    day: Any,
) -> _Columns:
    call, ids = batch.call, new_ids(len(batch.customers))
    was = [None if before is None else before.level for before in standing]
    fresh = [
        level is not None and not alike and not little
        for level, alike, little in zip(was, same, batch.scores.insufficient.tolist(), strict=True)
    ]
    level = [LEVEL_NAMES[severity] for severity in _held(batch, standing, fresh, day).tolist()]
    told = _told(session, compress(zip(batch.customers, was, level, strict=True), fresh))
    moved = [
        before is not None and before != now and (not anew or customer in told)
        for customer, before, now, anew in zip(batch.customers, was, level, fresh, strict=True)
    ]
    days = _days(session, batch, standing)
    trend = trend_of(days, range(DAYS), call.card.trend_threshold)
    return _Columns(
        ids=ids,
        late=[before is not None and before.scored_at > at for before in standing],
        fresh=fresh,
        moved=moved,
        was=was,
        level=level,
        stand=[
            _stand(call, before, row, how, at, day)
            for before, how, row in zip(
                standing,
                zip(same, fresh, moved, strict=True),
                zip(
                    batch.customers,
                    ids,
                    level,
                    packed_days(call.fingerprint, days),
                    *batch.columns,
                    strict=True,
                ),
                strict=True,
            )
        ],
        slope=_slopes(trend),
        direction=[_DIRECTIONS[code] for code in trend.direction.tolist()],
        changes=changes_of(days),
    )


def _slopes(trend: Trend) -> list[float | None]:
    return [
        None if code == UNKNOWN_DIRECTION else slope
        for slope, code in zip(trend.slope.tolist(), trend.direction.tolist(), strict=True)
    ]


def _score_rows(batch: Batch, columns: _Columns, at: Any, day: Any) -> Iterable[Row]:
    call = batch.call
    # A late score has no held level, and no trend: that of its own days is nobody's present.
    level, slope, direction = (
        [None if late else value for late, value in zip(columns.late, values, strict=True)]
        for values in (columns.level, columns.slope, columns.direction)
    )
    baseline = [
        (was is None or anew) and now is not None
        for was, anew, now in zip(columns.was, columns.fresh, level, strict=True)
    ]
    fixed = (repeat(one) for one in (call.run, call.fingerprint, at, day))
    held = (level, baseline, slope, direction)
    own, organisation = columns.ids, repeat(call.organisation)
    return zip(own, organisation, batch.customers, *fixed, *batch.columns, *held, strict=False)


def _told(session: Session, judged: Iterable[tuple[str, str | None, str | None]]) -> set[str]:
    """Of customers whose first score by another scorecard this is, those who are well by it and were not by
    the one before, and have something open that has to hear of it.

    judged: customer, level until now, level from now on.
    """
    well = {level.value for level in RECOVERED}
    wanted = [customer for customer, was, now in judged if now in well and was not in well]
    intervention, transition, found = table("intervention").c, table("transition").c, set[str]()
    for start in range(0, len(wanted), AT_ONCE):
        block = wanted[start : start + AT_ONCE]
        running = select(intervention.customer_id).where(
            intervention.customer_id.in_(block), intervention.outcome.is_(None)
        )
        waiting = select(transition.customer_id).where(
            transition.customer_id.in_(block), transition.decision.is_(None)
        )
        found.update(session.connection().execute(running.union(waiting)).scalars())
    return found


def _held(batch: Batch, standing: Sequence[Standing | None], fresh: Sequence[bool], day: Any) -> LevelArray:
    """The level held per customer, as a severity; of the fresh ones nothing is held."""
    known = [None if anew else before for before, anew in zip(standing, fresh, strict=True)]
    held = [_SEVERITY[before.level if before is not None else None] for before in known]
    previous = [_SEVERITY[before.raw_before(day) if before is not None else None] for before in known]
    scores = batch.scores
    return hold_levels(
        batch.call.card,
        scores.score,
        scores.level,
        np.array(held, dtype=np.int8),
        np.array(previous, dtype=np.int8),
    )


def _days(session: Session, batch: Batch, standing: Sequence[Standing | None]) -> FloatArray:
    """(n, 30) each customer's scores of the days up to this one."""
    call = batch.call
    packed = [None if before is None else (before.on, before.recent) for before in standing]
    days = recent_days(session, call.fingerprint, call.day, batch.customers, packed)
    days[:, -1] = np.where(batch.scores.insufficient, days[:, -1], batch.scores.score)
    return days


def _stand(
    call: Call, before: Standing | None, new: Row, how: tuple[bool, bool, bool], at: Any, day: Any
) -> Standing:
    """Where a customer stands after its score, which is `new`: the columns put together in `_columns`.

    how: whether the score before is by the same scorecard, and `fresh` and `moved` of the columns.
    """
    same, fresh, moved = how
    customer, score_id, level, recent, score, coverage, insufficient, _, raw, _, _ = new
    since, sequence, previous = at if level is not None else None, 0, None
    if before is not None:
        previous, sequence = None if fresh else before.raw_before(day), before.sequence + moved
        if level == before.level:
            since = before.since
        if insufficient:
            score = before.score
            raw = None if day > before.day else before.raw_level
            # The packed days are by the scorecard of the last known score.
            recent = recent if same else None
    where = (customer, call.organisation, score_id, score, coverage, level, raw, previous)
    return Standing(*where, day, at, since, sequence, recent)


def _transitions(call: Call, changed: Sequence[tuple[Standing, str]], at: Any) -> list[Row]:
    return [
        (
            *(own, call.organisation, row.customer_id, row.sequence, "change", was, row.level, row.score),
            *(row.score_id, call.run, at, BY, "", ""),
        )
        for own, (row, was) in zip(new_ids(len(changed)), changed, strict=True)
    ]


def _forget_days(session: Session, customers: Sequence[str]) -> None:
    """The packed days of these customers lack one now; the next score reads them from the history."""
    health = table("health")
    for start in range(0, len(customers), AT_ONCE):
        late = health.c.customer_id.in_(customers[start : start + AT_ONCE])
        session.connection().execute(update(health).where(late).values(recent=None))
