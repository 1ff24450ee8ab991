"""Which lines of the journal are about what, and which only say what another line says."""

from __future__ import annotations

from keepwell.db.repositories import journal
from keepwell.db.repositories.views_customer_lines import Doer, LineKind
from keepwell.db.repositories.wishes import CUSTOMER
from keepwell.db.tables import Event

KINDS = {
    "contact.replied": LineKind.ANSWER,
    "contact.automatic_reply": LineKind.ANSWER,
    "command.respond": LineKind.ANSWER,
    "command.accept": LineKind.ANSWER,
    "command.decline": LineKind.ANSWER,
    "customer.enrolled": LineKind.SCORE,
}
"""Kinds that are about something else than their beginning says."""

BEGINNINGS = {
    "transition": LineKind.SCORE,
    "score": LineKind.SCORE,
    "delivery": LineKind.MESSAGE,
    "in_app": LineKind.MESSAGE,
    "task": LineKind.TASK,
    "alert": LineKind.ALERT,
    "offer": LineKind.OFFER,
    "draft": LineKind.DRAFT,
    "command": LineKind.COMMAND,
    "intervention": LineKind.INTERVENTION,
    "step": LineKind.INTERVENTION,
    "opportunity": LineKind.GROWTH,
}

TOLD_ELSEWHERE = frozenset({"alert.started", "delivery.delivered"})
"""The line of what it began says the first; the line of a message says where that stands."""

MACHINES = frozenset({journal.ENGINE, "sendgrid", "smtp", "email", "outbox", "in_app"})
"""Who stands in the journal and is no person."""


def kind_of(kind: str) -> LineKind:
    """What a line of the journal is about, by its kind."""
    return KINDS.get(kind) or BEGINNINGS.get(kind.partition(".")[0], LineKind.OTHER)


def told_elsewhere(kind: str) -> bool:
    """Whether another line of the timeline says the same."""
    return kind in TOLD_ELSEWHERE


def doer_of(event: Event) -> Doer:
    """Who did it: the engine, the customer, or a person of ours."""
    if event.by == CUSTOMER or event.kind in ("contact.replied", "contact.automatic_reply"):
        return "customer"
    return "engine" if event.by in MACHINES or event.kind.startswith("delivery.") else "person"
