"""Bringing in many records in one request: a JSON list, JSON lines or CSV."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi import Path as Parameter
from fastapi.responses import Response

from keepwell.api.access import Ingester
from keepwell.api.door import AtDoor, Door
from keepwell.api.idempotency import Once
from keepwell.api.problems import problems
from keepwell.api.v1.asked import Moment
from keepwell.contracts.ingestion import ImportReport, Rejected
from keepwell.db.repositories import organisations
from keepwell.errors import InputError
from keepwell.ingest.cells import Kind, Reject
from keepwell.ingest.files import Table
from keepwell.ingest.importing import Rows, import_table
from keepwell.ingest.listed import read_list

router = APIRouter(prefix="/api/v1/import", tags=["ingest"], responses=problems(409, 413, 415))

MOST_REJECTS: Final = 1_000
JSON, LINES, CSV = "application/json", "application/x-ndjson", "text/csv"
_ENDINGS = {LINES: ".jsonl", "application/jsonl": ".jsonl", CSV: ".csv", "text/tab-separated-values": ".tsv"}
_OBJECT = {"type": "object", "additionalProperties": True}
_BODY = {
    "required": True,
    "content": {
        JSON: {"schema": {"type": "array", "items": _OBJECT, "minItems": 1}},
        LINES: {"schema": {"type": "string", "description": "One object a line."}},
        CSV: {"schema": {"type": "string", "description": "With a header that has our fields' names."}},
    },
}


@router.post("/{kind}", response_model=ImportReport, openapi_extra={"requestBody": _BODY})
async def import_many(
    kind: Annotated[Kind, Parameter(description="What the records are.")],
    request: Request,
    who: Ingester,
    door: AtDoor,
    once: Once,
    dry_run: Annotated[
        bool, Query(description="Check and count everything as it would be; store nothing.")
    ] = False,
    measured_at: Annotated[
        Moment | None, Query(description="When metrics without a moment were measured; unset: today.")
    ] = None,
) -> Response:
    """Store many records: good ones go in, each bad one is told with its place, and what would be right.

    A body has up to 32,000,000 bytes. The same again changes nothing, so one that broke off is simply sent
    again. New metrics count from the next daily run; alerts of events start their playbooks within a minute.
    A dry run counts what is there twice, more than 5,000 rows apart, as new both times.
    """
    # Millions of letters take a while to read, in which nobody else would be answered.
    rows = await asyncio.to_thread(_rows, kind, request.headers.get("content-type", ""), await request.body())

    def work() -> ImportReport:
        return _import(
            door, who.organisation_id, kind, rows, who.name, dry_run=dry_run, measured_at=measured_at
        )

    return await asyncio.to_thread(once, who, work)


def _import(
    door: Door,
    organisation: str,
    kind: Kind,
    rows: Rows,
    by: str,
    *,
    dry_run: bool,
    measured_at: datetime | None,
) -> ImportReport:
    now, rejects = datetime.now(UTC), list[Rejected]()

    def note(one: Reject) -> None:
        if len(rejects) < MOST_REJECTS:
            rejects.append(Rejected(line=one.line, column=one.column, value=one.value, reason=one.reason))

    with door.store.write() as session:
        _, card = organisations.scorecard_of(session, organisation, now=now)
    summary = import_table(
        door.store,
        organisation,
        kind,
        rows,
        "the API",
        scorecard=card,
        now=now,
        measured_at=measured_at,
        by=by,
        on_reject=note,
        dry_run=dry_run,
    )
    return ImportReport(
        **summary.model_dump(include=set(ImportReport.model_fields) - {"rejects"}),
        rejects=tuple(rejects),
        dry_run=dry_run,
        text=summary.sentence() + (" (a trial: nothing is stored)" if dry_run else ""),
    )


def _rows(kind: Kind, content_type: str, body: bytes) -> Rows:
    said = content_type.partition(";")[0].strip().lower() or JSON
    if said == JSON:
        return read_list(body, "body")
    ending = _ENDINGS.get(said)
    if ending is None:
        raise HTTPException(
            415, f"The body has to be {JSON} (a list), {LINES} or {CSV}; it is {said[:60]!r}."
        )
    if not body.strip():
        raise InputError("The body is empty.", place="body", hint="Send a header and rows, or objects.")
    return Table(Path(f"{kind.value}{ending}"), BytesIO(body))
