"""Alerts that follow from scores, written in the transaction of the scores themselves.

Looked at is whoever has a new score that counts: a late one of an earlier day, and one of too little data,
neither raise nor close anything. A first score is a baseline and raises nothing; the first of another
scorecard is one, too, since points of different scorecards cannot be compared.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import compress
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func
from sqlmodel import Session, col, select

from keepwell.contracts.alerts import LIVE_ALERTS
from keepwell.db.repositories.alert_rules import Rules, load_rules
from keepwell.db.repositories.alerts import close_alert, escalate_alert, raise_alerts
from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.scores_batch import Batch, Call
from keepwell.db.tables import Alert
from scoring import triggers
from scoring.signal import Severity, Trigger
from scoring.triggers import Finding
from scoring.units import Unit

OF_SCORES = (Trigger.CRITICAL_HEALTH, Trigger.SCORE_DROP, Trigger.USAGE_FALL, Trigger.CATEGORY_THRESHOLD)
_FALL, _THRESHOLD = Trigger.USAGE_FALL.value, Trigger.CATEGORY_THRESHOLD.value
CHUNK = 1_000
"""Ids in one statement."""

USAGE_KNOWN_DAYS = 30.0
"""A value of usage that is older says nothing of a fall."""

Live = dict[tuple[str, str, str], Alert]


@dataclass(frozen=True, slots=True)
class _New:
    """A new score, and the one before it, and whether both are by one scorecard.

    `categories` are points by name, where they are known.
    """

    customer: str
    score: float
    before: float
    before_id: str
    same: bool
    categories: Mapping[str, float]


class Before(Protocol):
    """Where a customer stood: the last score that is known, and the id of the last score's row."""

    @property
    def score(self) -> float | None: ...

    @property
    def score_id(self) -> str: ...


def write_score_alerts(
    session: Session,
    batch: Batch,
    standing: Sequence[Before | None],
    same: Sequence[bool],
    newest: Collection[str],
) -> int:
    """Raise, make graver and close alerts for those just scored; how many were raised.

    standing: where each customer of the batch stood before. same: whether that score is by the batch's
    scorecard. newest: those whose newest score was written now. The customers are locked by the caller, as
    `write_batch` does.
    """
    before = np.array([np.nan if was is None or was.score is None else was.score for was in standing])
    counts = set(newest)
    judged = np.array([customer in counts for customer in batch.customers], dtype=np.bool_)
    judged &= np.isfinite(before) & np.isfinite(batch.scores.score)
    if not judged.any():
        return 0
    rules = load_rules(session, batch.call.organisation)
    of_new = set(compress(batch.customers, judged.tolist()))
    live = {key: alert for key, alert in _live(session, batch).items() if key[0] in of_new}
    watched = {customer for customer, _, _ in live}
    worth = np.array([customer in watched for customer in batch.customers], dtype=np.bool_)
    worth |= triggers.worth_a_look(before, batch.scores.score) | _below(batch, rules)
    new = _new(batch, standing, same, np.flatnonzero(judged & worth).tolist())
    look = _Look(session, batch.call, rules, new, live, _usage(batch, rules, judged, watched))
    look.scores()
    look.categories()
    look.usage()
    look.fade()
    return look.write()


def _below(batch: Batch, rules: Rules) -> NDArray[np.bool_]:
    """Of whom a category lies below its threshold."""
    names = batch.call.card.category_names
    limits = np.array([rules.thresholds.get(name, -np.inf) for name in names])
    points = np.round(batch.scores.category_scores, 2)
    return np.asarray((points < limits).any(axis=1), dtype=np.bool_)


def _new(
    batch: Batch, standing: Sequence[Before | None], same: Sequence[bool], places: Sequence[int]
) -> dict[str, _New]:
    names, found = batch.call.card.category_names, {}
    points = np.round(batch.scores.category_scores[places], 2).tolist()
    for place, row in zip(places, points, strict=True):
        was, customer = standing[place], batch.customers[place]
        if was is not None and was.score is not None:
            known = {name: value for name, value in zip(names, row, strict=True) if math.isfinite(value)}
            score = float(batch.scores.score[place])
            found[customer] = _New(customer, score, was.score, was.score_id, same[place], known)
    return found


