"""Calls of absences. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from datetime import date

from keepwell.api.v1.staff import AbsenceAnswer
from keepwell.client.core import OMITTED, Call, Group, Listing, Omitted, Sender, at, endpoint, listing
from keepwell.db.repositories.absences import AbsenceLine
from keepwell.db.repositories.pages import Page


class AbsencesCalls(Group[Sender]):
    """Calls of absences."""

    @endpoint
    def add(
        self,
        *,
        staff: str,
        from_on: date,
        until_on: date,
        idempotency_key: str | None = None,
        cover: str | Omitted | None = OMITTED,
        reason: str | Omitted = OMITTED,
    ) -> Call[AbsenceAnswer]:
        """Somebody is away."""
        return Call(
            "POST",
            "/api/v1/absences",
            AbsenceAnswer,
            body={"staff": staff, "from_on": from_on, "until_on": until_on, "cover": cover, "reason": reason},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @listing
    def list(self, *, staff: str | None = None, everything: bool | None = None) -> Listing[AbsenceLine]:
        """Absences that last or are to come, the first to begin first."""
        return Listing(
            "GET",
            "/api/v1/absences",
            Page[AbsenceLine],
            query={"staff": staff, "all": everything},
            items="items",
        )

    @endpoint
    def withdraw(self, absence: str) -> Call[AbsenceAnswer]:
        """An absence does not take place, or is over earlier."""
        return Call("POST", at("/api/v1/absences/{absence}/withdraw", absence=absence), AbsenceAnswer)
