"""Calls of alert rules. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from collections.abc import Mapping

from keepwell.api.v1.alert_settings import RuleLine, RulesAnswer
from keepwell.client.core import Call, Group, Listing, Sender, endpoint, listing
from keepwell.db.repositories.pages import Page


class AlertRulesCalls(Group[Sender]):
    """Calls of alert rules."""

    @endpoint
    def change(self, *, rules: Mapping[str, str]) -> Call[RulesAnswer]:
        """Switch triggers on and off, and set thresholds; all of them or none."""
        return Call("PATCH", "/api/v1/alert-rules", RulesAnswer, body=rules)

    @listing
    def list(self) -> Listing[RuleLine]:
        """Which triggers are on, and the thresholds of categories."""
        return Listing("GET", "/api/v1/alert-rules", Page[RuleLine], items="items")
