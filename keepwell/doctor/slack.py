"""Whether Slack's buttons reach us, and whether what came from outside reaches the runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import col, func, select

from keepwell.db.tables import PendingCommand
from keepwell.doctor.findings import Note, ok, problem, warning
from keepwell.doctor.scene import Scene

WAITS_TOO_LONG = timedelta(minutes=15)
"""The monitor tells what waits within minutes, also where `keepwell serve` does not run."""

ACTIONS = "/webhooks/slack/actions"


def buttons(scene: Scene) -> Sequence[Note]:
    """A button needs a secret to know Slack by, and an address that Slack can call."""
    settings = scene.settings
    if settings.sending == "outbox" or settings.slack_token is None:
        return [ok("no message goes to Slack, so nobody presses a button there")]
    if settings.slack_signing_secret is None:
        return [
            warning(
                "messages in Slack have no buttons: KEEPWELL_SLACK_SIGNING_SECRET is not set",
                "Set it to the app's signing secret (Basic Information), and run keepwell serve.",
            )
        ]
    address = f"{settings.public_url.rstrip('/')}{ACTIONS}"
    if not address.startswith("https://"):
        return [
            warning(
                f"Slack calls https:// addresses alone, and buttons lead to {address}",
                "Set KEEPWELL_PUBLIC_URL to the https:// address under which keepwell serve is reached.",
            )
        ]
    return [ok(f"buttons lead to {address}, which has to be the app's request URL (Interactivity)")]


def commands(scene: Scene) -> Sequence[Note]:
    """Nothing that came from a button, a reply or a page waits for long to be told to its run."""
    late = (
        col(PendingCommand.organisation_id) == scene.ours.id,
        col(PendingCommand.state).in_(("waiting", "asking")),
        col(PendingCommand.received_at) < scene.now - WAITS_TOO_LONG,
    )
    with scene.session() as session:
        count = session.exec(select(func.count()).select_from(PendingCommand).where(*late)).one()
        why = session.exec(
            select(PendingCommand.why).where(*late).order_by(col(PendingCommand.received_at)).limit(1)
        ).first()
    if not count:
        return [ok("no command from outside waits to be told")]
    reason = f"; the oldest: {why}" if why else ""
    return [
        problem(
            f"{count} from buttons, replies or pages wait for more than "
            f"{WAITS_TOO_LONG.total_seconds() / 60:.0f} minutes to be told to their runs{reason}",
            "Look whether Temporal answers, and whether a worker or keepwell serve runs. None is lost.",
        )
    ]
