"""By which channels alerts go out: on or off, from which severity on, and to whom."""

from __future__ import annotations

from datetime import datetime
from email.utils import parseaddr
from typing import Literal

from sqlmodel import Session

from keepwell.contracts.base import Frozen
from keepwell.db.repositories import journal
from keepwell.db.repositories.webhooks_out import WEBHOOK
from keepwell.db.tables import AlertChannel
from keepwell.errors import InputError
from keepwell.keys import new_id
from scoring.signal import Severity

ChannelName = Literal["email", "slack", "webhook"]
CHANNELS: tuple[ChannelName, ...] = ("email", "slack", "webhook")


class ChannelLine(Frozen):
    """A channel as it is set, or by default: email and Slack are off, endpoints hear of every alert."""

    channel: ChannelName
    enabled: bool
    severity: Severity
    target: str
    since: datetime | None


def alert_channels(session: Session, organisation: str) -> tuple[ChannelLine, ...]:
    """All three channels."""
    return tuple(_line(session.get(AlertChannel, (organisation, name)), name) for name in CHANNELS)


def set_channel(
    session: Session,
    organisation: str,
    channel: ChannelName,
    *,
    enabled: bool,
    severity: Severity | None,
    target: str | None,
    by: str,
    now: datetime,
) -> ChannelLine:
    """Switch a channel; what is None stays. One that is switched on tells what is raised from then on.

    Raises InputError for a target that the channel cannot reach.
    """
    _check(channel, target)
    row = session.get(AlertChannel, (organisation, channel))
    if row is None:
        before = _line(None, channel)
        row = AlertChannel(
            organisation_id=organisation, channel=channel, severity=before.severity.value, since=now
        )
    if enabled and not row.enabled:
        row.since = now
    row.enabled = enabled
    row.severity = severity.value if severity is not None else row.severity
    row.target = target.strip() if target is not None else row.target
    session.add(row)
    session.flush()
    what = f"on, from {row.severity} on" + (f", to {row.target}" if row.target else "") if enabled else "off"
    journal.write(
        session,
        key=f"alert-channel/{channel}/{new_id()}",
        organisation=organisation,
        kind="alert.channel_changed",
        text=f"Alerts by {channel}: {what}",
        at=now,
        by=by,
        data={"channel": channel, "enabled": enabled},
    )
    return _line(row, channel)


def _line(row: AlertChannel | None, name: ChannelName) -> ChannelLine:
    if row is None:
        is_webhook = name == WEBHOOK
        least = Severity.INFO if is_webhook else Severity.WARNING
        return ChannelLine(channel=name, enabled=is_webhook, severity=least, target="", since=None)
    return ChannelLine(
        channel=name,
        enabled=row.enabled,
        severity=Severity(row.severity),
        target=row.target,
        since=row.since,
    )


def _check(channel: ChannelName, target: str | None) -> None:
    if not target:
        return
    if channel == WEBHOOK:
        raise InputError(
            "Webhooks go to their endpoints.",
            place="target",
            hint="Add an endpoint.",
            command="keepwell webhooks add URL",
        )
    text = target.strip()
    if len(text) > 320 or not text.isprintable() or " " in text:
        raise InputError(f"{text[:80]!r} is no address.", place="target")
    if channel == "email" and (parseaddr(text)[1] != text or not 0 < text.find("@") < len(text) - 1):
        raise InputError(
            f"{text!r} is no email address.", place="target", hint="For example: team@example.com"
        )