def _usage(
    batch: Batch, rules: Rules, judged: NDArray[np.bool_], watched: Collection[str]
) -> dict[str, float]:
    """Usage now, of those who may have a fall of it or recover from one.

    It did not fall in the days over which a fall is measured where it was not measured in them.
    """
    name = rules.usage_of(batch.call.card)
    if not name:
        return {}
    column = batch.call.card.metric_names.index(name)
    values, ages = batch.latest.values[:, column], batch.latest.ages[:, column]
    wanted = np.array([customer in watched for customer in batch.customers], dtype=np.bool_)
    wanted |= (ages < triggers.USAGE_DAYS) & rules.wants(Trigger.USAGE_FALL)
    wanted &= judged & np.isfinite(values) & (ages <= USAGE_KNOWN_DAYS)
    return {batch.customers[place]: float(values[place]) for place in np.flatnonzero(wanted).tolist()}


def _live(session: Session, batch: Batch) -> Live:
    query = select(Alert).where(
        col(Alert.organisation_id) == batch.call.organisation,
        # The range of this batch: a partition must not read the alerts of all the others.
        col(Alert.customer_id).between(batch.customers[0], batch.customers[-1]),
        col(Alert.state).in_(LIVE_ALERTS),
        col(Alert.trigger).in_([one.value for one in OF_SCORES]),
    )
    return {(row.customer_id, row.trigger, row.subject): row for row in session.exec(query).all()}


