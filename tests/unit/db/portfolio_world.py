"""A portfolio of a few customers in every state that lists and figures tell apart."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from keepwell.contracts.scoring import ScoreSummary
from keepwell.db.engine import Store
from keepwell.db.repositories.churn_predictions import keep
from keepwell.db.repositories.scores import ScoreRepository
from keepwell.db.tables import ChurnModel, Customer, Organisation
from keepwell.keys import new_id
from tests.unit.db.world import DAY, NOW, World, run_all

OTHER = "org-2"
PAST = (40, 20, 0)
"""Days before NOW on which everybody was scored."""
PEOPLE = (
    # key, segment, owner, revenue, days to the renewal, points on the days of PAST
    ("alma", "enterprise", "dana", 900.0, 20, (80.0, 70.0, 12.0)),
    ("bert", "enterprise", "evan", 500.0, 200, (62.0, 62.0, 35.0)),
    ("cleo", "mid", "dana", None, None, (70.0, 45.0, 45.0)),
    ("dora", "mid", None, 300.0, 40, (50.0, 61.0, 90.0)),
    ("Emil", "", "evan", 300.0, -10, (65.0, 65.0, 65.0)),
    ("fred", "mid", "dana", 100.0, None, (65.0, 65.0, 65.0)),
)


def small_portfolio(store: Store) -> World:
    """Six scored customers, gwen never scored, hugo who left, and a stranger in another organisation."""
    world = World(store)
    world.staff("dana", name="Dana Reyes")
    world.staff("evan", name="Evan Cho")
    for key, segment, owner, revenue, renews, _ in PEOPLE:
        world.customer(
            key,
            name=key,
            segment=segment,
            owner_id=owner,
            monthly_revenue=revenue,
            plan="Pro" if key in {"alma", "dora"} else "Basic",
            renews_on=None if renews is None else NOW.date() + timedelta(days=renews),
            started_on=date(2025, 1, 1),
            currency="EUR" if key == "fred" else "",
        )
    for place, days in enumerate(PAST):
        for key, *_, points in PEOPLE:
            world.at_points(key, points[place], NOW - days * DAY)
        daily(world, NOW - days * DAY)
    world.customer("gwen", name="gwen", segment="mid", started_on=date(2026, 11, 1))
    world.customer(
        "hugo",
        active=False,
        monthly_revenue=200.0,
        started_on=date(2025, 5, 1),
        left_on=NOW.date() - timedelta(days=12),
    )
    _stranger(world)
    return world


def daily(world: World, at: datetime) -> ScoreSummary:
    """A whole daily run as of a moment, with its end."""
    plan, _ = run_all(world, at)
    return ScoreRepository(world.store).finish_run(plan, plan.as_of)


def predict(world: World, at: datetime, **probabilities: float) -> None:
    """Keep a prediction for each of these customers as of a moment."""
    with world.store.read() as session:
        known = session.get(ChurnModel, "model")
    if known is None:
        world.add(
            ChurnModel(
                id="model",
                organisation_id=world.organisation,
                name="customers",
                version=1,
                state="in_use",
                content=b"",
                sha256="",
                trained_at=at,
            )
        )
    rows = [
        {
            "id": new_id(),
            "organisation_id": world.organisation,
            "customer_id": customer,
            "model_id": "model",
            "at": at,
            "probability": probability,
            "low": probability / 2,
            "high": (1 + probability) / 2,
            "category": "high" if probability > 0.6 else "low",
            "months": 4.0,
            "months_low": None,
            "months_high": None,
        }
        for customer, probability in probabilities.items()
    ]
    with world.store.write() as session:
        keep(session, rows)


def _stranger(world: World) -> None:
    world.add(Organisation(id=OTHER, key="other", name="Other Ltd", created_at=NOW))
    world.add(
        Customer(
            id="stranger",
            organisation_id=OTHER,
            external_id="alma",
            name="alma",
            monthly_revenue=5000.0,
            created_at=NOW,
            updated_at=NOW,
        )
    )
