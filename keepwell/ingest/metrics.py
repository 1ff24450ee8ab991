"""Stores metrics, checked against the scorecards and the metrics that expansion signals read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session

from keepwell.db.repositories import ingest
from keepwell.db.repositories.metrics_latest import store_metrics
from keepwell.ingest.cells import Reject
from keepwell.ingest.checking import Checked
from keepwell.ingest.known import Known, known_metrics
from keepwell.ingest.rows import MetricRow
from keepwell.ingest.seen import Seen
from keepwell.ingest.settle import Entry, Record, Tally, settle
from keepwell.ingest.suggest import did_you_mean
from scoring.scorecard import Scorecard
from scoring.units import Unit, format_value

Item = Checked[MetricRow]
_KEYS = ("customer_id", "name", "measured_at")

# Clocks differ, and a day that has begun in the east is tomorrow in the west.
_AHEAD = timedelta(days=1)


def day_of(now: datetime) -> datetime:
    """The moment of values without one: midnight UTC, so that the same file again changes nothing."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


class Metrics:
    """The target for metrics. Values without `measured_at` get the one given here.

    `beside` are the scorecards computed beside the one in force, whose metrics are taken too.
    """

    def __init__(
        self,
        organisation_id: str,
        now: datetime,
        scorecard: Scorecard,
        measured_at: datetime,
        beside: Sequence[Scorecard] = (),
    ) -> None:
        self._organisation_id, self._now = organisation_id, now
        self._card, self._measured_at = scorecard, measured_at
        self._metrics = known_metrics(scorecard, beside)
        self._seen = Seen()

    def store(self, session: Session, batch: Sequence[Item]) -> Tally:
        """Write one batch."""
        customers = ingest.customer_ids(session, self._organisation_id, {item.row.customer for item in batch})
        entries: list[Entry] = []
        rejects: list[Reject] = []
        keys: dict[str, ingest.MetricKey] = {}
        for item in batch:
            own = customers.get(item.row.customer)
            reject = self._wrong_with(item, own)
            if reject is not None or own is None:
                rejects += [reject] if reject is not None else []
                continue
            moment = item.row.measured_at or self._measured_at
            key = f"{own}/{item.row.metric}/{moment.timestamp():f}"
            keys[key] = (own, item.row.metric, moment)
            entries.append(Entry(item.line, key, {"value": item.row.value}, item.columns))
        there = ingest.metrics_by_key(session, list(keys.values()))
        stored = {key: there[full] for key, full in keys.items() if full in there}
        tally = settle(
            entries,
            stored,
            self._seen,
            fresh=lambda entry: self._fresh(entry, keys),
            stamp={"received_at": self._now},
        )
        store_metrics(session, tally.write)
        tally.rejects += rejects
        return tally

    def _fresh(self, entry: Entry, keys: dict[str, ingest.MetricKey]) -> Record:
        record: dict[str, Any] = dict(zip(_KEYS, keys[entry.key], strict=True))
        return {**record, **entry.given, "received_at": self._now}

    def _wrong_with(self, item: Item, own: str | None) -> Reject | None:
        row = item.row
        metric = self._metrics.get(row.metric)
        if metric is None:
            known = f"scorecard {self._card.name} has {', '.join(self._card.metric_names)}"
            others = ", ".join(name for name in self._metrics if name not in self._card.metric_names)
            reason = f"there is no such metric{did_you_mean(row.metric, self._metrics)}; {known}"
            reason += f"; signals and figures take {others}" if others else ""
            return item.reject("metric", row.metric, reason)
        if not is_allowed(metric, row.value):
            reason = f"{metric.name} is {row.value:.12g}, allowed is {allowed(metric)}"
            return item.reject("value", f"{row.value:.12g}", reason)
        if row.measured_at is not None and row.measured_at > self._now + _AHEAD:
            return item.reject("measured_at", row.measured_at.isoformat(), "lies in the future")
        if own is None:
            reason = "there is no customer with this external id; import customers first"
            return item.reject("customer", row.customer, reason)
        return None


def is_allowed(metric: Known, value: float) -> bool:
    """Whether a raw value lies in the metric's range; yes_no is 1 or 0."""
    if metric.unit is Unit.YES_NO and value not in (0, 1):
        return False
    low = metric.minimum is None or value >= metric.minimum
    return low and (metric.maximum is None or value <= metric.maximum)


def allowed(metric: Known) -> str:
    """The metric's range in words: "0 to 100 %"."""
    if metric.unit is Unit.YES_NO:
        return "1 (yes) or 0 (no)"
    low = None if metric.minimum is None else format_value(metric.minimum, metric.unit)
    high = None if metric.maximum is None else format_value(metric.maximum, metric.unit)
    if low is not None and high is not None:
        return f"{metric.minimum:g} to {high}"
    return f"at least {low}" if low is not None else f"at most {high}"
