"""Bringing in many records at once, and one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from keepwell.client.calls.ingest import IngestCalls
from keepwell.client.core import Call, Sender, at, endpoint
from keepwell.contracts.ingestion import ImportReport

Rows = Sequence[Mapping[str, object]]


class Ingest(IngestCalls[Sender]):
    """Brings in customers, contacts, staff, metrics, events and outcomes; bad rows are told.

    `dry_run` stores nothing, and tells what would become of each row.
    """

    @endpoint
    def customers(self, rows: Rows, *, dry_run: bool = False) -> Call[ImportReport]:
        """Many customers."""
        return _import("customers", rows, dry_run)

    @endpoint
    def contacts(self, rows: Rows, *, dry_run: bool = False) -> Call[ImportReport]:
        """Many contacts."""
        return _import("contacts", rows, dry_run)

    @endpoint
    def staff(self, rows: Rows, *, dry_run: bool = False) -> Call[ImportReport]:
        """Many members of staff."""
        return _import("staff", rows, dry_run)

    @endpoint
    def metrics(
        self, rows: Rows, *, dry_run: bool = False, measured_at: datetime | None = None
    ) -> Call[ImportReport]:
        """Many values; those without a moment were measured at `measured_at`, or else today."""
        return _import("metrics", rows, dry_run, measured_at)

    @endpoint
    def events(self, rows: Rows, *, dry_run: bool = False) -> Call[ImportReport]:
        """Many events."""
        return _import("events", rows, dry_run)

    @endpoint
    def outcomes(self, rows: Rows, *, dry_run: bool = False) -> Call[ImportReport]:
        """Many outcomes."""
        return _import("outcomes", rows, dry_run)


def _import(kind: str, rows: Rows, dry_run: bool, measured_at: datetime | None = None) -> Call[ImportReport]:
    return Call(
        "POST",
        at("/api/v1/import/{kind}", kind=kind),
        ImportReport,
        query={"dry_run": dry_run, "measured_at": measured_at},
        body=list(rows),
        keyed=True,
    )
