"""Signing in: from an address and a password to a session's token. Nobody hears which of them was wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import Response

from keepwell.api.access.guarding import ForbiddenError
from keepwell.api.cookies import is_secure, session_cookie, session_token
from keepwell.api.door import Door
from keepwell.contracts.access import BROWSER_COOKIE, Role
from keepwell.db.repositories import accounts, signing_in
from keepwell.db.repositories.keys_and_sessions import SESSION_LONGEST, end_session
from keepwell.db.repositories.known_browsers import KNOWN_FOR, remember_browser
from keepwell.db.tables import Account
from keepwell.errors import KeepwellError
from keepwell.passwords import TooManyPasswordsError, hash_password, is_outdated, is_password

LONGEST_PATH: Final = 2000


class WrongPasswordError(KeepwellError):
    """The address or the password is wrong, or the account rests; nobody is told which (401)."""


class SeveralOrganisationsError(KeepwellError):
    """The password is right in several organisations; `keys` are theirs."""

    def __init__(self, keys: Sequence[str]) -> None:
        super().__init__("You have an account in several organisations.", hint="Choose one of them.")
        self.keys = tuple(keys)


@dataclass(frozen=True)
class Entered:
    """Somebody who came in: their session's token and role; `browser` is what the browser is known by."""

    token: str
    role: Role
    browser: str = ""


def check_password_of(door: Door, request: Request, found: Sequence[Account], password: str) -> list[Account]:
    """Those of the accounts that have this password and do not rest.

    Every try counts, but for those at a person's other accounts where it is the password of one.

    Raises:
        TooManyPasswordsError: too many sign in at once.
    """
    now, browser = datetime.now(UTC), request.cookies.get(BROWSER_COOKIE, "")
    right: list[Account] = []
    wrong: list[Account] = []
    for account in found or (None,):
        with door.store.write() as session:
            awake = signing_in.count_try(session, account, now, browser)
        # Also where nobody is known or the account rests: the answer takes the same time.
        try:
            fits = is_password(account.password if account is not None and awake else "", password)
        except TooManyPasswordsError:
            with door.store.write() as session:
                for one in (*wrong, *((account,) if account is not None and awake else ())):
                    signing_in.take_back(session, one, now, browser)
            raise
        if account is not None and awake:
            (right if fits else wrong).append(account)
    with door.store.write() as session:
        for account in (*right, *wrong):
            if right:
                signing_in.take_back(session, account, now, browser)
            else:
                address = address_of(request)
                signing_in.note_wrong(session, account, now, browser=browser, address=address)
    return right


def sign_in(door: Door, request: Request, email: str, password: str, organisation: str = "") -> Entered:
    """Let somebody in by address and password.

    Raises:
        WrongPasswordError: it is not the password of an account with this address.
        SeveralOrganisationsError: it is that of several, and `organisation` names none of them.
    """
    with door.store.read() as session:
        found = list(accounts.with_email(session, email))
    if organisation:
        found = [one for one in found if one.organisation_id == organisation]
    right = check_password_of(door, request, found, password)
    if not right:
        raise WrongPasswordError(
            "That did not work: the address or the password is wrong.",
            hint="After several wrong passwords an account rests for a while, up to an hour. "
            "An admin can give you a new password.",
        )
    if len(right) > 1:
        raise SeveralOrganisationsError([one.organisation_id for one in right])
    (account,) = right
    if is_outdated(account.password):
        with door.store.write() as session:
            session.get_one(Account, account.id).password = hash_password(password)
    return let_in(door, request, account, how="password")


def let_in(door: Door, request: Request, account: Account, *, how: str) -> Entered:
    """Begin a session for somebody who has shown who they are; the one the browser had before ends."""
    now = datetime.now(UTC)
    with door.store.write() as session:
        if old := session_token(request):
            end_session(session, old)
        agent = request.headers.get("user-agent", "")
        token = signing_in.enter(session, account, now, how=how, address=address_of(request), agent=agent)
        known = request.cookies.get(BROWSER_COOKIE, "")
        # Without a password there is nothing to guess.
        browser = remember_browser(session, account.id, known, now) if account.password else ""
    return Entered(token, Role(account.role), browser)


def give_cookies(door: Door, answer: Response, entered: Entered) -> None:
    """Let the browser keep the session, and by what the account knows it."""
    _give(door, answer, session_cookie(door), entered.token, SESSION_LONGEST)
    if entered.browser:
        give_browser(door, answer, entered.browser)


def give_browser(door: Door, answer: Response, token: str) -> None:
    """Let the browser keep by what an account knows it, also when nobody is signed in."""
    _give(door, answer, BROWSER_COOKIE, token, KNOWN_FOR)


def _give(door: Door, answer: Response, name: str, token: str, lasts: timedelta) -> None:
    """Out of scripts' reach, and sent from our own pages only."""
    answer.set_cookie(
        name,
        token,
        max_age=int(lasts.total_seconds()),
        path="/",
        secure=is_secure(door),
        httponly=True,
        samesite="lax",
    )


def take_cookie(door: Door, answer: Response) -> None:
    """Let the browser forget the session."""
    name, secure = session_cookie(door), is_secure(door)
    answer.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")


def address_of(request: Request) -> str:
    """The address that asks, as far as trusted proxies say."""
    return request.client.host if request.client is not None else ""


def own_path(text: str) -> str:
    """The path, where it is one of ours; else nothing. Browsers read `\\` as `/`, and `//host` as a host."""
    plain = text.isprintable() and "\\" not in text and len(text) <= LONGEST_PATH
    if not plain or not text.startswith("/") or text.startswith("//"):
        return ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return "" if parts.scheme or parts.netloc else text


def check_from_here(door: Door, request: Request) -> None:
    """Refuse a form that another site has sent: nobody is to be signed in without wanting it.

    There is no session yet whose token it could carry; the browser itself says where it comes from.

    Raises:
        ForbiddenError: it came from elsewhere, or nobody says from where.
    """
    site = request.headers.get("sec-fetch-site", "")
    origin = request.headers.get("origin", "")
    if site:
        ours = site == "same-origin"
    else:
        here = (door.settings.public_url, str(request.base_url))
        ours = bool(origin) and _origin(origin) in {_origin(one) for one in here}
    if not ours:
        raise ForbiddenError(
            "This was not sent from our own page.", hint="Open /sign-in, and sign in from there."
        )


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc.lower()
