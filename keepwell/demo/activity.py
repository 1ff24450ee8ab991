"""What the made-up customers did in the product during the last weeks: engagement events, day by day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from keepwell.db.engine import Store
from keepwell.demo.figures import DAILY
from keepwell.demo.portfolio import SEED, DemoCustomer
from keepwell.ingest.cells import Kind
from keepwell.ingest.importing import import_table
from keepwell.ingest.listed import Listed
from scoring.scorecard import Scorecard

DAYS = 35
"""As far back as a page shows activity, and some days more."""
STEADY = 18
"""How many of the customers who are well are seen at work, beside those that the demo tells about."""
TOLD = ("cliff", "falls today", "slips today")
BUSY = 4.0
"""Events on a working day of a customer all of whose people use the product."""
WEEKEND = 0.15
OPENS, CLOSES = 7, 18
"""Hours (UTC) between which people work."""

_WAYS: tuple[tuple[str, float, dict[str, Any]], ...] = (
    ("login", 0.34, {}),
    ("page_view", 0.18, {"page": "board"}),
    ("task_completed", 0.18, {"task": "weekly plan"}),
    ("feature_used", 0.1, {"feature": "reports"}),
    ("export_downloaded", 0.08, {}),
    ("content_generated", 0.06, {}),
    ("insight_reviewed", 0.04, {}),
    ("feedback_given", 0.02, {"score": 82}),
)


def active_ones(customers: Sequence[DemoCustomer]) -> tuple[DemoCustomer, ...]:
    """Those whose people are seen at work."""
    told = [one for one in customers if one.story.name in TOLD or one.signals]
    well = [one for one in customers if one.story.name in ("thriving", "healthy") and not one.signals]
    return (*told, *well[:STEADY])


def store_activity(
    store: Store,
    organisation: str,
    card: Scorecard,
    customers: Sequence[DemoCustomer],
    anchor: datetime,
    now: datetime,
) -> int:
    """Import the events of the last weeks as a program would send them; how many there are."""
    rows = [row for one in active_ones(customers) for row in _events(card, one, anchor)]
    summary = import_table(
        store, organisation, Kind.EVENTS, Listed(rows), "demo data", scorecard=card, now=now, by="demo"
    )
    return summary.created


def _events(card: Scorecard, one: DemoCustomer, anchor: datetime) -> Iterator[dict[str, Any]]:
    """A customer's events, oldest first: the more, the more of its people use the product on that day."""
    rng = np.random.default_rng((SEED, int(one.key.rpartition("-")[2])))
    rates = one.figures.values[:, card.metric_names.index(DAILY[0])]
    kinds = [kind for kind, _, _ in _WAYS]
    shares = [share for _, share, _ in _WAYS]
    data = {kind: given for kind, _, given in _WAYS}
    midnight = anchor.replace(hour=0)
    for back in range(DAYS, -1, -1):
        day = midnight - timedelta(days=back)
        usual = BUSY * float(rates[-1 - back]) / 100 * (WEEKEND if day.weekday() > 4 else 1)
        minutes = np.sort(rng.integers(OPENS * 60, CLOSES * 60, rng.poisson(usual)))
        for number, minute in enumerate(minutes.tolist()):
            kind = kinds[int(rng.choice(len(kinds), p=shares))]
            at = day + timedelta(minutes=minute)
            if at <= anchor:
                identity = f"demo-{one.key}-{day:%Y%m%d}-{number}"
                yield {
                    "customer": one.key,
                    "kind": kind,
                    "at": at.isoformat(),
                    "id": identity,
                    "data": data[kind],
                }
