"""What values of settings look like: each kind checks its own, and says nothing of a wrong one's content."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


def _upper(value: object) -> object:
    # A wrong word stays as it was written, for the error message.
    return value.upper() if isinstance(value, str) and value.upper() in get_args(LogLevel) else value


AbsolutePath = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]
# The organisation's key is part of workflow ids and ledger keys, where "/" separates.
OrganisationKey = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Words = Annotated[
    tuple[str, ...],
    NoDecode,
    BeforeValidator(
        lambda value: (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )
    ),
]


def _printable(secret: SecretStr) -> SecretStr:
    # What a header cannot carry would come back in an error text of the HTTP client.
    plain = secret.get_secret_value().strip()
    if not re.fullmatch(r"[!-~]{8,500}", plain):
        raise ValueError("not a key")
    return SecretStr(plain)


def _long(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < 32:
        raise ValueError("too short")
    return secret


def _networks(networks: tuple[str, ...]) -> tuple[str, ...]:
    for one in networks:
        ip_network(one, strict=False)
    return networks


def _places(places: tuple[str, ...]) -> tuple[str, ...]:
    # A network that is misspelt must not pass as the name of a host.
    for one in places:
        if not re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?", one):
            ip_network(one, strict=False)
    return places


Networks = Annotated[Words, AfterValidator(_networks)]
"""Addresses and networks: 10.0.0.0/8, 2001:db8::1."""
Places = Annotated[Words, AfterValidator(_places)]
"""The same, and names of hosts."""
Secret = Annotated[SecretStr, AfterValidator(_printable)]
LongSecret = Annotated[SecretStr, AfterValidator(_printable), AfterValidator(_long)]
# As a browser names it: scheme, host and port, no path.
Origin = Annotated[str, Field(pattern=r"^https?://[a-z0-9.-]+(:[0-9]{1,5})?$")]
Origins = Annotated[
    tuple[Origin, ...],
    NoDecode,
    BeforeValidator(
        lambda value: (
            tuple(part.strip().lower().rstrip("/") for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )
    ),
]
# Without "@": a password in an address would be shown wherever the address is.
Address = Annotated[str, Field(pattern=r"^https?://[^\s@?#]+$")]
LogLevelOf = Annotated[LogLevel, BeforeValidator(_upper)]
