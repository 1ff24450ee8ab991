"""One import under way: rows are shaped, checked and stored in short transactions, and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Protocol

from sqlmodel import Session

from keepwell.db.engine import Store
from keepwell.db.repositories import journal
from keepwell.ingest.cells import Kind, Reject, Row
from keepwell.ingest.checking import Checked, check
from keepwell.ingest.engagement import unknown_words
from keepwell.ingest.plan import Plan
from keepwell.ingest.report import SHOWN_REJECTS, RejectLine, Summary
from keepwell.ingest.settle import Tally
from keepwell.keys import new_id

BATCH = 5000
"""Rows in one write transaction: a second or less, so that others get their turn."""

OnReject = Callable[[Reject], None]


class Target(Protocol):
    """Where checked rows of a kind go."""

    def store(self, session: Session, batch: list[Any]) -> Tally:
        """Write one batch."""
        ...


class Run:
    """One import: its batch under way, and its counts."""

    def __init__(
        self,
        store: Store,
        kind: Kind,
        name: str,
        plan: Plan,
        target: Target,
        *,
        is_text: bool,
        on_reject: OnReject | None,
        dry_run: bool = False,
    ) -> None:
        self._store, self._kind, self._name = store, kind, name
        self._dry_run = dry_run
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
                if self._dry_run:
                    session.rollback()
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
        if self._dry_run:
            return summary
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
