"""`keepwell offer`: whose offer is meant, and one that was accepted already."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from keepwell.contracts.playbook import Playbook
from keepwell.db.repositories.views_offers import find_offering
from keepwell.db.tables import Customer, Intervention, Offer
from keepwell.errors import NotFoundError
from tests.unit.cli.conftest import Cli
from tests.unit.db.world import DAY, NOW, World
from workflows.critical import CRITICAL
from workflows.expansion import USAGE_LIMIT
from workflows.expansion_short import API_SCALING


@pytest.fixture
def acme(world: World) -> World:
    """A customer who is well."""
    world.customer("acme", name="Acme")
    world.score("acme", 72, NOW - 40 * DAY)
    return world


def begun(world: World, key: str, playbook: Playbook, days: int, **values: Any) -> str:
    """An intervention that began so many days ago."""
    world.intervention(key, "acme", playbook=playbook.name, started_at=NOW - days * DAY, **values)
    world.change(Intervention, key, definition=playbook.model_dump(mode="json"), family=playbook.family)
    return key


def offered(world: World, intervention: str, state: str, **values: Any) -> None:
    """An offer of an upgrade, made a week ago."""
    made = NOW - 7 * DAY
    world.add(
        Offer(
            id=f"offer-{intervention}",
            organisation_id=world.organisation,
            customer_id="acme",
            intervention_id=intervention,
            step="offer",
            valid_for=timedelta(days=14),
            state=state,
            offered_at=made,
            valid_until=made + 14 * DAY,
            **values,
        )
    )


def meant(world: World, text: str = "Acme") -> str:
    """The intervention whose offer is meant."""
    with world.store.read() as session:
        return find_offering(session, world.organisation, text)


def accepted(world: World) -> None:
    """The upgrade was taken a day ago, and the campaign ended with it."""
    begun(world, "campaign-one", USAGE_LIMIT, 9, outcome="converted", ended_at=NOW - DAY)
    terms = {"kind": "upgrade", "plan": "Business"}
    offered(world, "campaign-one", "accepted", decided_at=NOW - DAY, decided_by="Ada", terms=terms)


def test_what_was_accepted_is_said_with_its_day_though_another_campaign_runs(cli: Cli, acme: World) -> None:
    accepted(acme)
    begun(acme, "campaign-two", API_SCALING, 0)
    assert API_SCALING.offer is None
    for command in (("accept", "Acme", "upgrade"), ("decline", "Acme"), ("seen", "campaign-one")):
        again = cli("offer", *command)
        assert again.code == 4
        said = " ".join(again.err.split())
        assert "Acme has accepted the offer of usage_limit@1 already: upgrade, onto Business, on " in said
        assert "20 Nov" in said
        assert "(noted by Ada)" in said


def test_an_open_offer_comes_first_then_one_to_come_then_the_newest(acme: World) -> None:
    with pytest.raises(NotFoundError, match="no intervention yet"):
        meant(acme)
    begun(acme, "campaign-zero", API_SCALING, 20, outcome="completed", ended_at=NOW - 15 * DAY)
    assert meant(acme) == "campaign-zero", "it says by itself that it makes none"
    accepted(acme)
    assert meant(acme) == "campaign-one"
    begun(acme, "critical-one", CRITICAL, 1)
    begun(acme, "campaign-two", API_SCALING, 0)
    assert meant(acme) == "critical-one", "its offer may be taken on the phone before it is made"
    begun(acme, "campaign-three", USAGE_LIMIT, 3)
    offered(acme, "campaign-three", "seen")
    assert meant(acme) == "campaign-three"
    assert meant(acme, "campaign-one") == "campaign-one"


def test_long_names_leave_room_for_what_became_of_it(
    cli: Cli, acme: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    acme.change(Customer, "acme", name="Acme Analytics and Considerably Longer Named Holdings GmbH & Co. KG")
    accepted(acme)
    out = cli("offer", "list").out
    assert " accepted " in out
    assert "Business" in out
