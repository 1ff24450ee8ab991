"""The body of a webhook: an event as other programs read it. docs/guide/developer.md describes it."""

from __future__ import annotations

import json
import re
from typing import Any

from sqlmodel import Session

from keepwell.db.tables import Customer, Event, Organisation

VERSION = 1
"""Raised when a field changes its meaning or goes; a new field may come at any time."""

HIDDEN = "(address)"
_ADDRESS = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")


def payload(session: Session, event: Event) -> str:
    """The body of an event's webhook, the same in every attempt.

    What was written to or of a person may stand in the journal with an email address: it does not go out.
    """
    customer = session.get(Customer, event.customer_id) if event.customer_id else None
    body = {
        "type": event.kind,
        "timestamp": event.at.isoformat(),
        "version": VERSION,
        "data": {
            "id": event.id,
            "organisation": session.get_one(Organisation, event.organisation_id).key,
            "customer": {"id": customer.external_id, "name": customer.name} if customer else None,
            "intervention": event.intervention_id,
            "by": event.by,
            "text": _without_addresses(event.text),
            "why": _without_addresses(event.why),
            "data": _without_addresses(event.data),
        },
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _without_addresses(value: Any) -> Any:
    match value:
        case str():
            return _ADDRESS.sub(HIDDEN, value)
        case dict():
            return {name: _without_addresses(one) for name, one in value.items()}
        case list():
            return [_without_addresses(one) for one in value]
        case _:
            return value
