"""Settings, addresses and time zones."""

from __future__ import annotations

import pytest

from keepwell.db.tables import Organisation
from keepwell.doctor import environment, organisation
from tests.unit.db.world import World
from tests.unit.doctor.conftest import MakeScene


def test_a_misspelt_variable(make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [one.kind for one in environment.variables(make_scene())] == ["ok"]
    monkeypatch.setenv("KEEPWELL_TASK_QUEU", "x")
    (found,) = environment.variables(make_scene())
    assert found.kind == "warning"
    assert found.found == "KEEPWELL_TASK_QUEU is not used: did you mean KEEPWELL_TASK_QUEUE?"


def test_addresses(small: World, make_scene: MakeScene) -> None:
    kinds = [(one.kind, one.who) for one in organisation.addresses(make_scene(world=small))]
    assert kinds == [("warning", "user")] * 3
    live = organisation.addresses(make_scene(world=small, sending="live"))
    assert [one.kind for one in live] == ["problem", "warning", "problem"]
    assert live[0].todo == "Set it: keepwell organisation set sender_address=team@example.com"
    small.change(
        Organisation,
        small.organisation,
        sender_address="a@b.example",
        sender_name="B",
        postal_address="Street 1",
    )
    assert [one.kind for one in organisation.addresses(make_scene(world=small, sending="live"))] == ["ok"]


def test_zones(world: World, make_scene: MakeScene) -> None:
    world.staff("dana", time_zone="Europe/Berlin")
    world.customer("acme", time_zone="")
    (well,) = organisation.zones(make_scene(world=world))
    assert well.kind == "ok"
    assert well.found.startswith("every time zone of people exists, 1 in use")
    world.staff("lee", time_zone="Berlin")
    world.customer("blue", time_zone="Mars/Olympus")
    world.customer("red", time_zone="Mars/Olympus")
    world.contact("mara", "acme", time_zone="CET+25")
    world.change(Organisation, world.organisation, time_zone="Nowhere")
    found = organisation.zones(make_scene(world=world))
    assert [one.kind for one in found] == ["problem", "warning", "warning", "warning"]
    assert [one.found.split(",")[0] for one in found] == [
        "the organisation's time zone 'Nowhere' does not exist: no daily run",
        "1 member of staff has the time zone 'Berlin'",
        "2 customers have the time zone 'Mars/Olympus'",
        "1 contact has the time zone 'CET+25'",
    ]


def test_a_machine_without_zone_data(
    small: World, make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(organisation, "known_zone", lambda name: None)
    (found,) = organisation.zones(make_scene(world=small))
    assert (found.kind, found.todo) == ("problem", "Install the Python package tzdata.")
