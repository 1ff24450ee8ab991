"""Calls of tasks. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from keepwell.api.v1.tasks import TaskAnswer, TaskPage
from keepwell.client.core import OMITTED, Call, Group, Listing, Omitted, Sender, at, endpoint, listing
from keepwell.contracts.tasks import TaskOutcome
from keepwell.db.repositories.views_work import TaskLine


class TasksCalls(Group[Sender]):
    """Calls of tasks."""

    @endpoint
    def close(self, task: str, *, outcome: TaskOutcome, note: str | Omitted = OMITTED) -> Call[TaskAnswer]:
        """One of a step completes the step: its playbook is told in a moment, and that cannot be taken
        back.
        """
        return Call(
            "POST",
            at("/api/v1/tasks/{task}/close", task=task),
            TaskAnswer,
            body={"outcome": outcome, "note": note},
        )

    @endpoint
    def comment(self, task: str, *, text: str) -> Call[TaskAnswer]:
        """Also at one that is closed."""
        return Call("POST", at("/api/v1/tasks/{task}/comment", task=task), TaskAnswer, body={"text": text})

    @endpoint
    def due(self, task: str, *, to: datetime, reason: str) -> Call[TaskAnswer]:
        """With a reason."""
        return Call(
            "POST", at("/api/v1/tasks/{task}/due", task=task), TaskAnswer, body={"to": to, "reason": reason}
        )

    @endpoint
    def get(self, task: str) -> Call[TaskLine]:
        """What to do, for whom, and until when."""
        return Call("GET", at("/api/v1/tasks/{task}", task=task), TaskLine)

    @endpoint
    def give(self, task: str, *, to: str) -> Call[TaskAnswer]:
        """While they are away, whoever stands in for them has it."""
        return Call("POST", at("/api/v1/tasks/{task}/give", task=task), TaskAnswer, body={"to": to})

    @listing
    def list(
        self,
        *,
        owner: str | None = None,
        customer: str | None = None,
        state: Literal["open", "closed", "all"] | None = None,
        snoozed: bool | None = None,
        due_before: datetime | None = None,
        limit: int | None = None,
    ) -> Listing[TaskLine]:
        """Snoozed tasks are left out unless they are asked for; an overdue one is always there."""
        return Listing(
            "GET",
            "/api/v1/tasks",
            TaskPage,
            query={
                "owner": owner,
                "customer": customer,
                "state": state,
                "snoozed": snoozed,
                "due_before": due_before,
                "limit": limit,
            },
            items="items",
        )

    @endpoint
    def page(
        self,
        *,
        owner: str | None = None,
        customer: str | None = None,
        state: Literal["open", "closed", "all"] | None = None,
        snoozed: bool | None = None,
        due_before: datetime | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Call[TaskPage]:
        """Snoozed tasks are left out unless they are asked for; an overdue one is always there."""
        return Call(
            "GET",
            "/api/v1/tasks",
            TaskPage,
            query={
                "owner": owner,
                "customer": customer,
                "state": state,
                "snoozed": snoozed,
                "due_before": due_before,
                "cursor": cursor,
                "limit": limit,
            },
        )

    @endpoint
    def reopen(self, task: str) -> Call[TaskAnswer]:
        """Where no run has gone on because of it."""
        return Call("POST", at("/api/v1/tasks/{task}/reopen", task=task), TaskAnswer)

    @endpoint
    def snooze(self, task: str, *, until: datetime) -> Call[TaskAnswer]:
        """Its deadline stays: past it, it shows again, with an alert."""
        return Call("POST", at("/api/v1/tasks/{task}/snooze", task=task), TaskAnswer, body={"until": until})

    @endpoint
    def wake(self, task: str) -> Call[TaskAnswer]:
        """It is in the list again at once."""
        return Call("POST", at("/api/v1/tasks/{task}/wake", task=task), TaskAnswer)
