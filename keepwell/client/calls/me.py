"""Calls of me. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from pydantic.types import SecretStr

from keepwell.api.v1.me import Me, Sessions
from keepwell.client.core import Call, Group, Sender, at, endpoint


class MeCalls(Group[Sender]):
    """Calls of me."""

    @endpoint
    def change_password(self, *, current: SecretStr, new: SecretStr) -> Call[None]:
        """Change your password; you are signed out everywhere else."""
        return Call("POST", "/api/v1/me/password", None, body={"current": current, "new": new})

    @endpoint
    def end_session(self, session_id: str) -> Call[None]:
        """Sign out somewhere."""
        return Call("DELETE", at("/api/v1/me/sessions/{session_id}", session_id=session_id), None)

    @endpoint
    def list_sessions(self) -> Call[Sessions]:
        """Where you are signed in."""
        return Call("GET", "/api/v1/me/sessions", Sessions)

    @endpoint
    def who_am_i(self) -> Call[Me]:
        """Who you are to this API."""
        return Call("GET", "/api/v1/me", Me)
