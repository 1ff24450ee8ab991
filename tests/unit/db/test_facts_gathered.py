"""What a template reads is gathered in full; what it does not read is not looked for."""

from __future__ import annotations

import pytest

from keepwell.contracts.rendering import Context
from keepwell.contracts.shown import ShownFigures
from keepwell.db.engine import Store
from keepwell.db.repositories.facts_case import case_of
from keepwell.db.repositories.facts_health import health_at_the_start
from keepwell.rendering.bundle import load_bundle
from keepwell.rendering.names import COSTLY_PARTS, facts_used
from tests.databases import statements
from tests.unit.db.facts_case import call_of, context_of, in_trouble, similar
from tests.unit.db.world import World
from tests.unit.test_facts_used import NAMES, without

USES = sorted({facts_used(load_bundle(name)) for name in NAMES}, key=sorted)


@pytest.fixture
def world(store: Store) -> World:
    made = World(store)
    made.staff("lena", role="lead")
    made.staff("ola", manager_id="lena")
    made.customer("acme", monthly_revenue=1250, industry="retail", segment="mid-market")
    made.contact("ann", "acme")
    in_trouble(made)
    similar(made, 6, industry="retail", segment="mid-market")
    return made


def test_each_template_gets_all_that_it_reads(world: World) -> None:
    whole = context_of(world)
    assert whole.peers.count and whole.shown.steps and whole.health.costly[0].metric.history  # noqa: PT018
    for uses in USES:
        found = context_of(world, uses=uses)
        for field in uses & Context.model_fields.keys():
            expected = without({field: whole.model_dump()[field]}, COSTLY_PARTS - uses)
            assert without({field: found.model_dump()[field]}, frozenset()) == expected, (field, uses)


def test_nothing_is_looked_for_that_nobody_reads(world: World) -> None:
    with statements(world.store) as all_of_them:
        context_of(world)
    with statements(world.store) as few:
        context = context_of(world, uses=frozenset({"customer", "organisation", "sender"}))
    assert len(few) < len(all_of_them) / 2
    assert not [one for one in few if "FROM metric" in one or "FROM score" in one]
    assert (context.shown, context.owner) == (ShownFigures(), None)
    with world.store.read() as session:
        assert context.health == health_at_the_start(case_of(session, call_of()))
