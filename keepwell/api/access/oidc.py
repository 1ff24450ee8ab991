"""Sign-in by an OpenID Connect provider: it says who somebody is, and our accounts say who gets in.

Nobody gets an account this way: the provider's address of a person has to be that of an account here, and the
provider has to have verified it. From then on the account is tied to the provider's person, whatever address
they take.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client.sync_app import BaseApp, OAuth2Mixin
from authlib.integrations.base_client.sync_openid import OpenIDMixin
from authlib.integrations.httpx_client import OAuth2Client
from fastapi import Request
from joserfc.errors import JoseError
from sqlmodel import Session

from keepwell.api.access.signing_in import Entered, let_in
from keepwell.api.door import Door
from keepwell.db.repositories import accounts, signing_in
from keepwell.db.tables import Account
from keepwell.errors import KeepwellError
from keepwell.links import LinkRefusedError, Use

STATE_COOKIE: Final = "keepwell_oidc"
STATE_PATH: Final = "/sign-in/oidc"
CALLBACK: Final = "/sign-in/oidc/callback"
PATIENCE: Final = timedelta(minutes=10)
"""How long somebody may take at the provider."""

SECONDS: Final = 10.0


class SignInFailedError(KeepwellError):
    """The provider's answer lets nobody in (401)."""


class _Provider(OAuth2Mixin, OpenIDMixin, BaseApp):  # type: ignore[misc]  # Authlib has no types
    """Authlib's client of a provider, without a web framework around it."""

    client_cls = OAuth2Client


def is_set_up(door: Door) -> bool:
    """Whether people may sign in this way."""
    return bool(door.settings.oidc_issuer and door.settings.oidc_client_id)


def begin(door: Door, wanted: str) -> tuple[str, str]:
    """Where to send the browser, and what it has to bring back in its cookie; `wanted` is where it goes then.

    Raises:
        SignInFailedError: there is no provider, or it does not answer.
    """
    provider = _of(door)
    try:
        made = provider.create_authorization_url(_callback(door))
    except (httpx2.HTTPError, ValueError, RuntimeError) as error:
        raise _away() from error
    kept = {name: str(made[name]) for name in ("state", "nonce", "code_verifier")}
    state = door.links.token(Use.SIGN_IN, {**kept, "next": wanted}, until=datetime.now(UTC) + PATIENCE)
    return str(made["url"]), state


def finish(door: Door, request: Request) -> tuple[Entered, str]:
    """Who came in, and where the browser wanted to go.

    Raises:
        SignInFailedError: the answer is not the one to our question, or nobody here is whom it names.
    """
    provider, asked = _of(door), request.query_params
    try:
        kept = door.links.read(Use.SIGN_IN, request.cookies.get(STATE_COOKIE, ""))
    except LinkRefusedError as error:
        raise SignInFailedError("This sign-in was not begun here, or too long ago.", hint=_AGAIN) from error
    if not hmac.compare_digest(asked.get("state", "").encode(), kept["state"].encode()):
        raise SignInFailedError("This is not the answer to the sign-in begun here.", hint=_AGAIN)
    if "code" not in asked:
        raise SignInFailedError("The provider did not let you in.", hint=_AGAIN)
    person = _person(door, provider, asked["code"], kept)
    with door.store.write() as session:
        account = _account(session, door, person)
    return let_in(door, request, account, how=door.settings.oidc_name), kept["next"]


def _person(door: Door, provider: _Provider, code: str, kept: Mapping[str, str]) -> Mapping[str, Any]:
    """Whom the provider means: signed by it, for us, and an answer to this question."""
    issuer = str(door.settings.oidc_issuer)
    try:
        token = provider.fetch_access_token(
            _callback(door), code=code, code_verifier=kept["code_verifier"], grant_type="authorization_code"
        )
        # Authlib alone would take a token made for somebody else that only names us as its presenter (azp).
        ours = {"iss": issuer, "aud": door.settings.oidc_client_id}
        wanted = {name: {"essential": True, "values": [value]} for name, value in ours.items()}
        person = provider.parse_id_token(token, nonce=kept["nonce"], claims_options=wanted)
    except (AuthlibBaseError, JoseError) as error:
        raise SignInFailedError("The provider's answer cannot be trusted.", hint=_AGAIN) from error
    except (httpx2.HTTPError, ValueError, RuntimeError) as error:
        raise _away() from error
    if not person or not person.get("sub"):
        raise SignInFailedError("The provider did not say who you are.", hint=_AGAIN)
    found: Mapping[str, Any] = person
    return found


def _account(session: Session, door: Door, person: Mapping[str, Any]) -> Account:
    issuer, subject = str(door.settings.oidc_issuer), str(person["sub"])
    known = signing_in.by_subject(session, issuer, subject)
    if known is not None:
        return known
    email = str(person.get("email") or "")
    found = [one for one in accounts.with_email(session, email) if one.subject is None]
    if len(found) > 1:
        found = [one for one in found if one.organisation_id == door.settings.organisation]
    if person.get("email_verified") is not True or len(found) != 1 or len(subject) > 300:
        raise SignInFailedError(
            "The provider knows you, but nobody here has an account with your address.",
            hint="Ask an admin for one. The provider must have verified your address.",
        )
    (account,) = found
    account.issuer, account.subject = issuer, subject
    session.add(account)
    name = door.settings.oidc_name
    text = f"{account.email} signs in by {name} from now on"
    accounts.note_account(session, account, "tied", text, now=datetime.now(UTC))
    return account


def _callback(door: Door) -> str:
    return door.settings.public_url.rstrip("/") + CALLBACK


def _of(door: Door) -> _Provider:
    settings = door.settings
    if not is_set_up(door):
        raise SignInFailedError("There is no single sign-on here.", hint="Sign in with a password.")
    secret = settings.oidc_client_secret.get_secret_value() if settings.oidc_client_secret else None
    return _provider(str(settings.oidc_issuer), settings.oidc_client_id, secret)


@lru_cache(maxsize=8)
def _provider(issuer: str, client_id: str, secret: str | None) -> _Provider:
    """One for the process: it remembers what the provider says of itself."""
    return _Provider(
        None,
        client_id=client_id,
        client_secret=secret,
        server_metadata_url=f"{issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid email profile",
            "code_challenge_method": "S256",
            "timeout": SECONDS,
        },
    )


def _away() -> SignInFailedError:
    return SignInFailedError(
        "The sign-in provider does not answer as it should.", hint="Try again in a moment, or by password."
    )


_AGAIN: Final = "Go back to /sign-in and try again."
