"""All that follows from one reading of customers' metrics: scores, scores beside, and signals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select
from sqlmodel import Session

from keepwell.db.repositories.bulk import put_in, stored_day, stored_moment
from keepwell.db.repositories.opportunities import Sighted, look_for_signals, write_signals
from keepwell.db.repositories.scores_batch import SCORED, Batch, Call, batch_of
from keepwell.db.repositories.scores_read import latest_values
from keepwell.db.repositories.scores_write import Written, write_batch
from scoring.signals import SIGNAL_METRIC_NAMES

_BESIDE = ("run_id", "scorecard", "customer_id", "organisation_id", "scored_at", "day", *SCORED)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is to be written of some customers: computed before any lock is taken."""

    batch: Batch
    beside: tuple[Batch, ...]
    sighted: Sighted


def prepared(session: Session, customers: Select[str], call: Call, beside: Sequence[Call] = ()) -> Prepared:
    """Read the metrics of the customers of a query of ids, in the database's order, for all scorecards."""
    calls = (call, *beside)
    wanted = (*(name for one in calls for name in one.card.metric_names), *SIGNAL_METRIC_NAMES)
    names = tuple(dict.fromkeys(wanted))
    latest = latest_values(session, customers, names, call.as_of)
    batches = tuple(batch_of(one, latest.of(names, one.card.metric_names)) for one in calls)
    signals = latest.of(names, SIGNAL_METRIC_NAMES)
    sighted = look_for_signals(session, call.organisation, signals, call.card)
    return Prepared(batches[0], batches[1:], sighted)


def write_prepared(session: Session, ready: Prepared) -> Written:
    """Write it in the caller's transaction, for those who have not been scored meanwhile."""
    written = write_batch(session, ready.batch)
    write_signals(session, ready.batch.call, ready.sighted, written.newest, written.firsts)
    for batch in ready.beside:
        _write_beside(session, batch, written)
    return written


def _write_beside(session: Session, batch: Batch, written: Written) -> None:
    call = batch.call
    at, day = stored_moment(session, call.as_of), stored_day(session, call.day)
    rows = [
        (call.run, call.fingerprint, customer, call.organisation, at, day, *scored)
        for customer, scored in zip(batch.customers, zip(*batch.columns, strict=True), strict=True)
        if customer in written.customers
    ]
    put_in(session, "score_beside", _BESIDE, rows)
