"""Timelines for tests, without playing anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from keepwell.rehearsal.timeline import Ending, Entry, Message, Timeline, Work
from scoring.levels import Level

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def entry(kind: str, hours: float, title: str, **fields: Any) -> Entry:
    """An entry some hours after the start."""
    offset = timedelta(hours=hours)
    made = {"offset": offset, "at": START + offset, "kind": kind, "playbook": "critical@1", "title": title}
    return Entry.model_validate({**made, **fields})


def email(hours: float, step: str, **fields: Any) -> Entry:
    """An email that went out."""
    message = {
        "channel": "email",
        "to_customer": True,
        "recipient": "Mara Lind",
        "address": "mara@acme.example",
        "subject": f"About {step}",
        "text": "Dear Mara,\nhow are you?",
        "html": "<p>Dear Mara</p>",
        "state": "accepted",
        **fields,
    }
    sent = Message.model_validate(message)
    return entry("message", hours, "email to the primary contact", step=step, state="done", messages=(sent,))


def task(hours: float, step: str, **fields: Any) -> Entry:
    """A task."""
    work = {
        "kind": "step",
        "title": f"Do {step}",
        "detail": "Call them",
        "owner": "Dana Reyes",
        "due_at": START + timedelta(hours=hours + 8),
        "state": "open",
        **fields,
    }
    made = Work.model_validate(work)
    return entry("task", hours, "task for the owner", step=step, state="done", tasks=(made,))


def timeline(*entries: Entry, playbook: str = "critical@1", **fields: Any) -> Timeline:
    """A timeline of these entries."""
    made = {
        "playbook": playbook,
        "title": "Critical: win the customer back",
        "purpose": "The score is below 20.",
        "level": Level.CRITICAL,
        "score": 10.0,
        "customer": "Acme Analytics",
        "customer_id": "acme",
        "organisation": "Brightdesk Ltd",
        "demo": False,
        "owner": "Dana Reyes",
        "zone": "UTC",
        "started_at": START,
        "ended_at": START + timedelta(hours=30),
        "script": ("the customer does not answer",),
        "notes": (),
        "endings": (Ending(playbook=playbook, title="Critical", outcome="completed", why="All is done"),),
        "entries": tuple(one.model_copy(update={"playbook": playbook}) for one in entries),
        "left_out": (),
        "ahead": (),
        **fields,
    }
    return Timeline.model_validate(made)
