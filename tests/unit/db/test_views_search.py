"""The search, and what stands beside the list of a day, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from keepwell.db.engine import Store
from keepwell.db.repositories.views_beside import fell_since, running_playbooks, team_of
from keepwell.db.repositories.views_customer import standing_of
from keepwell.db.repositories.views_customer_metrics import metrics_of
from keepwell.db.repositories.views_search import Found, search
from keepwell.db.tables import Customer, Organisation
from tests.unit.db.world import DAY, NOW, World

HOUR = timedelta(hours=1)


@pytest.fixture
def world(store: Store) -> World:
    """Acme and Acorn of Dana, Beta of nobody; and another organisation with an Acme."""
    other = World(store, organisation="org-2", key="elsewhere")
    other.customer("acme-2", name="Acme Elsewhere")
    other.contact("grace-2", "acme-2", name="Grace Elsewhere")
    world = World(store)
    world.staff("dana")
    world.customer("acme", name="Acme 100 % Ltd", external_id="A-1", owner_id="dana")
    world.customer("acorn", name="The Acorn", owner_id="dana")
    world.customer("beta", name="Beta", external_id="b_7")
    world.contact("grace", "beta", name="Grace Brandt", email="g.brandt@beta.example", phone="+1 555 0107")
    return world


def found(world: World, text: str, limit: int = 10) -> Found:
    """What is found for Brightdesk."""
    with world.store.read() as session:
        return search(session, world.organisation, text, limit=limit)


def names(found: Found) -> list[str]:
    """The names of the customers."""
    return [one.name for one in found.customers]


def test_names_that_begin_so_come_before_those_that_contain_it(world: World) -> None:
    assert names(found(world, "ac")) == ["Acme 100 % Ltd", "The Acorn"]
    assert names(found(world, "AC", limit=1)) == ["Acme 100 % Ltd"]


def test_signs_mean_themselves(world: World) -> None:
    assert names(found(world, "0 %")) == ["Acme 100 % Ltd"]
    assert names(found(world, "b_")) == ["Beta"]
    assert found(world, "%%").total == 0
    assert found(world, " a ").short


def test_contacts_by_address_and_number(world: World) -> None:
    for text in ("brandt", "G.BRANDT@", "555 01"):
        contacts = found(world, text).contacts
        assert [(one.name, one.customer) for one in contacts] == [("Grace Brandt", "Beta")], text
    assert found(world, "elsewhere").total == 0


def test_interventions_by_id_playbook_and_customer(world: World) -> None:
    world.score("acme", 12, NOW)
    world.intervention("01HZXABCDEFG", "acme", owner_id="dana")
    for text in ("01hzx", "defg", "critical", "critical@1", "acme", "risk/org-1/acme"):
        assert [one.id for one in found(world, text).interventions] == ["01HZXABCDEFG"], text
    assert found(world, "critical@2").interventions == ()


def test_who_fell_and_what_runs(world: World) -> None:
    for customer, after in (("acme", 12), ("acorn", 45), ("beta", 90)):
        world.score(customer, 72, NOW - 3 * DAY)
        world.score(customer, after, NOW - HOUR)
    # Down and up again is no fall.
    world.customer("gamma")
    for points, hours in ((72, 80), (30, 5), (85, 2)):
        world.score("gamma", points, NOW - hours * HOUR)
    world.intervention("run-1", "acme", owner_id="dana")
    world.intervention("run-2", "acorn", owner_id="dana", paused=True)
    with world.store.read() as session:
        fell = fell_since(session, "org-1", NOW - DAY)
        assert [(one.customer, one.previous.value) for one in fell] == [
            ("Acme 100 % Ltd", "HEALTHY"),
            ("The Acorn", "HEALTHY"),
        ]
        assert fell_since(session, "org-1", NOW - DAY, owners=("nobody",)) == ()
        (running,) = running_playbooks(session, "org-1", owners=("dana",))
        assert (running.playbook, running.open, running.still) == ("critical@1", 2, 1)
        assert running_playbooks(session, "org-2") == ()


def test_a_team_is_who_has_the_same_manager_and_whom_one_leads(world: World) -> None:
    world.staff("lena", role="lead")
    for one in ("omar", "erin", "gone"):
        world.staff(one, manager_id="lena", active=one != "gone")
    with world.store.read() as session:
        assert team_of(session, "omar") == ("omar", "erin")
        assert team_of(session, "lena") == ("lena", "erin", "omar")
        assert team_of(session, "dana") == ("dana",)


def test_earned_and_possible_points_add_up_to_the_score(world: World) -> None:
    world.at_points("acme", 40, NOW, daily_active_rate=100)
    world.rescore("acme", NOW)
    with world.store.read() as session:
        house = session.get_one(Organisation, "org-1")
        standing = standing_of(session, house, session.get_one(Customer, "acme"))
        categories = metrics_of(standing)
        assert standing_of(session, house, session.get_one(Customer, "beta")) is None
        assert metrics_of(None) == ()
    assert sum(one.possible for one in categories) == 100
    assert sum(one.earned or 0 for one in categories) == pytest.approx(world.health("acme").score, abs=0.05)
    usage = categories[0]
    assert (usage.name, usage.coverage) == ("usage", 1.0)
    assert [one.points for one in usage.metrics][-1] == 100
    assert usage.metrics[0].lost == pytest.approx(6.0)
