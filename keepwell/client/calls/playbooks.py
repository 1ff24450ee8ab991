"""Calls of playbooks. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from keepwell.api.v1.playbooks import ModeAnswer, PlaybookInFull, Playbooks
from keepwell.client.core import Call, Group, Sender, at, endpoint
from keepwell.contracts.drafts import Mode


class PlaybooksCalls(Group[Sender]):
    """Calls of playbooks."""

    @endpoint
    def get(self, name: str) -> Call[PlaybookInFull]:
        """Its steps with their times and reasons, and how it goes with it."""
        return Call("GET", at("/api/v1/playbooks/{name}", name=name), PlaybookInFull)

    @endpoint
    def list(self) -> Call[Playbooks]:
        """With their modes and stops, and results of the last 30 and 90 days."""
        return Call("GET", "/api/v1/playbooks", Playbooks)

    @endpoint
    def switch_mode(self, name: str, *, mode: Mode) -> Call[ModeAnswer]:
        """The same mode again changes nothing."""
        return Call("POST", at("/api/v1/playbooks/{name}/mode", name=name), ModeAnswer, body={"mode": mode})
