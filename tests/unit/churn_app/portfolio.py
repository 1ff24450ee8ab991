"""A made-up portfolio with a year of metrics, in which customers who are about to leave log in less."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
from sqlmodel import col, select

from keepwell.churn.saved import open_model, packed
from keepwell.db.engine import Store
from keepwell.db.repositories.lookup import table
from keepwell.db.tables import ChurnModel
from scoring.churn.calibrate import Calibrator
from scoring.churn.mapping import Settings
from tests.unit.db.world import World

QUICK = Settings(folds=3, inner=2, refits=2, trees=20, repeats=1)
"""Rough, and done in seconds."""

EVERY = timedelta(days=15)
YEAR = 365


def fill(world: World, now: datetime, *, customers: int = 150, seed: int = 7) -> dict[str, date | None]:
    """Customers `c000`, … with the day each of them left; four in ten did, at days spread over the year.

    In their last 100 days they log in ever less and open more tickets; the others do as they always did.
    """
    rng = np.random.default_rng(seed)
    left: dict[str, date | None] = {}
    people, metrics = [], []
    for number in range(customers):
        key = f"c{number:03}"
        ago = int(rng.integers(1, 330)) if rng.random() < 0.4 else None
        left[key] = (now - timedelta(days=ago)).date() if ago is not None else None
        started = (now - timedelta(days=YEAR + int(rng.integers(40, 900)))).date()
        people.append(
            {
                "id": key,
                "organisation_id": world.organisation,
                "external_id": f"ext-{key}",
                "name": f"Customer {number:03}",
                "active": ago is None,
                "started_on": started,
                "left_on": left[key],
            }
        )
        metrics += _metrics(rng, key, now, ago)
    defaults = {
        "plan": "", "industry": "", "segment": "", "country": "", "time_zone": "", "currency": "",
        "facts": {}, "created_at": now, "updated_at": now,
    }  # fmt: skip
    with world.store.write() as session:
        connection = session.connection()
        connection.execute(table("customer").insert(), [{**defaults, **one} for one in people])
        connection.execute(table("metric").insert(), metrics)
    return left


def _metrics(rng: np.random.Generator, key: str, now: datetime, ago: int | None) -> list[dict[str, object]]:
    usual, found = float(rng.uniform(2, 9)), []
    for back in range(YEAR, 0, -EVERY.days):
        if ago is not None and back <= ago:
            break
        near = ago is not None and back - ago < 100
        logins = usual + (float(rng.uniform(4, 16)) if near else float(rng.uniform(-2, 4)))
        tickets = float(rng.poisson(4 if near else 2))
        users = max(1.0, float(rng.normal(14 if near else 18, 5)))
        at = now - timedelta(days=back)
        for name, value in (
            ("days_since_last_login", max(0.0, logins)),
            ("support_tickets_30_days", tickets),
            ("monthly_active_users", users),
        ):
            found.append(
                {"customer_id": key, "name": name, "measured_at": at, "value": value, "received_at": at}
            )
    return found


def worse(store: Store) -> None:
    """Let the model in use be one that says the opposite of what it learned, so that any other is better."""
    with store.write() as session:
        row = session.exec(select(ChurnModel).where(col(ChurnModel.state) == "in_use")).one()
        model = open_model(row)
        ensemble = model.classifier.ensemble
        upside_down = Calibrator("sigmoid", np.array([0.0]), np.array([-1.0]))
        wrong = replace(ensemble, calibrator=upside_down)
        row.content, row.sha256 = packed(replace(model, classifier=replace(model.classifier, ensemble=wrong)))
