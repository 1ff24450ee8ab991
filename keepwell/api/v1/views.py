"""Views of the portfolio that people keep, for themselves or for everybody."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field, StrictBool

from keepwell.api.access import ForbiddenError, Principal, Reader
from keepwell.api.door import AtDoor
from keepwell.api.problems import problems
from keepwell.api.v1.asked import Text
from keepwell.contracts.access import Permission
from keepwell.contracts.base import Frozen, Strict
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.saved_views import ViewLine, drop_view, put_view, saved_views
from keepwell.errors import RefusedError

router = APIRouter(prefix="/api/v1/views", tags=["views"], responses=problems(404, 409))

Named = Annotated[Text, Path(min_length=1, max_length=80, description="The view's name.")]
Shared = Annotated[bool, Query(description="The one that everybody has.")]


class ViewIn(Strict):
    """Filters and order as they stand behind the ? of the portfolio's address; shared: for everybody."""

    query: Annotated[Text, Field(max_length=1000)]
    shared: StrictBool = False


class ViewAnswer(Frozen):
    """A view, and what was done with it."""

    view: ViewLine
    text: str


@router.get("")
def list_views(who: Reader, door: AtDoor) -> Page[ViewLine]:
    """One's own views, then those that everybody has."""
    with door.store.read() as session:
        return Page[ViewLine](items=saved_views(session, who.organisation_id, who.account_id))


@router.put("/{name}")
def put_a_view(name: Named, wanted: ViewIn, who: Reader, door: AtDoor) -> ViewAnswer:
    """Keep a view under a name, in place of one that has it."""
    with door.store.write() as session:
        whose = _whose(who, shared=wanted.shared)
        line = put_view(session, who.organisation_id, whose, name, wanted.query, datetime.now(UTC))
    return ViewAnswer(view=line, text=f"The view {name!r} is kept{' for everybody' if line.shared else ''}.")


@router.delete("/{name}")
def remove_a_view(name: Named, who: Reader, door: AtDoor, shared: Shared = False) -> ViewAnswer:
    """Take a view away."""
    with door.store.write() as session:
        line = drop_view(session, who.organisation_id, _whose(who, shared=shared), name)
    return ViewAnswer(view=line, text=f"The view {name!r} is gone.")


def _whose(who: Principal, *, shared: bool) -> str | None:
    """The account whose view it is; None for everybody's, which those who act for customers may change."""
    if not shared:
        if who.account_id is None:
            raise RefusedError("A key has no views of its own.", hint="Say that the view is shared.")
        return who.account_id
    if Permission.ACT not in who.permissions:
        raise ForbiddenError(
            "Views that everybody has need the permission act.", hint="Keep it for yourself instead."
        )
    return None
