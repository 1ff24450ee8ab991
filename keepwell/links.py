"""Signed links and tokens: what we gave to somebody comes back as we gave it, or not at all.

A token is for one use and holds what that use needs, never personal data. It says nothing of when it was
made, so the same message has the same links however often it is rendered; one that must end says until
when (`until`).
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from itsdangerous import BadData, URLSafeSerializer
from pydantic import SecretStr

from keepwell.errors import ConfigurationError, RefusedError
from keepwell.settings import Settings

FILE = "secret.key"
"""In the home: the key of an installation that was given none."""


LONGEST_TOKEN = 4_000
"""Characters. Those in addresses are far shorter; while somebody signs in, one is kept in a cookie."""


class Use(StrEnum):
    """What a token is for. A token for one use is worth nothing for another."""

    PREFERENCES = "preferences"
    OFFER = "offer"
    REPLY = "reply"
    FEED = "feed"
    SIGN_IN = "sign-in"


class LinkRefusedError(RefusedError):
    """A token that is not ours, was changed, or has expired. Its words may be shown to anybody."""


class Links:
    """Makes and reads tokens, and the addresses that hold them."""

    def __init__(self, key: SecretStr, public_url: str) -> None:
        self._key = key.get_secret_value()
        self._public_url = public_url.rstrip("/")

    def token(self, use: Use, data: dict[str, str], *, until: datetime | None = None) -> str:
        """A token for a URL; `data` can be read by whoever holds it, but not changed."""
        body = data if until is None else {**data, "until": str(int(until.timestamp()))}
        return str(self._serializer(use).dumps(body))

    def url(self, path: str, token: str) -> str:
        """The public address of a page of ours, with a token as its last part."""
        return f"{self._public_url}/{path.strip('/')}/{token}"

    def read(self, use: Use, token: str, *, now: datetime | None = None) -> dict[str, str]:
        """What `token` was given.

        Raises:
            LinkRefusedError: it is not one of ours for this use, or its time is over.
        """
        body: Any = None
        if len(token) <= LONGEST_TOKEN:
            with suppress(BadData):
                body = self._serializer(use).loads(token)
        if not isinstance(body, dict) or not all(isinstance(value, str) for value in body.values()):
            raise LinkRefusedError("This link is not complete, or not one of ours.")
        until = body.pop("until", None)
        if until is not None and int(until) <= (now or datetime.now(UTC)).timestamp():
            raise LinkRefusedError("This link has expired.")
        return {str(name): value for name, value in body.items()}

    def ends(self, use: Use, token: str) -> datetime | None:
        """Until when a token of ours holds; None for one without an end, and for one that is not ours."""
        try:
            body: Any = self._serializer(use).loads(token)
        except BadData:
            return None
        until = body.get("until") if isinstance(body, dict) else None
        return datetime.fromtimestamp(int(until), UTC) if until is not None else None

    def _serializer(self, use: Use) -> URLSafeSerializer:
        return URLSafeSerializer(self._key, salt=f"keepwell.{use.value}")


def preferences_url(links: Links, contact: str) -> str:
    """The page where a contact says which messages are wanted."""
    return links.url("preferences", links.token(Use.PREFERENCES, {"contact": contact}))


def unsubscribe_url(links: Links, contact: str, purpose: str) -> str:
    """The same page, which first offers to end messages of this purpose."""
    token = links.token(Use.PREFERENCES, {"contact": contact, "purpose": purpose})
    return links.url("preferences", token)


def make_links(settings: Settings) -> Links:
    """The links of this installation. Its key is the setting's, or one that the home keeps.

    Raises:
        ConfigurationError: the key's file cannot be read or made.
    """
    return Links(settings.secret_key or _kept(settings.ensure_home() / FILE), settings.public_url)


def _kept(path: Path) -> SecretStr:
    """The key in the file; the first one to come makes it, readable by its owner only."""
    try:
        if not path.exists():
            mine = path.with_suffix(f".{secrets.token_hex(4)}")
            with os.fdopen(os.open(mine, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(48))
            try:
                # Of two processes at once one is first, and both use its key.
                os.link(mine, path)
            except FileExistsError:
                pass
            finally:
                mine.unlink()
        key = path.read_text().strip()
    except OSError as error:
        raise ConfigurationError(
            f"The key that signs links cannot be kept in {str(path)!r}: {error.strerror}.",
            hint="Set KEEPWELL_SECRET_KEY, the same for every process: openssl rand -hex 32 makes one.",
        ) from error
    if len(key) < 32:
        raise ConfigurationError(
            f"{str(path)!r} holds no key to sign links with.",
            hint="Remove the file: a new key is made, and links given out before end. Or restore a backup.",
        )
    return SecretStr(key)
