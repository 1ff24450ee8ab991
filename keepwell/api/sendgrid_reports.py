"""SendGrid's events as reports of ours: what each kind means, and what of it is kept.

Kinds and fields are those of SendGrid's Event Webhook Reference. Addresses of people and machines are left
out: the ledger's key says which message is meant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from keepwell.adapters.sendgrid import KEY_ARGUMENT, provider_message_id
from keepwell.contracts.arrivals import Report, ReportKind
from keepwell.contracts.lines import one_line
from keepwell.errors import InputError

KINDS = {
    "processed": ReportKind.ACCEPTED,
    "deferred": ReportKind.DELAYED,
    "delivered": ReportKind.DELIVERED,
    "bounce": ReportKind.BOUNCED,
    "dropped": ReportKind.DROPPED,
    "open": ReportKind.OPENED,
    "click": ReportKind.CLICKED,
    "unsubscribe": ReportKind.UNSUBSCRIBED,
    "group_unsubscribe": ReportKind.LEFT_GROUP,
    "spamreport": ReportKind.COMPLAINED,
}
"""What SendGrid calls it; anything else, also of kinds to come, has no effect."""

KEPT = ("event", "type", "status", "attempt", "bounce_classification", "asm_group_id", "sg_message_id", "url")
LONGEST = 500
"""Characters of a field that are kept."""

OLDEST = 1_000_000_000
"""No event is older than this Unix time (2001)."""


def reports_in(body: bytes, now: datetime) -> tuple[list[Report], int]:
    """The reports in a request's body, and how many of its entries are none.

    Raises:
        InputError: it is no list in JSON.
    """
    try:
        entries = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise InputError("The body is no JSON that can be read.", place="body") from error
    if not isinstance(entries, list):
        raise InputError("The body is JSON, but no list of events.", place="body")
    found = [_report(entry, now) for entry in entries]
    reports = [one for one in found if one is not None]
    return reports, len(found) - len(reports)


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _report(entry: object, now: datetime) -> Report | None:
    if not isinstance(entry, dict):
        return None
    event, identifier = entry.get("event"), entry.get("sg_event_id")
    if not isinstance(event, str) or not isinstance(identifier, str):
        return None
    if not re.fullmatch(r"[!-~]{1,120}", identifier):
        return None
    key = entry.get(KEY_ARGUMENT)
    return Report(
        provider="sendgrid",
        event_id=identifier,
        kind=_kind(event, entry),
        key=key if isinstance(key, str) and len(key) <= 240 and key.isprintable() else "",
        message=provider_message_id(_text(entry.get("sg_message_id"))),
        at=_moment(entry.get("timestamp"), now),
        why=_text(entry.get("reason")) or _text(entry.get("response")),
        data={name: text for name in KEPT if (text := _text(entry.get(name)))},
    )


def _kind(event: str, entry: Mapping[str, Any]) -> ReportKind:
    kind = KINDS.get(event, ReportKind.OTHER)
    if kind is ReportKind.BOUNCED and entry.get("type") == "blocked":
        return ReportKind.BLOCKED
    # Apple's mail programs fetch pictures for their users, whether these read the message or not.
    if kind is ReportKind.OPENED and entry.get("sg_machine_open") in (True, "true"):
        return ReportKind.OPENED_BY_MACHINE
    return kind


def _moment(value: object, now: datetime) -> datetime:
    """When it happened; now where that is not said, or cannot be."""
    usable = isinstance(value, int) and not isinstance(value, bool)
    if not usable or not isinstance(value, int) or not OLDEST <= value <= now.timestamp():
        return now
    return datetime.fromtimestamp(value, UTC)


def _text(value: object) -> str:
    """A field on one line, cut: databases take neither NUL nor half of a letter."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    return one_line(str(value)[: 2 * LONGEST])[:LONGEST]
