"""Calls of rehearsals. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from keepwell.api.v1.rehearsals import Rehearsals
from keepwell.client.core import OMITTED, Call, Group, Omitted, Sender, at, endpoint
from keepwell.rehearsal.reactions import (
    AcceptOffer,
    CauseGone,
    CompleteStep,
    DeclineOffer,
    PauseFor,
    ReassignTo,
    Reply,
    ResumeNow,
    ScoreTo,
    SeeOffer,
    SkipStep,
    StopNow,
    Upgrade,
)
from keepwell.rehearsal.told import Rehearsal


class RehearsalsCalls(Group[Sender]):
    """Calls of rehearsals."""

    @endpoint
    def begin(
        self,
        *,
        customer: str,
        playbook: str,
        compare: str | Omitted | None = OMITTED,
        start: datetime | Omitted | None = OMITTED,
        from_score: float | Omitted | None = OMITTED,
        acknowledge: timedelta | Omitted | None = OMITTED,
        reactions: Sequence[
            Reply
            | PauseFor
            | ResumeNow
            | StopNow
            | SkipStep
            | CompleteStep
            | ReassignTo
            | SeeOffer
            | AcceptOffer
            | DeclineOffer
            | Upgrade
            | ScoreTo
            | CauseGone
        ]
        | Omitted = OMITTED,
        typed: Sequence[str] | Omitted = OMITTED,
    ) -> Call[Rehearsal]:
        """Begin a rehearsal, or put it into the queue."""
        return Call(
            "POST",
            "/api/v1/rehearsals",
            Rehearsal,
            body={
                "customer": customer,
                "playbook": playbook,
                "compare": compare,
                "start": start,
                "from_score": from_score,
                "acknowledge": acknowledge,
                "reactions": reactions,
                "typed": typed,
            },
        )

    @endpoint
    def end(self, rehearsal_id: str) -> Call[None]:
        """Break a rehearsal off, or forget what came of it."""
        return Call("DELETE", at("/api/v1/rehearsals/{rehearsal_id}", rehearsal_id=rehearsal_id), None)

    @endpoint
    def get(self, rehearsal_id: str) -> Call[Rehearsal]:
        """Where a rehearsal stands, how far it is on its virtual clock, and what came of it."""
        return Call("GET", at("/api/v1/rehearsals/{rehearsal_id}", rehearsal_id=rehearsal_id), Rehearsal)

    @endpoint
    def list(self) -> Call[Rehearsals]:
        """The organisation's rehearsals that are still kept."""
        return Call("GET", "/api/v1/rehearsals", Rehearsals)
