"""A small organisation in a store, for tests: rows with defaults, and metrics by the points they give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlmodel import SQLModel, select

from keepwell.contracts.people import SuppressionReason
from keepwell.contracts.scoring import PartitionCall, PartitionResult, ScorePlan, ScoreRequest
from keepwell.db.engine import Store
from keepwell.db.repositories.organisations import use_scorecard
from keepwell.db.repositories.scorecards import store_scorecard
from keepwell.db.repositories.scores import ScoreRepository
from keepwell.db.repositories.suppressing import suppress
from keepwell.db.tables import (
    Contact,
    Customer,
    EngagementEvent,
    Health,
    Intervention,
    Metric,
    Organisation,
    Score,
    Staff,
    Transition,
)
from keepwell.keys import new_id
from scoring.load import builtin
from scoring.normalise import raw_for
from scoring.scorecard import Scorecard

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
CARD = builtin("intervention")
Row = TypeVar("Row", bound=SQLModel)


def real_moment() -> datetime:
    """The real clock, to the second: what is compared with an answer has no fractions."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass
class World:
    """One organisation; every method writes and commits.

    `began` is the real clock's moment at which it was made, for tests of what asks the real clock itself. A
    moment of the file's import would not do: the test may come an hour later.
    """

    store: Store
    organisation: str = "org-1"
    key: str = "brightdesk"
    began: datetime = field(default_factory=real_moment)

    def __post_init__(self) -> None:
        self.add(
            Organisation(
                id=self.organisation, key=self.key, name="Brightdesk Ltd", time_zone="UTC", created_at=NOW
            )
        )

    def add(self, row: Row) -> Row:
        """Write any row."""
        with self.store.write() as session:
            session.add(row)
        return row

    def change(self, model: type[SQLModel], key: str, **values: Any) -> None:
        """Change columns of a row."""
        with self.store.write() as session:
            row = session.get_one(model, key)
            for name, value in values.items():
                setattr(row, name, value)

    def can_send(self) -> None:
        """Give the organisation what its emails need: a product, links, a sender and a postal address."""
        self.change(
            Organisation,
            self.organisation,
            product="Brightdesk",
            booking_url="https://example.com/book",
            app_url="https://example.com/app",
            postal_address="1 Example Street, Example Town",
            sender_name="Brightdesk",
            sender_address="hello@brightdesk.example",
        )

    def customer(self, key: str, **values: Any) -> str:
        """A customer; `key` is its id, its external id and its name."""
        row = {"external_id": key, "name": key.title(), "created_at": NOW, "updated_at": NOW, **values}
        self.add(Customer(id=key, organisation_id=self.organisation, **row))
        return key

    def staff(self, key: str, **values: Any) -> str:
        """A member of staff, a CSM unless said otherwise."""
        name, email = f"{key.title()} Staff", f"{key}@brightdesk.example"
        row: dict[str, Any] = {"external_id": key, "name": name, "email": email}
        row = {**row, "created_at": NOW, "updated_at": NOW, **values}
        self.add(Staff(id=key, organisation_id=self.organisation, **row))
        return key

    def contact(self, key: str, customer: str, **values: Any) -> str:
        """A contact with an email address."""
        name, email = f"{key.title()} Person", f"{key}@customer.example"
        row: dict[str, Any] = {"external_id": key, "name": name, "email": email}
        row = {**row, "created_at": NOW, "updated_at": NOW, **values}
        self.add(Contact(id=key, organisation_id=self.organisation, customer_id=customer, **row))
        return key

    def did(self, customer: str, *events: tuple[str, datetime]) -> None:
        """What a customer did: each event's kind and moment."""
        with self.store.write() as session:
            for kind, at in events:
                row: dict[str, Any] = {"organisation_id": self.organisation, "customer_id": customer}
                session.add(EngagementEvent(**row, key=new_id(), kind=kind, at=at, received_at=at))

    def suppress(self, address: str, detail: str = "") -> None:
        """Let nothing be sent to an address any more, as after a bounce."""
        with self.store.write() as session:
            suppress(
                session,
                self.organisation,
                address,
                SuppressionReason.BOUNCED,
                detail=detail,
                source="test",
                by="sendgrid",
                now=NOW,
            )

    def measure(self, customer: str, values: Mapping[str, float], at: datetime = NOW) -> None:
        """Raw values of metrics, measured at a moment."""
        with self.store.write() as session:
            for name, value in values.items():
                session.add(
                    Metric(customer_id=customer, name=name, value=value, measured_at=at, received_at=at)
                )

    def use(self, scorecard: str) -> Scorecard:
        """Score by this scorecard's text from now on, as `keepwell scorecards use FILE` does."""
        with self.store.write() as session:
            fingerprint, card = store_scorecard(session, scorecard, "own.toml", NOW)
            use_scorecard(session, self.organisation, fingerprint)
        return card

    def at_points(self, customer: str, points: float, at: datetime = NOW, **others: float) -> None:
        """Values of every metric that give these points each, so that the score is `points`."""
        wanted = {name: others.get(name, points) for name in CARD.metric_names}
        self.measure(
            customer,
            {name: raw_for(CARD.metric(name).normalise, target) for name, target in wanted.items()},
            at,
        )

    def score(self, customer: str, points: float, at: datetime) -> None:
        """Measure and score a customer at a moment."""
        self.at_points(customer, points, at)
        self.rescore(customer, at)

    def rescore(self, customer: str, at: datetime) -> None:
        """Score a customer as of a moment with the values that are there."""
        ScoreRepository(self.store).score_customer(self.organisation, customer, at)

    def health(self, customer: str) -> Health:
        """Where a customer stands."""
        with self.store.read() as session:
            return session.get_one(Health, customer)

    def intervention(self, key: str, customer: str, **values: Any) -> str:
        """An open intervention of the critical playbook, with the transition that opened it."""
        with self.store.read() as session:
            health = session.get_one(Health, customer)
        sequence = 900 + len(self.transitions(customer))
        self.add(
            Transition(
                id=f"transition-{key}",
                organisation_id=self.organisation,
                customer_id=customer,
                sequence=sequence,
                kind="change",
                level="CRITICAL",
                score=12.5,
                score_id=health.score_id,
                at=NOW,
                decision="started",
            )
        )
        row: dict[str, Any] = {"playbook": "critical", "version": 1, "started_at": NOW, **values}
        self.add(
            Intervention(
                id=key,
                organisation_id=self.organisation,
                customer_id=customer,
                transition_id=f"transition-{key}",
                start=key,
                workflow_id=f"risk/{self.organisation}/{customer}",
                definition={"title": "Critical: win the customer back"},
                level="CRITICAL",
                score=12.5,
                **row,
            )
        )
        return key

    def scores(self, customer: str) -> list[Score]:
        """A customer's scores, oldest first."""
        with self.store.read() as session:
            query = select(Score).where(Score.customer_id == customer)
            return sorted(session.exec(query).all(), key=lambda row: (row.scored_at, row.id))

    def transitions(self, customer: str) -> list[Transition]:
        """A customer's transitions, oldest first."""
        with self.store.read() as session:
            query = select(Transition).where(Transition.customer_id == customer)
            return sorted(session.exec(query).all(), key=lambda row: row.sequence)


def calls_of(plan: ScorePlan) -> list[PartitionCall]:
    """A call for each partition of a run."""
    shared = {"run": plan.run, "organisation": plan.organisation, "as_of": plan.as_of}
    return [PartitionCall(**shared, scorecard=plan.scorecard, partition=part) for part in plan.partitions]


def run_all(
    world: World, now: datetime = NOW, *, size: int = 3, again: str = ""
) -> tuple[ScorePlan, list[PartitionResult]]:
    """A whole run: its plan and what its partitions came to."""
    repository = ScoreRepository(world.store, size)
    plan = repository.begin_run(ScoreRequest(organisation=world.organisation, again=again), now)
    return plan, [repository.score_partition(call) for call in calls_of(plan)]
