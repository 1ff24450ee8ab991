"""What becomes of an offer when its intervention ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from keepwell.contracts.intervention import Ending, Outcome
from keepwell.db.engine import Store
from keepwell.db.repositories.interventions import InterventionRepository
from keepwell.db.tables import Offer
from tests.unit.db.test_growth import begin, offer
from tests.unit.db.world import DAY, NOW, World

CLOSES = NOW + 4 * DAY
"""When the offer's time is over, and its playbook's too."""


@pytest.fixture
def world(store: Store) -> World:
    made = World(store)
    made.customer("acme")
    made.score("acme", 12, NOW - DAY)
    begin(made)
    return made


@pytest.mark.parametrize(
    ("state", "sooner", "became"),
    [
        ("offered", timedelta(milliseconds=-3), "expired"),
        ("offered", timedelta(milliseconds=3), "expired"),
        ("seen", timedelta(), "expired"),
        ("offered", timedelta(hours=1), "withdrawn"),
        ("accepted", timedelta(), "accepted"),
        ("declined", timedelta(), "declined"),
    ],
)
def test_an_offer_that_had_its_time_expires_and_another_is_withdrawn(
    world: World, state: str, sooner: timedelta, became: str
) -> None:
    """Milliseconds do not decide where both end at the same moment."""
    offer(world, state=state)
    ending = Ending(
        organisation="org-1",
        customer="acme",
        intervention="i-1",
        outcome=Outcome.COMPLETED,
        why="All is done",
        by="engine",
        now=CLOSES - sooner,
    )
    InterventionRepository(world.store).end(ending, None)
    with world.store.read() as session:
        assert session.get_one(Offer, "o-1").state == became
