"""When a campaign has to be told to wait, and when it may go on."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from keepwell.db.engine import Store
from keepwell.db.repositories.holding import held_because, may_go_on, must_hold
from keepwell.db.tables import Health, Intervention
from tests.unit.db.world import DAY, NOW, World


@dataclass(frozen=True)
class Case:
    """A customer: the level, whether a risk playbook and a campaign run, and whether that one is held."""

    level: str | None = "HEALTHY"
    risk: bool = False
    campaign: bool = True
    held: str = ""

    def lay_out(self, world: World) -> None:
        world.customer("acme")
        world.score("acme", 72, NOW - DAY)
        world.change(Health, "acme", level=self.level)
        world.intervention("risk", "acme")
        world.intervention("campaign", "acme", family="expansion", held_why=self.held)
        for key, runs in (("risk", self.risk), ("campaign", self.campaign)):
            if not runs:
                world.change(Intervention, key, outcome="completed", ended_at=NOW)


@pytest.mark.parametrize(
    ("case", "why", "hold", "go_on"),
    [
        (Case(), "", False, False),
        (Case(level="THRIVING"), "", False, False),
        (Case(level=None), "", False, False),
        (Case(held="at risk"), "", False, True),
        (Case(level="AT_RISK"), "No playbook runs, but the level is AT_RISK", True, False),
        (Case(level="AT_RISK", held="at risk"), "No playbook runs, but the level is AT_RISK", True, False),
        (Case(risk=True), "critical@1 runs: the customer was at risk", True, False),
        (Case(risk=True, level=None), "critical@1 runs: the customer was at risk", True, False),
        (
            Case(risk=True, level="CRITICAL", held="at risk"),
            "critical@1 runs: the level is CRITICAL",
            True,
            False,
        ),
        (Case(risk=True, campaign=False), "critical@1 runs: the customer was at risk", False, False),
        (
            Case(level="HIGH_RISK", campaign=False),
            "No playbook runs, but the level is HIGH_RISK",
            False,
            False,
        ),
        (Case(campaign=False, held="at risk"), "", False, False),
    ],
)
def test_a_campaign_waits_as_long_as_its_customer_is_at_risk(
    sqlite_store: Store, case: Case, why: str, hold: bool, go_on: bool
) -> None:
    """One that is not held must hold all the same: it may just have been let go."""
    world = World(sqlite_store)
    case.lay_out(world)
    with world.store.read() as session:
        assert held_because(session, "acme") == why
        assert must_hold(session, "acme") is hold
        assert may_go_on(session, "acme") is go_on
