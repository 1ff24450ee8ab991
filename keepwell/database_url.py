"""What a database URL may be. Never shows one whole: it may hold a password."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

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


def _check_host(url: str) -> None:
    host = url.partition("://")[2].rpartition("@")[2]
    try:
        port = urlsplit(f"//{host}").port
    except ValueError as error:
        raise ValueError("its port is not a number from 1 to 65535") from error
    if port == 0:
        raise ValueError("its port is not a number from 1 to 65535")
