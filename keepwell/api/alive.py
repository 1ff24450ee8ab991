"""Whether the process answers, and whether it can work."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import text

from keepwell import __version__
from keepwell.api.door import AtDoor
from keepwell.api.problems import Problem

router = APIRouter(tags=["operations"])


@router.get("/health")
def health() -> dict[str, str]:
    """The process runs."""
    return {"status": "ok", "version": __version__}


@router.get("/ready", responses={503: {"model": Problem, "description": "The database does not answer"}})
def ready(door: AtDoor) -> dict[str, str]:
    """The database answers too; a 503 where it does not."""
    with door.store.read() as session:
        session.connection().execute(text("SELECT 1"))
    return {"status": "ready"}
