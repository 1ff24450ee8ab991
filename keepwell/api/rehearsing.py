"""The desk of rehearsals behind the endpoints and pages, made once per process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from keepwell.api.door import Door
from keepwell.rehearsal.service import RehearsalDesk


@asynccontextmanager
async def rehearsing(door: Door) -> AsyncIterator[RehearsalDesk]:
    """The desk, for as long as the process answers: nothing it has started outlives the block."""
    desk = RehearsalDesk(door.settings, door.store)
    try:
        yield desk
    finally:
        await asyncio.to_thread(desk.close)


def _desk(connection: HTTPConnection) -> RehearsalDesk:
    desk: RehearsalDesk = connection.app.state.rehearsals
    return desk


AtRehearsals = Annotated[RehearsalDesk, Depends(_desk)]
"""The parameter of an endpoint that gets it."""
