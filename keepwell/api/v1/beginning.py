"""Whether a playbook may begin for a customer now, and what becomes of one that was to begin."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Final

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from keepwell.api.door import Door
from keepwell.api.following import Following
from keepwell.api.runs import UNREACHED
from keepwell.contracts.base import Frozen
from keepwell.db.repositories.enrolment import refusals_of
from keepwell.db.repositories.named import customer_named
from keepwell.db.repositories.views_transitions import Decision, decisions
from keepwell.db.tables import Health
from keepwell.errors import RefusedError
from keepwell.known_playbooks import playbook_for
from scoring.levels import Level

DECIDED_WITHIN: Final = 4.0
"""Seconds to wait for the run's decision; with a worker it takes one or two."""
LOOK_EVERY: Final = 0.2


class Possible(Frozen):
    """The playbook for a customer's level; `refusal` says why it may not begin now, "" if it may."""

    customer: str
    level: Level
    playbook: str
    refusal: str


def possible(door: Door, organisation: str, customer: str) -> Possible:
    """What would begin for a customer.

    Raises:
        NotFoundError: there is no such customer.
        RefusedError: it is not active, or has no level yet.
        InputError: there is no playbook for its level.
    """
    with door.store.read() as session:
        row = customer_named(session, organisation, customer)
        if not row.active:
            raise RefusedError(f"Customer {row.name} is not active.")
        health = session.get(Health, row.id)
        if health is None or health.level is None:
            raise RefusedError(
                f"Customer {row.name} has no level yet.", hint="Score it first; it may have too little data."
            )
        level = Level(health.level)
        playbook = playbook_for(door.settings, level, "customer")
        why = refusals_of(session, [row.id], playbook.name, playbook.cooldown, datetime.now(UTC))
    return Possible(customer=row.id, level=level, playbook=playbook.label, refusal=why.get(row.id, ""))


async def decided(app: FastAPI, door: Door, following: Following, transition: str) -> Decision | None:
    """Hand a transition over now, and wait a moment for what its run makes of it; None: nobody knows yet."""
    try:
        await following.look(app)
    except UNREACHED:
        # The sweep hands it over.
        return None
    end = time.monotonic() + DECIDED_WITHIN
    while True:
        found = await run_in_threadpool(_decision, door, transition)
        if found.decision is not None or time.monotonic() > end:
            return found
        await asyncio.sleep(LOOK_EVERY)


def _decision(door: Door, transition: str) -> Decision:
    with door.store.read() as session:
        return decisions(session, [transition])[0]
