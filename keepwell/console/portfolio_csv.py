"""The list as a file for a spreadsheet: all customers that fit, in the order that was asked for."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from keepwell.console.portfolio import AtAddress
from keepwell.console.view import HEADERS, AtConsole, View
from keepwell.console.words import level_words
from keepwell.db.repositories.views_portfolio import AT_ONCE, customers_in_order, customers_shown
from keepwell.db.repositories.views_portfolio_lines import PortfolioLine
from keepwell.db.repositories.zones import local_day

router = APIRouter(include_in_schema=False)

COLUMNS = (
    *("id", "external_id", "name", "segment", "plan", "owner", "level", "level_since", "score"),
    *("change_7", "change_30", "trend", "churn_risk", "monthly_revenue", "currency", "renews_on"),
    *("playbook", "paused", "scored_at"),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for something to work out."""


@router.get("/console/portfolio/customers.csv")
def customers_csv(view: AtConsole, asked: AtAddress) -> StreamingResponse:
    """All that fit, as they are read: a few hundred are in memory at a time."""
    with view.door.store.read() as session:
        wanted = asked.wanted(session, view)
        ids = customers_in_order(session, view.organisation.id, wanted, asked.as_sort, view.now)
    name = f"customers-{local_day(view.now, view.zone.key)}.csv"
    disposition = {"Content-Disposition": f"attachment; filename={name}"}
    return StreamingResponse(_lines(view, ids), media_type="text/csv", headers={**HEADERS, **disposition})


def harmless(text: str) -> str:
    """A text that a spreadsheet shows and does not work out."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _lines(view: View, ids: Sequence[str]) -> Iterator[str]:
    # Without the mark at its beginning Excel takes it for something else than UTF-8.
    yield "\ufeff" + _written([COLUMNS])
    for start in range(0, len(ids), AT_ONCE):
        block = ids[start : start + AT_ONCE]
        with view.door.store.read() as session:
            shown = customers_shown(session, view.organisation.id, block, view.now)
        yield _written([_row(shown[one]) for one in block if one in shown])


def _written(rows: Sequence[Sequence[object]]) -> str:
    place = io.StringIO()
    csv.writer(place).writerows(rows)
    return place.getvalue()


def _row(one: PortfolioLine) -> list[object]:
    texts = (one.id, one.external_id, one.name, one.segment, one.plan, one.owner)
    running = one.intervention
    return [
        *map(harmless, texts),
        level_words(one.level),
        one.since and one.since.isoformat(),
        _rounded(one.score),
        _rounded(one.change_7),
        _rounded(one.change_30),
        one.trend.value,
        None if one.churn_old else _rounded(one.churn, 4),
        one.monthly_revenue,
        one.currency,
        one.renews_on,
        running.playbook if running else "",
        "yes" if running and running.paused else "",
        one.scored_at and one.scored_at.isoformat(),
    ]


def _rounded(value: float | None, digits: int = 2) -> float | None:
    return None if value is None else round(value, digits)
