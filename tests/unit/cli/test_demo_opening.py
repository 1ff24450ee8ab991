"""What `make demo` says of those in trouble whom no playbook began for."""

from __future__ import annotations

from keepwell.cli.demo_commands import commands_to_try
from keepwell.cli.demo_view import _baseline
from keepwell.demo.happened import happened
from scoring.levels import Level
from tests.unit.db.world import NOW, World


def test_whose_level_is_older_is_counted_and_can_be_enrolled(world: World) -> None:
    for name, score in (("old", 12.0), ("older", 15.0), ("begun", 9.0), ("risk", 50.0), ("well", 80.0)):
        world.customer(name, owner_id=None)
        world.score(name, score, NOW)
    world.intervention("one", "begun", started_at=NOW)
    with world.store.read() as session:
        found = happened(session, world.organisation, NOW)
    assert found.before == {Level.CRITICAL: 2, Level.AT_RISK: 1}
    assert _baseline(found.before) == (
        "2 of the CRITICAL and 1 of the AT_RISK were so before the demo began: a first score is a baseline "
        "and starts nothing. keepwell enrol --level CRITICAL --limit 5 starts the worst of them"
    )
    assert commands_to_try(found)[-1][1] == [
        "enrol",
        "--level",
        "CRITICAL",
        "--limit",
        "5",
        "--yes",
        "--by",
        "demo",
    ]
