"""Calls of alert channels. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from typing import Literal

from keepwell.api.v1.alert_settings import ChannelAnswer, ChannelsPage, TestAnswer
from keepwell.client.core import OMITTED, Call, Group, Listing, Omitted, Sender, at, endpoint, listing
from keepwell.db.repositories.alert_channels import ChannelLine
from scoring.signal import Severity


class AlertChannelsCalls(Group[Sender]):
    """Calls of alert channels."""

    @listing
    def list(self) -> Listing[ChannelLine]:
        """By which channels alerts go out, from which severity on, and to whom."""
        return Listing("GET", "/api/v1/alert-channels", ChannelsPage, items="items")

    @endpoint
    def put(
        self,
        channel: Literal["email", "slack", "webhook"],
        *,
        enabled: bool,
        severity: Severity | Omitted | None = OMITTED,
        target: str | Omitted | None = OMITTED,
    ) -> Call[ChannelAnswer]:
        """Switch a channel on or off."""
        return Call(
            "PUT",
            at("/api/v1/alert-channels/{channel}", channel=channel),
            ChannelAnswer,
            body={"enabled": enabled, "severity": severity, "target": target},
        )

    @endpoint
    def test(
        self, channel: Literal["email", "slack", "webhook"], *, to: str | Omitted | None = OMITTED
    ) -> Call[TestAnswer]:
        """Send a test by a channel now, and tell what came of it."""
        return Call(
            "POST", at("/api/v1/alert-channels/{channel}/test", channel=channel), TestAnswer, body={"to": to}
        )
