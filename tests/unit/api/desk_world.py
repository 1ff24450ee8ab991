"""Two organisations with work at hand, for tests of the API: whoever asks for one must not see the other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response
from sqlmodel import Session, select

from keepwell.contracts.access import Permission
from keepwell.contracts.intervention import StepState
from keepwell.db.engine import Store
from keepwell.db.repositories.alerts import raise_alert
from keepwell.db.tables import Customer, Intervention, InterventionStep, Task
from keepwell.keys import new_id
from scoring.signal import Severity, Trigger
from scoring.triggers import Finding
from tests.unit.api.callers import key_for
from tests.unit.db.world import World
from workflows.critical import CRITICAL

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
Row = dict[str, Any]


@dataclass
class Desk:
    """An organisation with two customers and their work, and a key that may read and act."""

    client: TestClient
    world: World
    headers: dict[str, str]

    @property
    def store(self) -> Store:
        """The store behind it."""
        return self.world.store

    @property
    def now(self) -> datetime:
        """The real clock, to the second, when the test began: what the application's own clock is beside."""
        return self.world.began

    def get(self, path: str, **query: Any) -> Response:
        """Ask for something."""
        return self.client.get(f"/api/v1{path}", params=query, headers=self.headers)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Response:
        """Do something."""
        return self.client.post(f"/api/v1{path}", json=body or {}, headers=self.headers)

    def delete(self, path: str, **query: Any) -> Response:
        """Take something away."""
        return self.client.delete(f"/api/v1{path}", params=query, headers=self.headers)

    def pages(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """All items of a list, page by page."""
        found: list[dict[str, Any]] = []
        while True:
            answer = self.get(path, **query)
            assert answer.status_code == 200, answer.text
            found += answer.json()["items"]
            query["cursor"] = answer.json()["next"]
            if query["cursor"] is None:
                return found

    def named(self, key: str) -> str:
        """An id of this organisation's own."""
        return f"{key}-{self.world.organisation}"

    def customer(self, key: str, **values: Any) -> str:
        """A customer under an id of this organisation."""
        return self.world.customer(self.named(key), external_id=key, name=key.title(), **values)

    def intervention(self, key: str, customer: str, **values: Any) -> str:
        """An open intervention of the critical playbook, without its run."""
        row: Row = {"version": CRITICAL.version, "definition": CRITICAL.model_dump(mode="json")}
        row |= {"started_at": self.now - HOUR, "level": "CRITICAL", "score": 12.0, **values}
        self.world.add(
            Intervention(
                id=self.named(key),
                organisation_id=self.world.organisation,
                customer_id=customer,
                start=key,
                workflow_id=f"risk/{self.world.organisation}/{customer}",
                playbook="critical",
                **row,
            )
        )
        for place, step in enumerate(CRITICAL.steps):
            self.world.add(
                InterventionStep(
                    intervention_id=self.named(key),
                    name=step.name,
                    position=place,
                    kind=step.kind,
                    offset=step.at,
                    state=StepState.PLANNED,
                    planned_at=self.now + step.at,
                )
            )
        return self.named(key)

    def steps(self, session: Session, intervention: str, kind: str) -> list[InterventionStep]:
        """The steps of an intervention that are of a kind."""
        query = select(InterventionStep).where(
            InterventionStep.intervention_id == intervention, InterventionStep.kind == kind
        )
        return list(session.exec(query).all())

    def task(self, name: str, customer: str, **values: Any) -> str:
        """An open task, due in a day."""
        row: Row = {
            "title": f"Call about {name}",
            "kind": "call",
            "due_at": self.now + DAY,
            "created_at": self.now,
            **values,
        }
        own = self.named(name)
        made: Row = {
            "id": own,
            "key": own,
            "organisation_id": self.world.organisation,
            "customer_id": customer,
        }
        self.world.add(Task(**{**made, **row}))
        return own

    def alert(self, customer: str, trigger: Trigger = Trigger.INACTIVITY, **values: Any) -> str:
        """An open alert."""
        finding = Finding(
            trigger=trigger, severity=Severity.WARNING, words="It is quiet", evidence={}, **values
        )
        with self.store.write() as session:
            return raise_alert(session, session.get_one(Customer, customer), finding, new_id(), self.now)

    def as_who(self, *permissions: Permission) -> Desk:
        """The same, asked with another key."""
        headers = key_for(self.store, self.world.organisation, *permissions)
        return Desk(self.client, self.world, headers)


def desk(client: TestClient, store: Store, organisation: str) -> Desk:
    """An organisation with Dana and Omar, Acme (Dana's) and Beta (nobody's)."""
    world = World(store, organisation=organisation, key=organisation)
    headers = key_for(store, organisation, Permission.READ, Permission.ACT, Permission.OPERATE)
    made = Desk(client, world, headers)
    dana = world.staff(made.named("dana"), name="Dana Reyes", external_id="dana")
    world.staff(made.named("omar"), name="Omar Haddad", external_id="omar")
    made.customer("acme", owner_id=dana)
    made.customer("beta")
    return made
