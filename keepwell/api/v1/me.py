"""Who asks: what they may, where they are signed in, and their password."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import AfterValidator, Field, SecretStr

from keepwell.api.access import ForbiddenError, Somebody
from keepwell.api.access.signing_in import check_password_of, give_browser
from keepwell.api.cookies import session_token
from keepwell.api.door import AtDoor
from keepwell.api.problems import problems
from keepwell.api.v1.asked import storable
from keepwell.contracts.access import BROWSER_COOKIE, Permission, Role
from keepwell.contracts.base import Frozen, Strict
from keepwell.db.repositories import accounts, sessions
from keepwell.db.repositories.keys_and_sessions import hashed
from keepwell.db.repositories.known_browsers import remember_browser
from keepwell.db.repositories.sessions import SessionLine
from keepwell.db.tables import Account, Organisation
from keepwell.errors import InputError
from keepwell.passwords import check_password, hash_password

router = APIRouter(prefix="/api/v1/me", tags=["access"])

SessionPath = Annotated[str, AfterValidator(storable), Path(max_length=64, description="The session's id.")]


class Me(Frozen):
    """Who asks, and what they may."""

    name: str
    organisation_id: str
    organisation: str
    role: Role | None
    permissions: tuple[Permission, ...]
    account_id: str | None
    key_id: str | None
    staff_id: str | None
    customer_id: str | None


class Sessions(Frozen):
    """Where an account is signed in."""

    items: tuple[SessionLine, ...]


class PasswordAsked(Strict):
    """A new password, and the one that it replaces."""

    current: Annotated[SecretStr, Field(max_length=200)]
    new: Annotated[SecretStr, Field(max_length=200, description="12 to 200 characters, not easily guessed.")]


@router.get("", responses=problems())
def who_am_i(who: Somebody, door: AtDoor) -> Me:
    """Who you are to this API."""
    with door.store.read() as session:
        organisation = session.get_one(Organisation, who.organisation_id)
    return Me(
        **who.model_dump(exclude={"permissions"}),
        organisation=organisation.name,
        permissions=tuple(sorted(who.permissions)),
    )


@router.get("/sessions", responses=problems())
def list_sessions(who: Somebody, request: Request, door: AtDoor) -> Sessions:
    """Where you are signed in."""
    account = _account(who.account_id)
    token = session_token(request)
    with door.store.read() as session:
        return Sessions(items=tuple(sessions.sessions_of(session, account, token, datetime.now(UTC))))


@router.delete("/sessions/{session_id}", status_code=204, responses=problems(404))
def end_session(session_id: SessionPath, who: Somebody, door: AtDoor) -> None:
    """Sign out somewhere."""
    account = _account(who.account_id)
    with door.store.write() as session:
        sessions.end_session_of(session, account, session_id)


@router.post("/password", status_code=204, responses=problems(415))
def change_password(
    asked: PasswordAsked, who: Somebody, request: Request, answer: Response, door: AtDoor
) -> None:
    """Change your password; you are signed out everywhere else."""
    own = _account(who.account_id)
    with door.store.read() as session:
        account = session.get_one(Account, own)
    new = asked.new.get_secret_value()
    check_password(new, account.email, account.name)
    if not check_password_of(door, request, [account], asked.current.get_secret_value()):
        raise InputError(
            "This is not your password.",
            place="current",
            hint="After several wrong ones an account rests for a while. An admin can give you a new one.",
        )
    kept, now = hash_password(new), datetime.now(UTC)
    with door.store.write() as session:
        here = hashed(session_token(request))
        accounts.set_password(session, session.get_one(Account, own), kept, by=who.name, now=now, keep=here)
        browser = remember_browser(session, own, request.cookies.get(BROWSER_COOKIE, ""), now)
    give_browser(door, answer, browser)


def _account(account: str | None) -> str:
    if account is None:
        raise ForbiddenError("A key has no sessions and no password.", hint="Sign in as a person.")
    return account
