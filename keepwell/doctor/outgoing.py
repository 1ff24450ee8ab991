"""What tells others of alerts and events: channels that are on and cannot work, endpoints that fail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import Session, col, func, select

from keepwell.adapters.notice_renderer import TEMPLATES
from keepwell.contracts.delivery import DeliveryState
from keepwell.contracts.playbook import Channel
from keepwell.db.repositories.alert_channels import ChannelLine, alert_channels
from keepwell.db.repositories.webhook_desk import endpoints
from keepwell.db.repositories.webhooks_out import WEBHOOK, is_wanted
from keepwell.db.tables import AlertChannel, Notice, Staff
from keepwell.doctor.findings import Note, ok, problem, warning
from keepwell.doctor.scene import Scene
from keepwell.errors import ConfigurationError
from keepwell.rendering.bundle import OWN_TEMPLATES, load_bundle
from keepwell.rendering.guarded import check_bundle
from keepwell.settings import Settings

RECENT = timedelta(days=7)
LATE = timedelta(hours=1)
"""A delivery of an endpoint that works waits for seconds."""


def channels(scene: Scene) -> Sequence[Note]:
    """Each channel of alerts that is on can work, and nothing of the last week has failed."""
    with scene.session() as session:
        lines = [one for one in alert_channels(session, scene.ours.id) if one.enabled]
        chosen = session.get(AlertChannel, (scene.ours.id, WEBHOOK)) is not None
        people = session.exec(
            select(func.count())
            .select_from(Staff)
            .where(Staff.organisation_id == scene.ours.id, col(Staff.active))
        ).one()
        hears = any(
            one.active and is_wanted("alert.raised", one.kinds) for one in endpoints(session, scene.ours.id)
        )
        notes = _undone(scene, session)
    for line in lines:
        if line.channel == WEBHOOK:
            if chosen and not hears:
                todo = "Add one: keepwell webhooks add URL --kinds alert."
                notes.append(warning("alerts by webhook are on, and no endpoint wants them", todo, "user"))
            continue
        notes += _cannot(line, scene.settings, sender=scene.ours.sender_address)
        if not line.target and not people and not (line.channel == "slack" and scene.ours.slack_channel):
            todo = f"Import your staff, or name somebody: keepwell alerts channel {line.channel} on --to …"
            notes.append(
                problem(f"alerts by {line.channel} are on, and there is nobody to tell", todo, "user")
            )
        notes += _template(line, scene.settings)
    named = ", ".join(f"{one.channel} from {one.severity.value}" for one in lines) or "none"
    return notes or [ok(f"channels of alerts that are on: {named}")]


def webhooks(scene: Scene) -> Sequence[Note]:
    """No endpoint is stopped or failing."""
    with scene.session() as session:
        lines = endpoints(session, scene.ours.id)
    notes = []
    for one in lines:
        if not one.active:
            todo = f"Mend the receiver, then: keepwell webhooks start {one.id}; or remove it."
            notes.append(warning(f"the webhook {one.url} is stopped: {one.stopped_why}", todo))
        elif one.failing_since is not None and scene.now - one.failing_since > LATE:
            todo = f"Look at the receiver: keepwell webhooks deliveries --endpoint {one.id}"
            what = f"has taken nothing since {one.failing_since:%Y-%m-%d %H:%M} UTC ({one.failures:,} calls)"
            notes.append(warning(f"the webhook {one.url} {what}", todo))
    return notes or [ok(f"no webhook is stopped or failing ({len(lines)} entered)")]


def _cannot(line: ChannelLine, settings: Settings, *, sender: str) -> list[Note]:
    if line.channel == "email" and not sender:
        todo = "Set it: keepwell organisation set sender_address=…"
        return [problem("alerts by email are on, and the organisation has no sender_address", todo, "user")]
    if settings.sending == "live" and line.channel == "slack" and settings.slack_token is None:
        return [problem("alerts by Slack are on, and no Slack token is set", "Set KEEPWELL_SLACK_TOKEN.")]
    return []


def _template(line: ChannelLine, settings: Settings) -> list[Note]:
    own = settings.templates
    folders = (*((own,) if own and own.is_dir() else ()), OWN_TEMPLATES)
    try:
        check_bundle(load_bundle(TEMPLATES[Channel(line.channel)], folders), to_customers=False)
    except ConfigurationError as error:
        return [problem(f"alerts by {line.channel}: {error.message}", error.hint, "developer")]
    return []


def _undone(scene: Scene, session: Session) -> list[Note]:
    """Notices of the last week that have failed, or of which nobody knows."""
    query = select(Notice.state, func.count(), func.max(Notice.reason)).where(
        Notice.organisation_id == scene.ours.id,
        col(Notice.state).in_([DeliveryState.FAILED.value, DeliveryState.UNKNOWN.value]),
        col(Notice.updated_at) > scene.now - RECENT,
    )
    return [
        warning(
            f"{count:,} notices of alerts are {state} in the last {RECENT.days} days: {reason}",
            "The alerts themselves are in: keepwell alerts",
            "user",
        )
        for state, count, reason in session.exec(query.group_by(Notice.state)).all()
    ]
