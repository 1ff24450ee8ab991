"""What a database URL may be. Never shows one whole: it may hold a password."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote, urlsplit

# psycopg 3 is the driver Keepwell brings; SQLAlchemy would take plain "postgresql" for psycopg2.
_SCHEMES = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
}
_CREDENTIALS = re.compile(r"^(?P<scheme>[^:/]+://)(?P<user>[^:/@]*):.*@(?P<rest>[^@]*)$")
_QUERY_PASSWORD = re.compile(r"([?&](?:password|sslpassword)=)[^&]*", re.IGNORECASE)

# What examples, images and tutorials come with: whoever scans for open databases tries these first.
_KNOWN = re.compile(
    r"postgres|postgresql|password|passwd|pass|secret|change[-_]?(?:me|it)|default|example|admin|administrator"
    r"|root|user|test|testing|guest|demo|temporal|keepwell|letmein|qwerty|1234(?:5(?:6(?:7(?:89?)?)?)?)?"
    r"|password123?",
    re.IGNORECASE,
)


def normalise(url: str) -> str:
    """The URL with the driver Keepwell uses. ValueError, without the password, for another database."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise ValueError("the value is not a URL (no '://')")
    driver = _SCHEMES.get(scheme.lower())
    if driver is None:
        raise ValueError(f"the value begins with {scheme + '://'!r}, which Keepwell does not speak")
    if driver == "sqlite":
        if rest and not rest.startswith("/"):
            raise ValueError("a SQLite file follows three slashes (relative) or four (absolute)")
    else:
        _check_host(url)
    return f"{driver}://{rest}"


def without_password(url: str) -> str:
    """The URL with `***` in the place of any password."""
    return _QUERY_PASSWORD.sub(r"\1***", _CREDENTIALS.sub(r"\g<scheme>\g<user>:***@\g<rest>", url))


def password_of(url: str) -> str:
    """The password a URL holds, decoded; empty without one."""
    rest, _, query = url.partition("://")[2].partition("?")
    credentials, at, _ = rest.rpartition("@")
    password = unquote(credentials.partition(":")[2]) if at else ""
    return password or parse_qs(query).get("password", [""])[0]


def is_known_password(password: str, user: str = "") -> bool:
    """Whether everybody knows it: the default of an image or of an example, or the user's own name."""
    return _KNOWN.fullmatch(password) is not None or (bool(password) and password == user)


def has_known_password(url: str) -> bool:
    """Whether the URL holds a password that everybody knows."""
    user = url.partition("://")[2].partition("@")[0].partition(":")[0]
    return is_known_password(password_of(url), unquote(user))


def _check_host(url: str) -> None:
    host = url.partition("://")[2].rpartition("@")[2]
    try:
        port = urlsplit(f"//{host}").port
    except ValueError as error:
        raise ValueError("its port is not a number from 1 to 65535") from error
    if port == 0:
        raise ValueError("its port is not a number from 1 to 65535")
