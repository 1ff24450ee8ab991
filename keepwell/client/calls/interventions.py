"""Calls of interventions. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from keepwell.api.v1.asked import Outcomes
from keepwell.api.v1.command_bodies import (
    AcknowledgeBody,
    CompleteBody,
    PauseBody,
    ReassignBody,
    RespondBody,
    ResumeBody,
    SkipBody,
    StopBody,
)
from keepwell.api.v1.commanding import CommandAnswer
from keepwell.api.v1.interventions import InterventionInFull
from keepwell.client.core import OMITTED, Call, Group, Listing, Omitted, Sender, at, endpoint, listing
from keepwell.contracts.offers import OfferKind
from keepwell.db.repositories.commands_kept import CommandStatus
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.views_interventions import InterventionLine, InterventionState
from scoring.levels import Level


class InterventionsCalls(Group[Sender]):
    """Calls of interventions."""

    @endpoint
    def accept(
        self,
        intervention: str,
        *,
        option: OfferKind,
        idempotency_key: str | None = None,
        months: int | Omitted | None = OMITTED,
        plan: str | Omitted = OMITTED,
        note: str | Omitted = OMITTED,
    ) -> Call[CommandAnswer]:
        """One option of it, with terms; also before the offer went out, as agreed on the phone."""
        return Call(
            "POST",
            at("/api/v1/interventions/{intervention}/accept", intervention=intervention),
            CommandAnswer,
            body={"option": option, "months": months, "plan": plan, "note": note},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def acknowledge(
        self, intervention: str, *, idempotency_key: str | None = None, note: str | Omitted = OMITTED
    ) -> Call[CommandAnswer]:
        """Nobody escalates it any more, and its alert is acknowledged too."""
        return Call(
            "POST",
            at("/api/v1/interventions/{intervention}/acknowledge", intervention=intervention),
            CommandAnswer,
            body={"note": note},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def bulk(
        self,
        *,
        ids: Sequence[str],
        command: AcknowledgeBody
        | PauseBody
        | ResumeBody
        | RespondBody
        | CompleteBody
        | SkipBody
        | ReassignBody
        | StopBody,
        idempotency_key: str | None = None,
    ) -> Call[Outcomes]:
        """Each is told by itself, and what became of each is in the answer."""
        return Call(
            "POST",
            "/api/v1/interventions/bulk",
            Outcomes,
            body={"ids": ids, "command": command},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def command_of(self, intervention: str, command: str) -> Call[CommandStatus]:
        """Of one that was kept, or is in the timeline: kept, told, done or refused."""
        return Call(
            "GET",
            at(
                "/api/v1/interventions/{intervention}/commands/{command}",
                intervention=intervention,
                command=command,
            ),
            CommandStatus,
        )

    @endpoint
    def complete(
        self,
        intervention: str,
        *,
        step: str,
        idempotency_key: str | None = None,
        note: str | Omitted = OMITTED,
    ) -> Call[CommandAnswer]:
        """By hand, or because its task is."""
        return Call(
            "POST",
            at("/api/v1/interventions/{intervention}/complete", intervention=intervention),
            CommandAnswer,
            body={"step": step, "note": note},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def decline(
        self, intervention: str, *, idempotency_key: str | None = None, note: str | Omitted = OMITTED
    ) -> Call[CommandAnswer]:
        """An answer like any other."""
        return Call(
            "POST",
            at("/api/v1/interventions/{intervention}/decline", intervention=intervention),
            CommandAnswer,
            body={"note": note},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def get(self, intervention: str) -> Call[InterventionInFull]:
        """Its timeline holds what happened and what is planned, with its time if nothing pauses from now
        on.
        """
        return Call(
            "GET", at("/api/v1/interventions/{intervention}", intervention=intervention), InterventionInFull
        )

    @listing
    def list(
        self,
        *,
        customer: str | None = None,
        playbook: str | None = None,
        state: InterventionState | None = None,
        owner: str | None = None,
        level: Level | None = None,
        family: Literal["risk", "expansion", "event"] | None = None,
        limit: int | None = None,
    ) -> Listing[InterventionLine]:
        """Of those that run the customers at risk come first, by level and score; what has ended comes
        last.
        """
        return Listing(
            "GET",
            "/api/v1/interventions",
            Page[InterventionLine],
            query={
                "customer": customer,
                "playbook": playbook,
                "state": state,
                "owner": owner,
                "level": level,
                "family": family,
                "limit": limit,
            },
            items="items",
        )

    @endpoint
    def page(
        self,
        *,
        customer: str | None = None,
        playbook: str | None = None,
        state: InterventionState | None = None,
        owner: str | None = None,
        level: Level | None = None,
        family: Literal["risk", "expansion", "event"] | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Call[Page[InterventionLine]]:
        """Of those that run the customers at risk come first, by level and score; what has ended comes
        last.
        """
        return Call(
            "GET",
            "/api/v1/interventions",
            Page[InterventionLine],
            query={
                "customer": customer,
                "playbook": playbook,
                "state": state,
                "owner": owner,
                "level": level,
                "family": family,
                "cursor": cursor,
                "limit": limit,
            },
        )

    @endpoint
    def pause(
        self,
        intervention: str,
        *,
        reason: str,
        idempotency_key: str | None = None,
        until: datetime | Omitted | None = OMITTED,
    ) -> Call[CommandAnswer]:
        """Until a moment, or until somebody resumes it."""
        return Call(
            "POST",
            at("/api/v1/interventions/{intervention}/pause", intervention=intervention),
            CommandAnswer,
            body={"until": until, "reason": reason},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def reassign(
        self, intervention: str, *, to: str, idempotency_key: str | None = None
    ) -> Call[CommandAnswer]:
        """They own the customer, its interventions and its open tasks from now on."""
        return Call(
            "POST",
            at("/api/v1/interventions/{intervention}/reassign", intervention=intervention),
            CommandAnswer,
            body={"to": to},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def respond(
        self, intervention: str, *, idempotency_key: str | None = None, note: str | Omitted = OMITTED
    ) -> Call[CommandAnswer]:
        """Nothing waits for an answer any more."""
        return Call(
            "POST",
            at("/api/v1/interventions/{intervention}/respond", intervention=intervention),
            CommandAnswer,
            body={"note": note},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def resume(self, intervention: str, *, idempotency_key: str | None = None) -> Call[CommandAnswer]:
        """The remaining delays are as they were."""
        return Call(
            "POST",
            at("/api/v1/interventions/{intervention}/resume", intervention=intervention),
            CommandAnswer,
            body={},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def seen(self, intervention: str, *, idempotency_key: str | None = None) -> Call[CommandAnswer]:
        """Noted at the offer; the playbook goes on."""
        return Call(
            "POST",
            at("/api/v1/interventions/{intervention}/seen", intervention=intervention),
            CommandAnswer,
            body={},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def skip(
        self,
        intervention: str,
        *,
        step: str,
        idempotency_key: str | None = None,
        reason: str | Omitted = OMITTED,
    ) -> Call[CommandAnswer]:
        """One that has not run yet."""
        return Call(
            "POST",
            at("/api/v1/interventions/{intervention}/skip", intervention=intervention),
            CommandAnswer,
            body={"step": step, "reason": reason},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def stop(
        self, intervention: str, *, reason: str, idempotency_key: str | None = None
    ) -> Call[CommandAnswer]:
        """What is planned is cancelled, open tasks are withdrawn."""
        return Call(
            "POST",
            at("/api/v1/interventions/{intervention}/stop", intervention=intervention),
            CommandAnswer,
            body={"reason": reason},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def upgraded(
        self,
        intervention: str,
        *,
        idempotency_key: str | None = None,
        plan: str | Omitted = OMITTED,
        note: str | Omitted = OMITTED,
    ) -> Call[CommandAnswer]:
        """The campaign ends as converted."""
        return Call(
            "POST",
            at("/api/v1/interventions/{intervention}/upgraded", intervention=intervention),
            CommandAnswer,
            body={"plan": plan, "note": note},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )
