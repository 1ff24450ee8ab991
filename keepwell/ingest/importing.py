"""Imports a file: reads, shapes, checks and stores it in short transactions, and counts what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from pydantic_core import PydanticCustomError
from sqlmodel import Session

from keepwell.db.engine import Store
from keepwell.db.repositories import journal
from keepwell.db.repositories.lookup import found
from keepwell.db.repositories.scorecards_beside import cards_beside
from keepwell.db.tables import Organisation
from keepwell.errors import InputError
from keepwell.ingest.cells import Kind, Reject, Row, shown
from keepwell.ingest.checking import Checked, check
from keepwell.ingest.engagement import Events, unknown_words
from keepwell.ingest.files import Table
from keepwell.ingest.mapping import Mapping as ColumnMapping
from keepwell.ingest.metrics import Metrics, day_of
from keepwell.ingest.people import Contacts, Customers
from keepwell.ingest.plan import Plan
from keepwell.ingest.planning import make_plan
from keepwell.ingest.report import SHOWN_REJECTS, RejectLine, Summary
from keepwell.ingest.settle import Tally
from keepwell.ingest.staff import Staff
from keepwell.ingest.values import moment_of
from keepwell.keys import new_id
from scoring.scorecard import Scorecard

BATCH = 5000
"""Rows in one write transaction: a second or less, so that others get their turn."""

OnReject = Callable[[Reject], None]
Progress = Callable[[int, int], None]


class _Target(Protocol):
    def store(self, session: Session, batch: list[Any]) -> Tally: ...


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
        beside = _beside(store, organisation_id, now) if kind is Kind.METRICS else ()
        plan = make_plan(
            kind, table.columns, mapping, scorecard, file=path.name, is_text=table.is_text, beside=beside
        )
        target = _target(kind, organisation_id, now, scorecard, measured_at, beside)
        run = _Run(store, kind, shown(path.name), plan, target, is_text=table.is_text, on_reject=on_reject)
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
    run = _Run(store, Kind.METRICS, source, plan, target, is_text=is_text, on_reject=on_reject)
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
    run = _Run(store, Kind.EVENTS, shown(f"{customer}: {kind}"), plan, target, is_text=True, on_reject=None)
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
) -> _Target:
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


class _Run:
    """One import: its batch under way, and its counts."""

    def __init__(
        self,
        store: Store,
        kind: Kind,
        name: str,
        plan: Plan,
        target: _Target,
        *,
        is_text: bool,
        on_reject: OnReject | None,
    ) -> None:
        self._store, self._kind, self._name = store, kind, name
        self._plan, self._target, self._is_text = plan, target, is_text
        self._on_reject = on_reject
        self._batch: list[Checked[Any]] = []
        self._rejects: list[Reject] = []
        self._total = Tally()
        self._rows = self._rejected = 0
        self._first: list[RejectLine] = []

    def take(self, rows: Iterable[Row | Reject], step: Callable[[], None]) -> None:
        """Store all rows, calling `step` after each batch."""
        taken = 0
        for row in rows:
            self._rows += 1
            taken += self._take_row(row)
            # Managers may stand anywhere in a file, so staff are one batch.
            if taken >= BATCH and self._kind is not Kind.STAFF:
                self._flush()
                taken = 0
                step()
        self._flush()
        step()

    def _take_row(self, row: Row | Reject) -> int:
        """Put a row's outcomes into the batch; how many there are."""
        before = len(self._batch) + len(self._rejects)
        if isinstance(row, Reject):
            self._refuse([row])
            return 1
        rejects: list[Reject] = []
        for shaped in self._plan.shape(row):
            outcome = (
                [shaped] if isinstance(shaped, Reject) else check(self._kind, shaped, is_text=self._is_text)
            )
            if isinstance(outcome, Checked):
                self._batch.append(outcome)
            else:
                rejects += outcome
        self._refuse(rejects)
        return len(self._batch) + len(self._rejects) - before

    def _refuse(self, rejects: list[Reject]) -> None:
        # A row with three mistakes has three lines in the report, but is one rejected row.
        self._rejected += len(rejects) if self._plan.is_wide else bool(rejects)
        self._rejects += rejects

    def _flush(self) -> None:
        if self._batch:
            with self._store.write() as session:
                tally = self._target.store(session, self._batch)
            self._total.created += tally.created
            self._total.updated += tally.updated
            self._total.unchanged += tally.unchanged
            self._total.kept_denials += tally.kept_denials
            self._total.heeded += tally.heeded
            self._total.unknown_kinds += tally.unknown_kinds
            self._total.alerts += tally.alerts
            self._rejected += len(tally.rejects)
            self._rejects += tally.rejects
        for reject in sorted(self._rejects, key=lambda reject: reject.line):
            if len(self._first) < SHOWN_REJECTS:
                self._first.append(
                    RejectLine(
                        line=reject.line, column=reject.column, value=reject.value, reason=reject.reason
                    )
                )
            if self._on_reject:
                self._on_reject(reject)
        self._batch, self._rejects = [], []

    def finish(self, organisation_id: str, now: datetime, by: str) -> Summary:
        """The summary, which also goes into the journal."""
        summary = Summary(
            id=new_id(),
            kind=self._kind,
            file=self._name,
            counts="values" if self._plan.is_wide else "rows",
            rows=self._rows,
            created=self._total.created,
            updated=self._total.updated,
            unchanged=self._total.unchanged,
            rejected=self._rejected,
            notes=self._notes(),
            rejects=tuple(self._first),
        )
        with self._store.write() as session:
            journal.write(
                session,
                key=f"import/{summary.id}",
                organisation=organisation_id,
                kind="import.finished",
                text=summary.sentence(),
                at=now,
                by=by,
                data=summary.model_dump(mode="json", exclude={"rejects"}),
            )
        return summary

    def _notes(self) -> tuple[str, ...]:
        notes = [unknown_words(self._total.unknown_kinds)]
        if kept := self._total.kept_denials:
            notes.append(
                f"Contacts who stay without consent: {kept:,}. They said no, and no later consent_at is "
                "given."
            )
        if heeded := self._total.heeded:
            notes.append(
                f"Contacts with an address at which somebody has said no before: {heeded:,}. It counts for "
                "them, too."
            )
        if raised := len(self._total.alerts):
            notes.append(f"Alerts raised: {raised:,} (keepwell alerts).")
        return tuple(note for note in notes if note)
