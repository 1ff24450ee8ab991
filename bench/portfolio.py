"""Customers for benchmarks: an organisation that can send, and customers who are about to become critical."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlmodel import SQLModel, select

from keepwell.contracts.scoring import PartitionCall, ScoreRequest
from keepwell.db.engine import Store
from keepwell.db.repositories.scores import ScoreRepository
from keepwell.db.tables import Contact, Customer, Metric, Transition
from keepwell.keys import new_id
from scoring.levels import Level
from scoring.normalise import raw_for
from tests.unit.db.world import CARD, World

WELL, CRITICAL = 72.0, 12.0
DAY = timedelta(days=1)
BLOCK = 500
INDUSTRIES, SEGMENTS = ("retail", "software", "health"), ("mid-market", "enterprise")


class Portfolio:
    """One organisation in a store, with staff, and as many customers as a benchmark needs."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.world = World(store, organisation=new_id())
        self.world.can_send()
        self.world.staff("lena", role="lead", name="Lena Lead", slack="U0LENA")
        self.world.staff("dana", name="Dana Reyes", manager_id="lena", slack="U0DANA")
        self.world.staff("erin", role="executive", name="Erin Cole", title="CEO")
        self.now = datetime.now(UTC)

    def well(self, count: int) -> list[str]:
        """So many new customers with two contacts each and a baseline score of 72 three days ago."""
        first = [new_id() for _ in range(count)]
        began = self.now - 3 * DAY
        for start in range(0, count, BLOCK):
            block = first[start : start + BLOCK]
            self._write([self._customer(key) for key in block])
            self._write([row for key in block for row in self._contacts(key)])
            self._write([row for key in block for row in figures(key, WELL, began)])
        self._score(began, "baseline")
        return first

    def fallen(self, count: int) -> list[tuple[str, str]]:
        """So many new customers, each with its transition to CRITICAL, written and not handed over yet."""
        keys = self.well(count)
        at = self.now - timedelta(minutes=1)
        for start in range(0, count, BLOCK):
            self._write([row for key in keys[start : start + BLOCK] for row in figures(key, CRITICAL, at)])
        run = self._score(self.now, "fallen")
        with self.store.read() as session:
            rows = session.exec(select(Transition).where(Transition.run_id == run)).all()
        of = {row.customer_id: row.id for row in rows if row.level == Level.CRITICAL.value}
        if not of.keys() >= {*keys}:
            raise SystemExit("Not all customers became critical: the benchmark is wrong.")
        return [(key, of[key]) for key in keys]

    def _score(self, now: datetime, again: str) -> str:
        repository = ScoreRepository(self.store, 10_000)
        plan = repository.begin_run(
            ScoreRequest(organisation=self.world.organisation, as_of=now, again=again), now
        )
        for part in plan.partitions:
            repository.score_partition(
                PartitionCall(
                    run=plan.run,
                    organisation=plan.organisation,
                    as_of=plan.as_of,
                    scorecard=plan.scorecard,
                    partition=part,
                )
            )
        return plan.run

    def _write(self, rows: Sequence[SQLModel]) -> None:
        with self.store.write() as session:
            session.add_all(rows)

    def _customer(self, key: str) -> Customer:
        number = int.from_bytes(key.encode()[-2:])
        return Customer(
            id=key,
            organisation_id=self.world.organisation,
            external_id=key,
            name=f"Customer {key[-6:]}",
            plan="Business",
            industry=INDUSTRIES[number % len(INDUSTRIES)],
            segment=SEGMENTS[number % len(SEGMENTS)],
            monthly_revenue=1200.0,
            owner_id="dana",
            created_at=self.now,
            updated_at=self.now,
        )

    def _contacts(self, key: str) -> list[Contact]:
        return [
            Contact(
                id=f"{key}-{number}",
                organisation_id=self.world.organisation,
                customer_id=key,
                external_id=f"{key}-{number}",
                name=f"Person {number}",
                email=f"{number}.{key.lower()}@customer.example",
                role=role,
                consent="granted",
                created_at=self.now,
                updated_at=self.now,
            )
            for number, role in enumerate(("decision_maker", "champion"))
        ]


def figures(key: str, points: float, at: datetime) -> list[Metric]:
    """A value of every metric that gives these points."""
    return [
        Metric(
            customer_id=key,
            name=name,
            value=raw_for(CARD.metric(name).normalise, points),
            measured_at=at,
            received_at=at,
        )
        for name in CARD.metric_names
    ]