@dataclass(slots=True)
class _Look:
    """One look at those just scored: what the rules found, and what they found to be over.

    `new` are those of whom a score may say something, `now` the usage of those of whom that may.
    """

    session: Session
    call: Call
    rules: Rules
    new: Mapping[str, _New]
    live: Live
    now: Mapping[str, float]
    found: list[tuple[str, Finding]] = field(default_factory=list)
    closed: dict[str, str] = field(default_factory=dict)

    def scores(self) -> None:
        """The score itself: below 20, or far below the best of the week."""
        everybody = list(self.new.values())
        look = triggers.worth_a_look([one.before for one in everybody], [one.score for one in everybody])
        worth = [one for one, is_worth in zip(everybody, look.tolist(), strict=True) if is_worth]
        best = self._best([one.customer for one in worth])
        found = {}
        for one in worth:
            highest = max(best.get(one.customer, one.score), one.before)
            both = triggers.fell_below(one.before, one.score), triggers.dropped(highest, one.score)
            if any(both):
                found[one.customer] = both
        for customer, both in found.items():
            if self.new[customer].same:
                self._add(customer, both[0])
                self._add(customer, both[1])
        for (customer, trigger, _), alert in self.live.items():
            score = self.new[customer].score
            if trigger == Trigger.CRITICAL_HEALTH:
                self._over(alert, triggers.fell_below_over(score))
            elif trigger == Trigger.SCORE_DROP:
                self._over(alert, triggers.dropped_over(alert.evidence["before"], score))

    def _best(self, customers: Sequence[str]) -> dict[str, float]:
        """The highest score of each customer in the days over which a drop is measured."""
        score, best = table("score").c, dict[str, float]()
        since = self.call.as_of - timedelta(days=triggers.DROP_DAYS)
        for start in range(0, len(customers), CHUNK):
            query = (
                select(score.customer_id, func.max(score.score))
                .where(score.customer_id.in_(customers[start : start + CHUNK]))
                .where(score.scored_at.between(since, self.call.as_of))
                .where(score.scorecard == self.call.fingerprint)
                .group_by(score.customer_id)
            )
            rows = self.session.connection().execute(query).all()
            best.update({customer: highest for customer, highest in rows if highest is not None})
        return best

    def categories(self) -> None:
        """Categories that fell below their thresholds."""
        titles = {one.name: one.title for one in self.call.card.categories}
        limits = {name: limit for name, limit in self.rules.thresholds.items() if name in titles}
        for (customer, trigger, subject), alert in self.live.items():
            if trigger == Trigger.CATEGORY_THRESHOLD:
                limit = limits.get(subject) or float(alert.evidence["limit"])
                now = self.new[customer].categories.get(subject)
                self._over(alert, triggers.below_threshold_over(now, limit))
        for name, limit in limits.items():
            below = [
                one
                for one in self.new.values()
                if one.categories.get(name, limit) < limit
                and one.same
                and (one.customer, _THRESHOLD, name) not in self.live
            ]
            reached = self._reached([one.before_id for one in below], name, limit)
            for one in below:
                before, now = reached.get(one.before_id), one.categories[name]
                self._add(one.customer, triggers.below_threshold(name, titles[name], before, now, limit))

    def _reached(self, scores: Sequence[str], name: str, limit: float) -> dict[str, float]:
        """A category's points of scores by id, of those in which it reached its threshold.

        Most who are below were so before: the database leaves them out.
        """
        rows, found = table("score").c, dict[str, float]()
        points = rows.categories[name].as_float()
        for start in range(0, len(scores), CHUNK):
            query = select(rows.id, points).where(
                rows.id.in_(scores[start : start + CHUNK]),
                rows.scorecard == self.call.fingerprint,
                points >= limit,
            )
            found.update({own: had for own, had in self.session.connection().execute(query).all()})
        return found

    def usage(self) -> None:
        """Usage that fell by half in three days, whatever became of the score."""
        name = self.rules.usage_of(self.call.card)
        if not self.now:
            return
        metric = self.call.card.metric(name)
        title, unit = metric.title.lower(), " %" if metric.unit is Unit.PERCENT else ""
        watched = {customer: alert for (customer, trigger, _), alert in self.live.items() if trigger == _FALL}
        earlier = self._earlier_usage(name, [one for one in self.now if one not in watched])
        for customer, alert in watched.items():
            if customer in self.now:
                self._over(alert, triggers.usage_fell_over(alert.evidence["before"], self.now[customer]))
        for customer, before in earlier.items():
            if customer in self.now and customer not in watched:
                self._add(customer, triggers.usage_fell(before, self.now[customer], title, unit))

    def _earlier_usage(self, name: str, customers: Sequence[str]) -> dict[str, float]:
        """The value in force when the days of a fall began, of those who had one that was not too old.

        From the history, a row by index for each: the packed values know the newest alone. customers: in the
        database's order. Many are read by their range, whoever else is in it.
        """
        if not customers:
            return {}
        own, metric = table("customer").c, table("metric").c
        then = self.call.as_of - timedelta(days=triggers.USAGE_DAYS)
        # Not as a join: PostgreSQL might read the whole history for it, once for each partition.
        value = (
            select(metric.value)
            .where(metric.customer_id == own.id, metric.name == name)
            .where(metric.measured_at.between(then - timedelta(days=USAGE_KNOWN_DAYS), then))
            .order_by(metric.measured_at.desc())
            .limit(1)
            .scalar_subquery()
        )
        many = len(customers) > CHUNK
        wanted = own.id.between(customers[0], customers[-1]) if many else own.id.in_(customers)
        query = select(own.id, value).where(wanted, own.organisation_id == self.call.organisation)
        rows = self.session.connection().execute(query).all()
        return {one: known for one, known in rows if known is not None and math.isfinite(known)}

    def fade(self) -> None:
        """A fall of two weeks ago is how things are now: the next one is an alert of its own."""
        since = self.call.as_of - timedelta(days=triggers.MEMORY_DAYS)
        for (_, trigger, _), alert in self.live.items():
            if trigger in (Trigger.SCORE_DROP, Trigger.USAGE_FALL) and alert.raised_at < since:
                self._over(alert, f"it fell {triggers.MEMORY_DAYS:.0f} days ago; this is no news any more")

    def _add(self, customer: str, finding: Finding | None) -> None:
        if finding is not None and self.rules.wants(finding.trigger):
            self.found.append((customer, finding))

    def _over(self, alert: Alert, why: str) -> None:
        if why:
            self.closed.setdefault(alert.id, why)

    def write(self) -> int:
        """Write what was found; how many alerts are new."""
        now = self.call.as_of
        for alert in self.live.values():
            if alert.id in self.closed:
                close_alert(self.session, alert, self.closed[alert.id], now)
        new = []
        for customer, finding in self.found:
            live = self.live.get((customer, finding.trigger.value, finding.subject))
            if live is None or live.id in self.closed:
                new.append((customer, finding, f"{finding.subject}/{now.isoformat()}"))
            elif finding.severity.rank < Severity(live.severity).rank:
                escalate_alert(self.session, live, finding, now)
        return raise_alerts(self.session, self.call.organisation, new, now)
