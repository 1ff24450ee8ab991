"""Which of a customer's interventions its name means, where several are open side by side."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from keepwell.cli import engine
from keepwell.contracts.commands import Acknowledge, Answer
from keepwell.contracts.intervention import Opened
from keepwell.db.engine import Store
from keepwell.db.repositories.interventions import InterventionRepository
from keepwell.db.repositories.views import find_intervention, open_beside
from keepwell.db.repositories.views_interventions import interventions
from keepwell.db.tables import Intervention
from tests.unit.cli.conftest import Begun, Cli, begin
from tests.unit.db.payments import raised, request
from tests.unit.db.world import NOW, World

HOUR = timedelta(hours=1)


def payment_failed(world: World, at: datetime) -> str:
    """Priority support begins for Acme; the intervention's id."""
    opened = InterventionRepository(world.store).open(request(world, raised(world, at), at))
    assert isinstance(opened, Opened)
    return opened.intervention


def end(world: World, intervention: str, at: datetime) -> None:
    world.change(Intervention, intervention, outcome="stopped", outcome_why="enough", ended_at=at)


def test_a_name_means_what_runs_the_risk_playbook_first(store: Store) -> None:
    world = World(store)
    begun = begin(world)
    payment = payment_failed(world, begun.started + HOUR)
    campaign = world.intervention("campaign", "acme", family="expansion", started_at=begun.started + 2 * HOUR)

    def meant(text: str = "acme", step: str = "") -> str:
        with store.read() as session:
            return find_intervention(session, world.organisation, text, step)

    with store.read() as session:
        lines = interventions(session, world.organisation, NOW)
        assert [one.id for one in open_beside(session, begun.id)] == [campaign, payment]
    assert [one.id for one in lines] == [begun.id, campaign, payment], "never scored comes last"
    assert (lines[-1].level, lines[-1].score) == (None, None)
    assert meant() == begun.id
    assert meant(step="fix_payment") == payment, "the one that has the step"
    assert meant(step="nonsense") == begun.id
    assert meant(payment[-8:]) == payment, "an id means itself"
    end(world, begun.id, begun.started + 9 * HOUR)
    assert meant() == campaign
    end(world, campaign, begun.started + 5 * HOUR)
    assert meant() == payment
    end(world, payment, begun.started + 6 * HOUR)
    assert meant() == begun.id, "none is open: what ended last"
    with store.read() as session:
        assert open_beside(session, begun.id) == ()


def test_what_is_open_beside_is_named(cli: Cli, begun: Begun, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Open beside it" not in cli("intervention", "acme").out
    payment = payment_failed(begun.world, begun.started + HOUR)
    beside = f"Open beside it: priority_support@2 ({payment[-8:]})"
    assert beside in cli("intervention", "acme").out
    shown = cli("intervention", "acme", "--json").json
    assert shown["intervention"]["id"] == begun.id
    assert shown["beside"] == [{"id": payment, "playbook": "priority_support@2"}]
    other = cli("intervention", payment[-8:]).out
    assert f"Open beside it: critical@3 ({begun.id[-8:]})" in other
    assert "never scored" in other

    answer = Answer(command="c", text="Acknowledged: it will not be escalated.", noted_at=NOW)
    monkeypatch.setattr(engine, "with_client", lambda *_: answer)
    assert cli("acknowledge", "acme").out.splitlines() == [
        "Acme Analytics, critical@3: Acknowledged: it will not be escalated.",
        beside,
    ]
    assert len(cli("acknowledge", begun.id[-8:]).out.splitlines()) == 1, "who names an id knows which"
    assert Acknowledge(**cli("acknowledge", "acme", "--json").json["command"]).intervention == begun.id


def test_a_step_says_which_is_meant(cli: Cli, begun: Begun, monkeypatch: pytest.MonkeyPatch) -> None:
    payment = payment_failed(begun.world, begun.started + HOUR)
    answer = Answer(command="c", text="Step fix_payment was completed by hand.", noted_at=NOW)
    monkeypatch.setattr(engine, "with_client", lambda *_: answer)
    for command, step, meant in (
        ("complete", "fix_payment", payment),
        ("skip", "call_them", payment),
        ("complete", "phone_call", begun.id),
    ):
        assert cli(command, "acme", step, "--json").json["intervention"] == meant
