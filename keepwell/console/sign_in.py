"""The pages by which people come and go."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from keepwell.api.access import ForbiddenError, NotSignedInError, csrf_of, oidc, who_asks
from keepwell.api.access.demo_door import enter_demo, is_open
from keepwell.api.access.signing_in import (
    Entered,
    SeveralOrganisationsError,
    WrongPasswordError,
    check_from_here,
    give_cookies,
    own_path,
    sign_in,
    take_cookie,
)
from keepwell.api.cookies import is_secure, session_token
from keepwell.api.door import AtDoor, Door
from keepwell.console.pages import render
from keepwell.console.view import HEADERS
from keepwell.contracts.access import Role
from keepwell.db.repositories import accounts
from keepwell.db.repositories.keys_and_sessions import end_session

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Form(max_length=400)]
Path = Annotated[str, Form(alias="next", max_length=2000)]


@router.get("/")
def root() -> RedirectResponse:
    """Who comes without a path goes to the page of their role: the sign-in knows it."""
    return RedirectResponse("/sign-in", status_code=303)


@router.get("/sign-in")
def show(request: Request, door: AtDoor) -> Response:
    """The form; who is signed in goes on at once."""
    wanted = own_path(request.query_params.get("next", ""))
    try:
        who = who_asks(door, "", session_token(request))
    except NotSignedInError:
        return sign_in_page(door, request, {"next": wanted})
    return RedirectResponse(after(who.role, wanted), status_code=303)


@router.post("/sign-in")
def enter(
    request: Request,
    door: AtDoor,
    email: Text = "",
    password: Text = "",
    wanted: Path = "",
    organisation: Text = "",
) -> Response:
    """Sign in by address and password. Every wrong answer is the same."""
    check_from_here(door, request)
    given = {"next": own_path(wanted), "email": email}
    try:
        entered = sign_in(door, request, email, password, organisation)
    except WrongPasswordError as error:
        return sign_in_page(door, request, {**given, "wrong": error}, status=401)
    except SeveralOrganisationsError as error:
        return sign_in_page(door, request, {**given, "wrong": error, "organisations": error.keys}, status=409)
    return welcome(door, entered, wanted)


@router.post("/sign-in/demo")
def enter_by_one_click(
    request: Request,
    door: AtDoor,
    role: Annotated[Literal["csm", "ops", "admin", "client"], Form()],
    wanted: Path = "",
) -> Response:
    """Enter a demo as one of its made-up people."""
    check_from_here(door, request)
    return welcome(door, enter_demo(door, request, Role(role)), wanted)


@router.get("/sign-in/oidc")
def go_to_provider(request: Request, door: AtDoor) -> Response:
    """Off to the provider, with a cookie by which its answer is known."""
    wanted = own_path(request.query_params.get("next", ""))
    try:
        url, state = oidc.begin(door, wanted)
    except oidc.SignInFailedError as error:
        return sign_in_page(door, request, {"next": wanted, "wrong": error}, status=503)
    answer = RedirectResponse(url, status_code=303, headers=HEADERS)
    # Lax: the provider's answer comes from its site, as a link that was followed.
    answer.set_cookie(
        oidc.STATE_COOKIE,
        state,
        max_age=int(oidc.PATIENCE.total_seconds()),
        path=oidc.STATE_PATH,
        secure=is_secure(door),
        httponly=True,
        samesite="lax",
    )
    return answer


@router.get("/sign-in/oidc/callback")
def come_from_provider(request: Request, door: AtDoor) -> Response:
    """Back from the provider. Its answer counts once: the cookie goes."""
    answer: Response
    try:
        entered, wanted = oidc.finish(door, request)
    except oidc.SignInFailedError as error:
        answer = sign_in_page(door, request, {"wrong": error}, status=401)
    else:
        answer = welcome(door, entered, wanted)
    answer.delete_cookie(oidc.STATE_COOKIE, path=oidc.STATE_PATH)
    return answer


@router.post("/sign-out")
def leave(request: Request, door: AtDoor, csrf: Text = "") -> Response:
    """Sign out; only our own page can ask for it."""
    token = session_token(request)
    if token and not hmac.compare_digest(csrf.encode(), csrf_of(token).encode()):
        raise ForbiddenError(
            "The page's token is missing or old.", hint="Load the page again, then sign out."
        )
    with door.store.write() as session:
        end_session(session, token)
    answer = RedirectResponse("/sign-in", status_code=303, headers=HEADERS)
    take_cookie(door, answer)
    return answer


def welcome(door: Door, entered: Entered, wanted: str) -> Response:
    """Give the cookies, and lead to where they wanted to go."""
    answer = RedirectResponse(after(entered.role, own_path(wanted)), status_code=303, headers=HEADERS)
    give_cookies(door, answer, entered)
    return answer


def after(role: Role | None, wanted: str) -> str:
    """Where somebody goes after signing in: to what they asked for, where their role may go there."""
    home = "/success" if role is Role.CLIENT else "/console"
    elsewhere = "/console" if role is Role.CLIENT else "/success"
    return home if not wanted or wanted.startswith((elsewhere, "/sign-")) else wanted


def sign_in_page(
    door: Door, request: Request, values: Mapping[str, Any] | None = None, *, status: int = 200
) -> HTMLResponse:
    """The page; `wrong` is an error to be told, `organisations` what to choose from."""
    with door.store.read() as session:
        anybody = accounts.any_account(session)
    demo = is_open(door, request)
    known = {"next": "", "email": "", "wrong": None, "organisations": ()}
    provider = door.settings.oidc_name if oidc.is_set_up(door) else ""
    shown = {**known, **(values or {}), "anybody": anybody, "demo": demo, "oidc": provider}
    html = render("sign_in.html.j2", shown)
    return HTMLResponse(html, status_code=status, headers=HEADERS)
