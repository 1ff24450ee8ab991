"""What follows from what came in: alerts are brought to their playbooks, new scores to their runs, at once.

Who is to be looked at is remembered in memory alone: whatever a process that ends leaves undone, the monitor
and the sweep do at their next pass.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import Depends, FastAPI
from sqlmodel import Session, col, select
from starlette.requests import HTTPConnection

from keepwell.api.door import Door
from keepwell.api.runs import runs_of
from keepwell.api.telling import Bell, again_and_again
from keepwell.db.repositories.campaigns import OpportunityRepository
from keepwell.db.repositories.monitor import MonitorRepository
from keepwell.db.tables import Transition

MOST: Final = 1_000
"""Customers that are remembered; those of a greater import are found by the next pass."""

Followed = tuple[str, str]


class Following:
    """The customers that something has come in about: (organisation, our id), each once."""

    def __init__(self) -> None:
        self._waiting: deque[Followed] = deque(maxlen=MOST)

    def look_at(self, organisation: str, customer: str) -> None:
        """Look at this customer next; any thread may call it."""
        if (organisation, customer) not in self._waiting:
            self._waiting.append((organisation, customer))

    async def look(self, app: FastAPI) -> None:
        """One look at everybody who waits.

        Raises:
            KeepwellError: no server answers; who waits then is left to the monitor and the sweep.
        """
        if not self._waiting:
            return
        waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
        door: Door = app.state.door
        found = await asyncio.to_thread(_undone, door, waiting)
        if found.anything:
            await _hand_over(app, door, found, {organisation for organisation, _ in waiting})


@dataclass(frozen=True, slots=True)
class _Undone:
    """Transitions and alerts that nobody has decided upon, and customers whose campaign may begin."""

    transitions: list[str]
    alerts: list[str]
    growing: list[str]

    @property
    def anything(self) -> bool:
        return bool(self.transitions or self.alerts or self.growing)


async def _hand_over(app: FastAPI, door: Door, undone: _Undone, organisations: Iterable[str]) -> None:
    from worker import make_hand_over  # noqa: PLC0415  (it loads the workflows)

    sender = make_hand_over(door.settings, door.store, await runs_of(app).client())
    now = datetime.now(UTC)
    for transition in undone.transitions:
        await sender.hand_over(transition, now)
    if undone.alerts:
        for organisation in organisations:
            # First what is over: it would keep the same playbook from beginning anew.
            await sender.end_events(organisation, now)
    for alert in undone.alerts:
        await sender.start_event(alert, now)
    campaigns = OpportunityRepository(door.store)
    for customer in undone.growing:
        waiting = await asyncio.to_thread(campaigns.waiting_of, customer)
        if waiting is not None and not waiting.blocked(now):
            await sender.start_campaign(waiting, now)


def _undone(door: Door, waiting: list[Followed]) -> _Undone:
    monitor, campaigns = MonitorRepository(door.store), OpportunityRepository(door.store)
    customers = [customer for _, customer in waiting]
    with door.store.read() as session:
        transitions = _undecided(session, customers)
    alerts = [alert for customer in customers for alert in monitor.undecided_of(customer)]
    growing = [customer for customer in customers if campaigns.waiting_of(customer) is not None]
    return _Undone(transitions, alerts, growing)


def _undecided(session: Session, customers: list[str]) -> list[str]:
    query = select(Transition.id).where(
        col(Transition.customer_id).in_(customers),
        col(Transition.decision).is_(None),
        col(Transition.handed).is_(None),
    )
    return list(session.exec(query.order_by(col(Transition.at), col(Transition.sequence))).all())


def following_of(app: FastAPI) -> Following:
    """The application's; made at the first call."""
    if not hasattr(app.state, "following"):
        app.state.following = Following()
    found: Following = app.state.following
    return found


@asynccontextmanager
async def followed(app: FastAPI, bell: Bell) -> AsyncIterator[None]:
    """Look in the background whenever the bell rings, as it does after what may change something."""
    task = asyncio.create_task(again_and_again(lambda: following_of(app).look(app), bell.listen()))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _following(connection: HTTPConnection) -> Following:
    return following_of(connection.app)


AtFollowing = Annotated[Following, Depends(_following)]
"""The parameter of an endpoint after whose work something may follow."""
