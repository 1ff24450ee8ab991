"""Who may do what: roles of people and keys, and the permissions that a role stands for."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

COOKIE: Final = "keepwell_session"
"""The cookie of who is signed in, where this is reached without HTTPS."""

HOST_COOKIE: Final = f"__Host-{COOKIE}"
"""The same with HTTPS: browsers take one of this name from this host alone, and from none beside it."""

BROWSER_COOKIE: Final = "keepwell_browser"
"""The cookie by which an account knows a browser in which it has signed in; it opens nothing."""


class Permission(StrEnum):
    """What a route asks for. A key's scopes are permissions too."""

    READ = "read"
    """See the organisation's customers and everything about them."""
    ACT = "act"
    """Answer for customers: commands, tasks, alerts, drafts, offers."""
    OPERATE = "operate"
    """Switch playbooks, stop sending, settle what is unknown, read the audit log."""
    CONFIGURE = "configure"
    """Change the organisation: its settings, staff, thresholds, channels, accounts and keys."""
    INGEST = "ingest"
    """Bring in customers, contacts, metrics, events and outcomes."""
    OWN = "own"
    """See and mark what belongs to one customer: its success page and its notifications."""


class Role(StrEnum):
    """What an account is for."""

    CLIENT = "client"
    CSM = "csm"
    OPS = "ops"
    ADMIN = "admin"
    INGEST = "ingest"


_P = Permission
GRANTS: Mapping[Role, frozenset[Permission]] = {
    Role.CLIENT: frozenset({_P.OWN}),
    Role.CSM: frozenset({_P.READ, _P.ACT}),
    Role.OPS: frozenset({_P.READ, _P.ACT, _P.OPERATE, _P.INGEST}),
    Role.ADMIN: frozenset({_P.READ, _P.ACT, _P.OPERATE, _P.CONFIGURE, _P.INGEST}),
    Role.INGEST: frozenset({_P.INGEST}),
}
"""What each role may."""
