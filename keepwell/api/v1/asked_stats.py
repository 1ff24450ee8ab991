"""What the figures' endpoints take and document alike."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Query

from keepwell.db.repositories.views_stats_lines import Period

InPeriod = Annotated[Period, Query(description="How far back to look.")]
UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "The caller has it already: `If-None-Match` names its ETag."}
}
