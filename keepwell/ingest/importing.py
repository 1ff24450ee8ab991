"""Imports a file: reads, shapes, checks and stores it in short transactions, and counts what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pydantic_core import PydanticCustomError

from keepwell.db.engine import Store
from keepwell.db.repositories.lookup import found
from keepwell.db.repositories.scorecards_beside import cards_beside
from keepwell.db.tables import Organisation
from keepwell.errors import InputError
from keepwell.ingest.cells import Kind, Reject, Row, shown
from keepwell.ingest.engagement import Events
from keepwell.ingest.files import Table
from keepwell.ingest.mapping import Mapping as ColumnMapping
from keepwell.ingest.metrics import Metrics, day_of
from keepwell.ingest.outcomes import Outcomes
from keepwell.ingest.people import Contacts, Customers
from keepwell.ingest.planning import make_plan
from keepwell.ingest.report import Summary
from keepwell.ingest.run import OnReject, Run, Target
from keepwell.ingest.staff import Staff
from keepwell.ingest.values import moment_of
from scoring.scorecard import Scorecard

Progress = Callable[[int, int], None]


class Rows(Protocol):
    """Rows to import: a file's (`files.Table`), or a program's (`listed.Listed`)."""

    columns: tuple[str, ...]
    is_text: bool
    size: int

    @property
    def done(self) -> int:
        """How much of `size` is read."""
        ...

    def rows(self) -> Iterator[Row | Reject]:
        """The rows, once."""
        ...


def import_file(
    store: Store,
    organisation_id: str,
    kind: Kind,
    path: Path,
    mapping: ColumnMapping | None = None,
    *,
    scorecard: Scorecard,
    now: datetime,
    measured_at: datetime | None = None,
    by: str = "import",
    progress: Progress | None = None,
    on_reject: OnReject | None = None,
) -> Summary:
    """Store the rows of a .csv or .jsonl file; good rows go in, each bad one is reported with its reason.

    The same file again changes nothing, so an import that was interrupted is simply run again. Memory does
    not grow with the file, but for 16 bytes per row (see `seen`); staff are held wholly.

    measured_at: the moment of metrics that come without one; else midnight (UTC) of the day of `now`.
    progress: called with the bytes done and all bytes after each batch.
    on_reject: called for each reject, in the file's order within a batch of 5,000 rows.
    by: who imports, for the journal, which gets one line per import.

    Raises InputError, before anything is stored, for a file that is no table and for a mapping or a header
    that does not fit; StoreError where the database does not answer.
    """
    with Table(path) as table:
        return import_table(
            store,
            organisation_id,
            kind,
            table,
            path.name,
            mapping,
            scorecard=scorecard,
            now=now,
            measured_at=measured_at,
            by=by,
            progress=progress,
            on_reject=on_reject,
        )


def import_table(
    store: Store,
    organisation_id: str,
    kind: Kind,
    table: Rows,
    name: str,
    mapping: ColumnMapping | None = None,
    *,
    scorecard: Scorecard,
    now: datetime,
    measured_at: datetime | None = None,
    by: str = "import",
    progress: Progress | None = None,
    on_reject: OnReject | None = None,
    dry_run: bool = False,
) -> Summary:
    """The same for rows that are open already, whatever they come from; `name` stands in messages for a file.

    dry_run: everything is checked and counted as it would be, and nothing is stored. What is there twice and
    more than 5,000 rows apart is then counted as new both times.
    """
    beside = _beside(store, organisation_id, now) if kind is Kind.METRICS else ()
    plan = make_plan(kind, table.columns, mapping, scorecard, file=name, is_text=table.is_text, beside=beside)
    target = _target(kind, organisation_id, now, scorecard, measured_at, beside)
    run = Run(
        store,
        kind,
        shown(name),
        plan,
        target,
        is_text=table.is_text,
        on_reject=on_reject,
        dry_run=dry_run,
    )
    run.take(table.rows(), lambda: progress(table.done, table.size) if progress else None)
    return run.finish(organisation_id, now, by)


def ingest_metrics(
    store: Store,
    organisation_id: str,
    rows: Iterable[Row],
    *,
    scorecard: Scorecard,
    now: datetime,
    measured_at: datetime | None = None,
    is_text: bool = False,
    source: str = "values",
    by: str = "import",
    on_reject: OnReject | None = None,
) -> Summary:
    """Store metrics that do not come from a file: rows with customer, metric, value and measured_at.

    `is_text` says that numbers come as text; else the text "50" is refused. `source` names the origin in
    the journal. Unknown keys reject their row. Checks, counts and errors as in `import_file`.
    """
    columns = ("customer", "metric", "value", "measured_at")
    beside = _beside(store, organisation_id, now)
    # Planned as JSON: rows of a program may have a key more or less, which a CSV file's cannot.
    plan = make_plan(Kind.METRICS, columns, None, scorecard, file=source, is_text=False, beside=beside)
    target = Metrics(organisation_id, now, scorecard, measured_at or day_of(now), beside)
    run = Run(store, Kind.METRICS, source, plan, target, is_text=is_text, on_reject=on_reject)
    run.take(rows, lambda: None)
    return run.finish(organisation_id, now, by)


def store_metric(
    store: Store,
    organisation_id: str,
    customer: str,
    name: str,
    value_text: str,
    *,
    now: datetime,
    scorecard: Scorecard,
    measured_at: str | None = None,
    by: str = "import",
) -> None:
    """Store one value as a person typed it; it counts from `now` unless `measured_at` (ISO 8601) is given.

    Raises InputError that names the part that is wrong.
    """
    values = {"customer": customer, "metric": name, "value": value_text, "measured_at": measured_at}
    summary = ingest_metrics(
        store,
        organisation_id,
        [Row(1, values)],
        scorecard=scorecard,
        now=now,
        measured_at=now,
        is_text=True,
        source=f"{customer}: {name} = {value_text}"[:200],
        by=by,
    )
    for reject in summary.rejects:
        raise InputError(f"{reject.reason} [{reject.value}]", place=reject.column)


def store_event(
    store: Store,
    organisation_id: str,
    customer: str,
    kind: str,
    data: Mapping[str, object],
    *,
    now: datetime,
    scorecard: Scorecard,
    at: str | None = None,
    event_id: str = "",
    by: str = "import",
) -> Summary:
    """Store one event as a person typed it; it happened now unless `at` (ISO 8601) is given.

    Raises InputError that names the part that is wrong.
    """
    values = {
        "customer": customer,
        "kind": kind,
        "at": at or now.isoformat(),
        "id": event_id,
        "data": dict(data),
    }
    plan = make_plan(Kind.EVENTS, tuple(values), None, scorecard, file=kind, is_text=False)
    target = Events(organisation_id, now)
    run = Run(store, Kind.EVENTS, shown(f"{customer}: {kind}"), plan, target, is_text=True, on_reject=None)
    run.take([Row(1, values)], lambda: None)
    summary = run.finish(organisation_id, now, by)
    for reject in summary.rejects:
        raise InputError(reject.reason + (f" [{reject.value}]" if reject.value else ""), place=reject.column)
    return summary


def read_moment(text: str, *, place: str) -> datetime:
    """A moment that a person typed (ISO 8601), for `measured_at`. InputError naming `place`."""
    try:
        return moment_of(text)
    except PydanticCustomError as error:
        raise InputError(f"{text!r} {error.message()}", place=place) from None


def _beside(store: Store, organisation_id: str, now: datetime) -> tuple[Scorecard, ...]:
    """The scorecards computed beside the one in force: imports take their metrics too."""
    # Written, because a built-in scorecard is stored on its first use in each of its versions.
    with store.write() as session:
        organisation = found(session, Organisation, organisation_id, "organisation")
        return tuple(card for _, card in cards_beside(session, organisation, now))


def _target(
    kind: Kind,
    organisation_id: str,
    now: datetime,
    scorecard: Scorecard,
    measured_at: datetime | None,
    beside: Sequence[Scorecard],
) -> Target:
    match kind:
        case Kind.CUSTOMERS:
            return Customers(organisation_id, now)
        case Kind.CONTACTS:
            return Contacts(organisation_id, now)
        case Kind.STAFF:
            return Staff(organisation_id, now)
        case Kind.METRICS:
            return Metrics(organisation_id, now, scorecard, measured_at or day_of(now), beside)
        case Kind.EVENTS:
            return Events(organisation_id, now)
        case Kind.OUTCOMES:
            return Outcomes(organisation_id, now)
