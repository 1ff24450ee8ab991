"""What the store says of all customers, read again and again by one reader for all who wait for something."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col

from keepwell.db.engine import Store
from keepwell.db.tables import Intervention, Transition
from keepwell.errors import StoreError

EVERY = 0.4
"""Seconds between two looks."""


@dataclass(frozen=True)
class Open:
    """An intervention, open or not."""

    id: str
    customer: str
    family: str
    started_at: datetime
    outcome: str | None
    held: str


@dataclass
class Board:
    """`decided` are the transitions' decisions by id."""

    store: Store
    decided: dict[str, str | None] = field(default_factory=dict)
    interventions: dict[tuple[str, str], list[Open]] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def of(self, customer: str, family: str) -> Sequence[Open]:
        """A customer's interventions of a family, oldest first."""
        return self.interventions.get((customer, family), [])

    async def until(self, true: Callable[[Board], bool]) -> None:
        """Wait until something is so."""
        while not true(self):
            await self._changed.wait()

    async def run(self) -> None:
        """Read for ever."""
        while True:
            with suppress(StoreError):
                await asyncio.to_thread(self._read)
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()
            await asyncio.sleep(EVERY)

    def _read(self) -> None:
        # By the columns: the playbooks that the rows hold are large.
        query = select(
            col(Intervention.id),
            col(Intervention.customer_id),
            col(Intervention.family),
            col(Intervention.started_at),
            col(Intervention.outcome),
            col(Intervention.held_why),
        ).order_by(col(Intervention.id))
        with self.store.read() as session:
            connection = session.connection()
            rows = connection.execute(query).all()
            decided = connection.execute(select(col(Transition.id), col(Transition.decision))).all()
        found: dict[tuple[str, str], list[Open]] = {}
        for row in rows:
            found.setdefault((row[1], row[2]), []).append(Open(*row))
        self.decided, self.interventions = {row[0]: row[1] for row in decided}, found
