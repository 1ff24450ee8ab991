"""Calls of switches. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from typing import Literal

from keepwell.api.v1.playbooks import GoesOn, Stopped, Switches
from keepwell.client.core import OMITTED, Call, Group, Omitted, Sender, endpoint


class SwitchesCalls(Group[Sender]):
    """Calls of switches."""

    @endpoint
    def lift_stop(
        self,
        *,
        scope: Literal["all", "playbook", "customer"] | Omitted = OMITTED,
        subject: str | Omitted = OMITTED,
        reason: str | Omitted = OMITTED,
    ) -> Call[GoesOn]:
        """What waits for it is tried at once."""
        return Call(
            "DELETE", "/api/v1/switches", GoesOn, body={"scope": scope, "subject": subject, "reason": reason}
        )

    @endpoint
    def list(self) -> Call[Switches]:
        """For everything, for a playbook, or to a customer."""
        return Call("GET", "/api/v1/switches", Switches)

    @endpoint
    def stop_sending(
        self,
        *,
        scope: Literal["all", "playbook", "customer"] | Omitted = OMITTED,
        subject: str | Omitted = OMITTED,
        reason: str | Omitted = OMITTED,
    ) -> Call[Stopped]:
        """From the next attempt on."""
        return Call(
            "POST", "/api/v1/switches", Stopped, body={"scope": scope, "subject": subject, "reason": reason}
        )
