"""What every page of the console has: who looks, their organisation, the time, and the template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import Request, Security
from fastapi.responses import HTMLResponse
from fastapi.security import SecurityScopes

from keepwell.api.access import ForbiddenError, NotSignedInError, Principal, csrf_of, who_asks
from keepwell.api.cookies import session_token
from keepwell.api.door import AtDoor, Door
from keepwell.api.rates import rates_of
from keepwell.console.pages import render
from keepwell.contracts.access import Permission
from keepwell.db.repositories.views_live import where_now
from keepwell.db.repositories.zones import first_zone
from keepwell.db.tables import Organisation

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; font-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}
"""No script but ours, nobody else's frame, and nothing kept by a shared browser."""


@dataclass(frozen=True)
class View:
    """One request for a page."""

    request: Request
    door: Door
    who: Principal
    organisation: Organisation
    now: datetime
    csrf: str
    live: str
    """Up to where it shows what has happened: `live.js` hears of what comes after."""

    @property
    def zone(self) -> ZoneInfo:
        """The organisation's zone, in which pages show moments."""
        return ZoneInfo(first_zone(self.organisation.time_zone))

    def may(self, permission: str) -> bool:
        """Whether whoever looks has a permission."""
        return permission in self.who.permissions

    def page(
        self, template: str, values: Mapping[str, Any] | None = None, *, status: int = 200
    ) -> HTMLResponse:
        """A page of `keepwell/console/pages`, which extends `base.html.j2`."""
        html = render(template, {"view": self, **(values or {})})
        return HTMLResponse(html, status_code=status, headers=HEADERS)


def view(asked: SecurityScopes, request: Request, door: AtDoor) -> View:
    """The dependency behind `AtConsole` and the others: only a session opens pages.

    Raises:
        NotSignedInError: nobody is signed in; the answer leads to the sign-in.
        ForbiddenError: the page is for others.
        TooManyError: they ask too often.
    """
    token = session_token(request)
    if not token:
        raise NotSignedInError("Nobody is signed in.")
    who = who_asks(door, "", token)
    rates_of(request).let_in(request, who, token)
    if any(scope not in who.permissions for scope in asked.scopes):
        raise ForbiddenError("This page is not for your role.", hint="An admin can give you another role.")
    with door.store.read() as session:
        organisation = session.get_one(Organisation, who.organisation_id)
        live = where_now(session).cursor
    return View(request, door, who, organisation, datetime.now(UTC), csrf_of(token), live)


AtConsole = Annotated[View, Security(view, scopes=[Permission.READ.value])]
AtOperations = Annotated[View, Security(view, scopes=[Permission.OPERATE.value])]
AtSettings = Annotated[View, Security(view, scopes=[Permission.CONFIGURE.value])]
AtOwn = Annotated[View, Security(view, scopes=[Permission.OWN.value])]
"""A customer's own page: `view.who.customer_id` says whose."""
