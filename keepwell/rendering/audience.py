"""Who reads a message, and which facts that person may read."""

from __future__ import annotations

from functools import cache

from pydantic import BaseModel

from keepwell.contracts.playbook import CONTACTS, Document, Playbook, Send
from keepwell.contracts.rendering import Context

CUSTOMER_KINDS = frozenset({"email", "in_app", "document"})
"""Kinds of templates whose readers are customers, unless the step says that it writes to staff."""


def reads_as_customer(template: str) -> bool:
    """Whether the readers of this template, by the kind in its name, are customers."""
    return template.partition("/")[0] in CUSTOMER_KINDS


def customer_templates(playbook: Playbook) -> frozenset[str]:
    """The templates of a playbook that its customers read: messages to contacts, and documents."""
    return frozenset(
        step.template
        for step in playbook.all_steps
        if isinstance(step, Document) or (isinstance(step, Send) and step.to in CONTACTS)
    )


def facts_for(*, to_customers: bool) -> frozenset[str]:
    """The names of a context that a template may use."""
    return fields_for(Context, to_customers=to_customers)


def may_use(*, to_customers: bool) -> str:
    """What a template may use, as a hint for its author."""
    known = facts_for(to_customers=to_customers)
    names = ", ".join(name for name in Context.model_fields if name in known)
    if not to_customers:
        return f"A template may use {names} and their fields."
    staff = ", ".join(name for name in Context.model_fields if name not in known)
    return f"A template that customers read may use {names} and their fields; {staff} are for staff."


@cache
def fields_for(model: type[BaseModel], *, to_customers: bool) -> frozenset[str]:
    """The fields of a contract that a template may read: all of them, or those not for staff alone."""
    for_staff: frozenset[str] = getattr(model, "STAFF_ONLY", frozenset())
    return frozenset(model.model_fields) - (for_staff if to_customers else frozenset())
