"""Calls of scorecards. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from keepwell.api.v1.scorecards import ScorecardAnswer, ScorecardShown
from keepwell.client.core import Call, Group, Listing, Sender, at, endpoint, listing
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.views_scorecards import ScorecardLine


class ScorecardsCalls(Group[Sender]):
    """Calls of scorecards."""

    @endpoint
    def check(self, *, content: str) -> Call[ScorecardAnswer]:
        """Check a scorecard's text; nothing is kept."""
        return Call("POST", "/api/v1/scorecards/check", ScorecardAnswer, body={"content": content})

    @endpoint
    def get(self, scorecard: str) -> Call[ScorecardShown]:
        """One in full: metrics, how values become points, bands, levels, and where the numbers come from."""
        return Call("GET", at("/api/v1/scorecards/{scorecard}", scorecard=scorecard), ScorecardShown)

    @endpoint
    def keep(self, *, content: str) -> Call[ScorecardAnswer]:
        """Keep a scorecard under the hash of its content, by which it can be used; it is not in use yet."""
        return Call("POST", "/api/v1/scorecards", ScorecardAnswer, body={"content": content})

    @listing
    def list(self) -> Listing[ScorecardLine]:
        """Those that come with Keepwell, and those the organisation uses or has used."""
        return Listing("GET", "/api/v1/scorecards", Page[ScorecardLine], items="items")

    @endpoint
    def put_beside(self, scorecard: str) -> Call[ScorecardAnswer]:
        """Compute this one too from the next daily run on, to look at; it starts no playbook."""
        return Call("POST", at("/api/v1/scorecards/{scorecard}/beside", scorecard=scorecard), ScorecardAnswer)

    @endpoint
    def remove_beside(self, scorecard: str) -> Call[ScorecardAnswer]:
        """Compute it no longer; what it has scored stays."""
        return Call(
            "DELETE", at("/api/v1/scorecards/{scorecard}/beside", scorecard=scorecard), ScorecardAnswer
        )

    @endpoint
    def use(self, scorecard: str) -> Call[ScorecardAnswer]:
        """Score with this one from now on."""
        return Call("POST", at("/api/v1/scorecards/{scorecard}/use", scorecard=scorecard), ScorecardAnswer)
