"""An organisation with much to do: many interventions of the built-in playbooks, open ones and ended ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from keepwell.contracts.playbook import Playbook
from keepwell.db.engine import Store
from keepwell.db.repositories.lookup import table
from keepwell.keys import new_id
from tests.unit.db.world import DAY, NOW, World
from workflows.at_risk import AT_RISK
from workflows.critical import CRITICAL
from workflows.high_risk import HIGH_RISK

PLAYBOOKS = (CRITICAL, HIGH_RISK, AT_RISK)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "")
COUNTRIES = ("DE", "US", "JP", "")


def put(store: Store, name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows of a table, in parts."""
    for start in range(0, len(rows), 2_000):
        with store.write() as session:
            session.connection().execute(insert(table(name)), list(rows[start : start + 2_000]))


def analyse(store: Store, *tables: str) -> None:
    """As PostgreSQL does by itself before long; SQLite is asked as it is found: nobody analyses it."""
    if store.engine.dialect.name == "postgresql":
        with store.write() as session:
            for name in tables:
                session.connection().exec_driver_sql(f"ANALYZE {name}")


def staff_of(world: World, number: int) -> list[str]:
    """A lead and as many CSMs, each the next one's deputy."""
    world.staff("lead", role="lead")
    people = [f"csm{one:03}" for one in range(number)]
    for at, one in enumerate(people):
        world.staff(one, manager_id="lead", deputy=people[(at + 1) % number])
    return people


def customers_of(world: World, number: int, owners: Sequence[str], *, first: int = 0) -> list[str]:
    """Customers with two contacts each, in several countries; `first` is the number of the first of them."""
    ids = [f"k{one:06}" for one in range(first, first + number)]
    base = {"organisation_id": world.organisation, "created_at": NOW, "updated_at": NOW}
    put(
        world.store,
        "customer",
        [
            {
                **base,
                "id": one,
                "external_id": one,
                "name": f"Customer {one}",
                "owner_id": owners[at % len(owners)],
                "time_zone": ZONES[at % len(ZONES)],
                "country": COUNTRIES[at % len(COUNTRIES)],
                "monthly_revenue": 100.0 + at % 900,
                "currency": "USD",
                **dict.fromkeys(("plan", "industry", "segment", "subdivision"), ""),
                "active": True,
                "facts": {},
            }
            for at, one in enumerate(ids)
        ],
    )
    put(
        world.store,
        "contact",
        [
            {
                **base,
                "id": f"{one}-{role}",
                "customer_id": one,
                "external_id": f"{one}-{role}",
                "name": f"{role.title()} of {one}",
                "email": f"{role}@{one}.example",
                "role": role,
                **dict.fromkeys(("first_name", "phone", "title", "time_zone"), ""),
                "consent": "granted",
                "active": True,
            }
            for one in ids
            for role in ("primary", "billing")
        ],
    )
    return ids


def open_for(
    world: World,
    customers: Sequence[str],
    owners: Sequence[str],
    *,
    ended: bool = False,
    now: datetime = NOW,
) -> list[str]:
    """An intervention for each customer, begun within the last days; of those that run some are paused."""
    rows, steps = [], []
    for at, customer in enumerate(customers):
        playbook = PLAYBOOKS[at % len(PLAYBOOKS)]
        own = new_id()
        started = now - timedelta(hours=at % 100) - (60 * DAY if ended else timedelta())
        rows.append(_row(world, own, customer, playbook, owners[at % len(owners)], started, ended, at))
        steps += list(_steps(own, playbook, started, now, ended))
    put(world.store, "intervention", rows)
    put(world.store, "intervention_step", steps)
    return [row["id"] for row in rows]


def _row(
    world: World,
    own: str,
    customer: str,
    playbook: Playbook,
    owner: str,
    started: datetime,
    ended: bool,
    at: int,
) -> dict[str, Any]:
    still = at % 50 == 7 and not ended
    return {
        "id": own,
        "organisation_id": world.organisation,
        "customer_id": customer,
        "family": "risk",
        "start": own,
        "workflow_id": f"risk/{world.organisation}/{customer}",
        "playbook": playbook.name,
        "version": playbook.version,
        "definition": playbook.model_dump(mode="json"),
        "level": playbook.level.value if playbook.level else None,
        "score": 30.0,
        "owner_id": owner,
        "started_at": started,
        "paused": still,
        "paused_at": started if still else None,
        "pause_reason": "on holiday" if still else "",
        "shift": timedelta(),
        "held_why": "",
        "acknowledged_by": "",
        "response": "",
        "outcome": "completed" if ended else None,
        "outcome_why": "",
        "ended_at": started + 30 * DAY if ended else None,
    }


def _steps(
    own: str, playbook: Playbook, started: datetime, now: datetime, ended: bool
) -> Iterable[dict[str, Any]]:
    for position, step in enumerate(playbook.steps):
        over = ended or started + step.at < now
        yield {
            "intervention_id": own,
            "name": step.name,
            "position": position,
            "kind": step.kind,
            "offset": step.at,
            "state": "done" if over else "planned",
            "planned_at": started + step.at,
            "deferred_until": None,
            "at": started + step.at if over else None,
            "why": "",
        }


def tasks_for(
    world: World, customers: Sequence[str], owners: Sequence[str], *, state: str = "open"
) -> list[str]:
    """A task for each customer, due between a day ago and in nine days."""
    rows = [
        {
            "id": new_id(),
            "key": new_id(),
            "organisation_id": world.organisation,
            "customer_id": customer,
            "step": "",
            "kind": "step",
            "title": f"Call {customer}",
            "detail": "",
            "owner_id": owners[at % len(owners)],
            "due_at": NOW - DAY + timedelta(hours=at % 240),
            "created_at": NOW - DAY,
            "state": state,
            "closed_by": "",
            "note": "",
            "outcome": "",
        }
        for at, customer in enumerate(customers)
    ]
    put(world.store, "task", rows)
    return [str(row["id"]) for row in rows]
