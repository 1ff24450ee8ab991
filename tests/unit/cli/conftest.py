"""A command line on a store of its own, and an intervention as its run would have left it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from keepwell.cli.app import run
from keepwell.contracts.delivery import Accepted, Message, Recipient
from keepwell.contracts.intervention import Opened, OpenRequest, ScoreChange, StepCall
from keepwell.contracts.playbook import Channel
from keepwell.contracts.rendering import Rendered
from keepwell.db.engine import Store
from keepwell.db.repositories.interventions import InterventionRepository
from keepwell.db.repositories.ledger import LedgerRepository
from keepwell.db.repositories.steps import StepRepository
from keepwell.db.tables import OutboxMessage, Transition
from scoring.levels import Level
from tests.unit.db.world import DAY, NOW, World
from workflows.critical import CRITICAL


@dataclass(frozen=True)
class Result:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


Cli = Callable[..., Result]


@pytest.fixture(autouse=True)
def _environment(
    clean_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str
) -> None:
    monkeypatch.setenv("KEEPWELL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KEEPWELL_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("KEEPWELL_ORGANISATION", "brightdesk")
    monkeypatch.setenv("COLUMNS", "150")


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Carries out a command line: cli("customers", "--json")."""

    def call(*arguments: str) -> Result:
        capsys.readouterr()
        code = run(arguments)
        printed = capsys.readouterr()
        return Result(code, printed.out, printed.err)

    return call


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    """An organisation with nobody in it, in the store that the command line uses."""
    store = Store(sqlite_url)
    yield World(store)
    store.dispose()


@dataclass
class Begun:
    """An intervention of the critical playbook that has begun two hours ago."""

    world: World
    id: str
    customer: str
    started: datetime

    def call(self, step: str, at: datetime) -> StepCall:
        """The call of a step, as the run would make it."""
        found = CRITICAL.step(step)
        assert found is not None
        return StepCall(
            organisation=self.world.organisation,
            customer=self.customer,
            intervention=self.id,
            playbook=CRITICAL.label,
            step=found,
            templates={},
            now=at,
        )

    def send(self, step: str, at: datetime) -> str:
        """Send a step's email through the ledger to the outbox; the outbox message's id."""
        store, call = self.world.store, self.call(step, at)
        recipient = Recipient(
            id="mara", kind="contact", name="Mara Lind", address="mara@acme.example", time_zone="UTC"
        )
        ledger, key = LedgerRepository(store), f"{self.id}/{step}"
        ledger.plan(call, key, recipient, "email")
        message = Message(
            key=key,
            organisation=self.world.organisation,
            customer=self.customer,
            channel=Channel.EMAIL,
            recipient=recipient,
            sender_name="Vera",
            sender_address="vera@brightdesk.example",
            subject=f"About {step}",
            text="Dear Mara,\nhow are you?",
            html="<p>Dear Mara</p>",
        )
        row = OutboxMessage(
            id=f"message-{step}",
            organisation_id=self.world.organisation,
            customer_id=self.customer,
            key=key,
            channel="email",
            recipient_name=recipient.name,
            address=recipient.address,
            sender_name=message.sender_name,
            sender_address=message.sender_address,
            subject=message.subject,
            text=message.text,
            html=message.html,
            attachments={"plan.html": "<p>plan</p>"},
            accepted_at=at,
        )
        self.world.add(row)
        ledger.begin(call, key, "lease", at + timedelta(seconds=45))
        ledger.accept(call, key, message, Accepted(provider="outbox", provider_id=f"message-{step}"))
        return f"message-{step}"

    def document(self, step: str, at: datetime) -> None:
        """Write a step's document."""
        text = Rendered(subject="A roadmap", text="Do this", html="<h1>Do this</h1>")
        StepRepository(self.world.store).add_document(self.call(step, at), text)


@pytest.fixture
def begun(world: World) -> Begun:
    """Acme fell from 70 to 12 today; its critical playbook runs, owned by Dana."""
    return begin(world)


def begin(world: World) -> Begun:
    """Let Acme fall and its intervention begin, as its run would."""
    world.staff("dana", name="Dana Reyes")
    world.customer("acme", name="Acme Analytics", owner_id="dana", monthly_revenue=1200.0)
    world.contact("mara", "acme", name="Mara Lind")
    fell = datetime.now(NOW.tzinfo) - timedelta(hours=2)
    world.score("acme", 70, fell - DAY)
    world.score("acme", 12, fell)
    with world.store.read() as session:
        row = session.exec(select(Transition)).one()
    change = ScoreChange(
        transition=row.id, sequence=1, level=Level.CRITICAL, previous=Level.HEALTHY, score=12.0, at=row.at
    )
    opened = InterventionRepository(world.store).open(
        OpenRequest(
            organisation=world.organisation,
            customer="acme",
            start="start-1",
            change=change,
            playbook=CRITICAL,
            workflow_id="risk/org-1/acme",
            now=row.at,
        )
    )
    assert isinstance(opened, Opened)
    return Begun(world, opened.intervention, "acme", row.at)
