"""How a customer stands before a rehearsal: its health, and the scorecard by which it is judged."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from keepwell.db.repositories.lookup import organisation_of
from keepwell.db.repositories.scorecards import scorecard_in_force
from keepwell.db.tables import Health
from keepwell.errors import InputError
from keepwell.rehearsal.actor import Actor
from scoring.levels import Level
from scoring.scorecard import Scorecard


def health_of(actor: Actor) -> tuple[Scorecard, Health | None]:
    """The scorecard in force, and the customer's health; None for one who has no score."""
    theatre = actor.theatre
    with theatre.store.write() as session:
        # Writes: a built-in scorecard is stored on its first use.
        organisation = organisation_of(session, theatre.organisation)
        _, card = scorecard_in_force(session, organisation, None, datetime.now(UTC))
        return card, session.get(Health, actor.customer)


def bands_of(card: Scorecard, levels: Collection[Level], wanted: str) -> list[tuple[float, float]]:
    """From where to where the scores of each band of these levels go, the best band first.

    Raises:
        InputError: there is no such band; `wanted` says in words what is missing.
    """
    tops = [100.0, *(band.lower for band in card.bands)]
    found = [(band.lower, top) for band, top in zip(card.bands, tops, strict=False) if band.level in levels]
    if not found:
        known = ", ".join(dict.fromkeys(band.level.value for band in card.bands))
        raise InputError(f"the scorecard {card.name} has no {wanted}.", hint=f"Its levels are: {known}.")
    return found
