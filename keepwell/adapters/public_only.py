"""Which addresses on the network a webhook may go to: those of the public internet, and those allowed.

The address that is judged is the one the connection goes to. To judge a name would not do: it may lead
somewhere else a moment later.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from keepwell.errors import InputError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_CLOSED = tuple(
    ip_network(one)
    for one in (
        # IPv4, by IANA's registry of special-purpose addresses, and multicast.
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        # A cloud's own services behind an address that looks public.
        "168.63.129.16/32",
    )
)
_OPEN = (ip_network("2000::/3"),)
"""IPv6 that is given out for the internet. All else is local, reserved, multicast or a translation."""
_CLOSED_WITHIN = tuple(
    ip_network(one)
    for one in (
        # Protocols, documentation, and ways to write an IPv4 address as an IPv6 one (Teredo, 6to4).
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)

LEAST_FREE_PORT = 1024
USUAL_PORTS = {"https": 443, "http": 80}
LONGEST_URL = 2000


@dataclass(frozen=True)
class PublicOnly:
    """Judges where a webhook may go. `allowed` are hosts and networks that it may go to all the same."""

    allowed: tuple[str, ...] = ()
    _hosts: frozenset[str] = field(init=False)
    _networks: tuple[Network, ...] = field(init=False)

    def __post_init__(self) -> None:
        networks = {one: _network(one) for one in self.allowed}
        hosts = frozenset(one.lower().rstrip(".") for one, found in networks.items() if found is None)
        object.__setattr__(self, "_hosts", hosts)
        object.__setattr__(self, "_networks", tuple(one for one in networks.values() if one is not None))

    def refuses(self, host: str, address: str) -> str:
        """Why nothing goes to this address of the host, or empty where it may."""
        if host.lower().rstrip(".") in self._hosts:
            return ""
        found = _address(address)
        if found is None:
            return f"{host} leads to {address}, which is local"
        if any(found in network for network in self._networks if network.version == found.version):
            return ""
        if is_public(found):
            return ""
        where = f"{found} is" if _address(host) == found else f"{host} leads to {found}, which is"
        return f"{where} not on the public internet"

    def url(self, text: str) -> str:
        """The URL of an endpoint, in order; names are not looked up here. Raises InputError."""
        text = text.strip()
        if not text.isascii() or any(char <= " " or char in '\\<>"`{}|^' for char in text):
            raise _wrong(text, "holds what does not belong into a URL")
        if len(text) > LONGEST_URL:
            raise _wrong(text[:80] + "…", f"is longer than {LONGEST_URL:,} characters")
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise _wrong(text, "cannot be read") from error
        host = parts.hostname or ""
        if not host or parts.scheme not in USUAL_PORTS:
            raise _wrong(text, "does not begin with https:// and a host")
        if "@" in parts.netloc:
            raise _wrong("The URL", "has a user or a password in it")
        if parts.fragment:
            raise _wrong(text, "has a fragment (#), which is never sent")
        self._where(text, parts, host, port)
        return text

    def _where(self, text: str, parts: SplitResult, host: str, port: int | None) -> None:
        literal = _address(host)
        if host.lower().rstrip(".") in self._hosts or (literal is not None and not self._foreign(literal)):
            return
        if literal is not None and (why := self.refuses(host, host)):
            raise _wrong(text, f"is refused: {why}", _ALLOW)
        if parts.scheme != "https":
            raise _wrong(text, "is not encrypted", f"Use https://. {_ALLOW}")
        if port is not None and port != USUAL_PORTS["https"] and port < LEAST_FREE_PORT:
            raise _wrong(text, f"names port {port}, where something else than HTTPS listens", _ALLOW)

    def _foreign(self, address: Address) -> bool:
        return not any(address in one for one in self._networks if one.version == address.version)


_ALLOW = "KEEPWELL_WEBHOOK_PRIVATE can name hosts and networks of your own."


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED)
    return any(address in one for one in _OPEN) and not any(address in one for one in _CLOSED_WITHIN)


def _network(text: str) -> Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _address(text: str) -> Address | None:
    """None for a name, and for an address with a zone, which is one of a local link."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        return None if found.scope_id else found.ipv4_mapped or found
    return found


def _wrong(text: str, what: str, hint: str = "") -> InputError:
    return InputError(f"{text} {what}.", place="URL", hint=hint or "For example: https://example.com/hooks")
