"""Calls of churn models. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from keepwell.client.core import Group, Listing, Sender, listing
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.views_churn_models import ChurnModelLine


class ChurnModelsCalls(Group[Sender]):
    """Calls of churn models."""

    @listing
    def list(self) -> Listing[ChurnModelLine]:
        """Every churn model, with the one in use and its figures on customers that it has not seen."""
        return Listing("GET", "/api/v1/churn-models", Page[ChurnModelLine], items="items")
