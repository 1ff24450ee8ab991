"""Which endpoints hear of a line of the journal, decided in the line's own transaction.

So none is lost and none is there twice: the deliveries are committed with the line, or neither is. A cursor
over the journal would lose lines, as ids are drawn before their transactions commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from keepwell.db.repositories.bulk import put_mapped_in
from keepwell.db.tables import AlertChannel, Organisation, WebhookEndpoint
from keepwell.db.tables.base import Json
from keepwell.keys import new_ids
from scoring.signal import Severity

ALL = "*"
ALERTS = "alert."
WEBHOOK = "webhook"
DEMO = "This is a demo, and a demo sends nothing to other programs"
"""Whoever may enter one could else let it call whomever they like."""
_KEPT = "webhook endpoints"


@dataclass(frozen=True)
class _Listeners:
    """The endpoints of an organisation, and the least grave alert that they hear of; None: no alert."""

    endpoints: tuple[tuple[str, tuple[str, ...]], ...]
    severity: Severity | None

    def of(self, line: Json) -> list[str]:
        kind = str(line["kind"])
        if kind.startswith(ALERTS) and not self._grave(line):
            return []
        return [endpoint for endpoint, wanted in self.endpoints if is_wanted(kind, wanted)]

    def _grave(self, line: Json) -> bool:
        if self.severity is None:
            return False
        given = line["data"].get("severity")
        return given not in tuple(Severity) or Severity(given).rank <= self.severity.rank


def is_wanted(kind: str, wanted: Sequence[str]) -> bool:
    """Whether an event's kind begins with one of what is wanted."""
    return any(one == ALL or kind.startswith(one) for one in wanted)


def is_demo(session: Session, organisation: str) -> bool:
    """Whether nothing leaves an organisation, since it is a demo."""
    return session.get_one(Organisation, organisation).demo


def tell_webhooks(session: Session, lines: Sequence[Json]) -> None:
    """Plan a delivery for each new line of the journal and each endpoint that wants to hear of it."""
    rows = [
        delivery_row(line["organisation_id"], endpoint, line["id"], line["kind"], line["recorded_at"])
        for line in lines
        for endpoint in _listeners(session, line["organisation_id"]).of(line)
    ]
    for row, identity in zip(rows, new_ids(len(rows)), strict=True):
        row["id"] = identity
    put_mapped_in(session, "webhook_delivery", rows)


def delivery_row(
    organisation: str,
    endpoint: str,
    event: str,
    kind: str,
    now: datetime,
    replay: int = 0,
    identity: str = "",
) -> Json:
    """The columns of a delivery that waits."""
    return {
        "id": identity,
        "organisation_id": organisation,
        "endpoint_id": endpoint,
        "event_id": event,
        "replay": replay,
        "kind": kind,
        "state": "waiting",
        "why": "",
        "attempts": 0,
        "created_at": now,
        "handed_at": None,
        "ended_at": None,
    }


def _listeners(session: Session, organisation: str) -> _Listeners:
    """Who listens, looked up once in a transaction: a write session is one."""
    kept: dict[str, _Listeners] = session.info.setdefault(_KEPT, {})
    if organisation not in kept:
        kept[organisation] = _found(session, organisation)
    return kept[organisation]


def _found(session: Session, organisation: str) -> _Listeners:
    query = (
        select(WebhookEndpoint.id, WebhookEndpoint.kinds)
        .where(WebhookEndpoint.organisation_id == organisation, col(WebhookEndpoint.active))
        .order_by(WebhookEndpoint.id)
    )
    endpoints = tuple((row[0], wanted_of(row[1])) for row in session.exec(query).all())
    return _Listeners(endpoints, webhook_severity(session, organisation) if endpoints else None)


def webhook_severity(session: Session, organisation: str) -> Severity | None:
    """From which severity on endpoints hear of alerts; None where the channel is off. Unset: of all."""
    channel = session.get(AlertChannel, (organisation, WEBHOOK))
    if channel is None:
        return Severity.INFO
    return Severity(channel.severity) if channel.enabled else None


def wanted_of(kinds: Mapping[str, object]) -> tuple[str, ...]:
    """The beginnings of kinds that an endpoint's row holds."""
    wanted = kinds.get("wanted", [])
    return tuple(str(one) for one in wanted) if isinstance(wanted, list) else ()
