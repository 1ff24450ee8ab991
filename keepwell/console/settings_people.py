"""Settings of people and of how customers are judged: staff, absences, accounts, keys, scorecards."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from keepwell.console.settings_tabs import PATH, settings_page
from keepwell.console.view import AtConsole, AtSettings
from keepwell.contracts.access import GRANTS, Permission, Role
from keepwell.db.repositories.absences import absences
from keepwell.db.repositories.accounts import accounts
from keepwell.db.repositories.keys import keys
from keepwell.db.repositories.scorecards_chosen import own_scorecards, scorecard_named
from keepwell.db.repositories.views_staff import staff_lines
from keepwell.db.repositories.zones import local_day
from scoring.describe import in_full

router = APIRouter(include_in_schema=False)

ROLES: Final[dict[Role, str]] = {
    Role.CSM: "answers for customers",
    Role.OPS: "switches playbooks, stops sending, reads the audit log",
    Role.ADMIN: "changes settings, accounts and keys, too",
    Role.CLIENT: "sees the success page of one customer",
    Role.INGEST: "brings data in, and sees nothing",
}
SCOPES: Final[dict[Permission, str]] = {
    Permission.READ: "see customers and all about them",
    Permission.ACT: "answer for customers: commands, tasks, drafts",
    Permission.OPERATE: "switch playbooks, stop sending, read the journal",
    Permission.INGEST: "bring in customers, metrics and events",
    Permission.CONFIGURE: "change settings, accounts and keys",
}
LASTS: Final = ((30, "30 days"), (90, "90 days"), (365, "a year"))
"""How long a new key may last, in days."""


@router.get(f"{PATH}/staff")
def staff_page(view: AtConsole) -> HTMLResponse:
    """The staff with who is away, and absences that last or are to come."""
    own = view.organisation.id
    with view.door.store.read() as session:
        people = staff_lines(session, own, view.now)
        left = len(staff_lines(session, own, view.now, active=False))
        away = absences(session, own, view.now)
    today = local_day(view.now, view.zone.key)
    names = {one.external_id: one.name for one in people}
    values = {"people": people, "names": names, "left": left, "absences": away, "today": today}
    return settings_page(view, "staff", values)


@router.get(f"{PATH}/scorecards")
def scorecards_page(view: AtConsole) -> HTMLResponse:
    """Which scorecard decides, which ones are computed beside it, and a place to check a new one."""
    with view.door.store.read() as session:
        lines = own_scorecards(session, view.organisation.id)
    return settings_page(view, "scorecards", {"cards": lines})


@router.get(f"{PATH}/scorecards/{{scorecard}}")
def scorecard_page(view: AtConsole, scorecard: str) -> HTMLResponse:
    """One in words: what is measured, how values become points, and what levels they make."""
    with view.door.store.read() as session:
        _, card = scorecard_named(session, view.organisation.id, scorecard)
        line = next(
            (one for one in own_scorecards(session, view.organisation.id) if one.hash == card.fingerprint()),
            None,
        )
    return settings_page(view, "scorecards", {"cards": (), "card": in_full(card), "line": line})


@router.get(f"{PATH}/access")
def access_page(view: AtSettings) -> HTMLResponse:
    """Accounts of people, and keys of programs."""
    own = view.organisation.id
    with view.door.store.read() as session:
        people, programs = accounts(session, own), keys(session, own)
    until = [((view.now + timedelta(days=days)).isoformat(), words) for days, words in LASTS]
    able = view.who.permissions | GRANTS[Role.CLIENT]
    values = {
        "accounts": people,
        "keys": programs,
        "roles": {role: words for role, words in ROLES.items() if GRANTS[role] <= able},
        "scopes": {one: words for one, words in SCOPES.items() if one in view.who.permissions},
        "lasts": until,
        "address": str(view.request.base_url).rstrip("/"),
    }
    return settings_page(view, "access", values)
