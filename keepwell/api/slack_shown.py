"""What a message in Slack shows after somebody has used a button of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from keepwell.adapters.slack_blocks import ACTIONS, OF_ALERTS, PREFIX, moment
from keepwell.contracts.alerts import AlertState
from keepwell.db.repositories import clicks, taking
from keepwell.db.tables import Alert, Intervention, PendingCommand
from keepwell.rendering.mrkdwn import escaped


@dataclass(frozen=True)
class Subject:
    """What the buttons of a message are about: an intervention, alerts, or both."""

    run: Intervention | None
    alerts: Sequence[Alert]

    @property
    def over(self) -> bool:
        """Whether there is nothing left to do about the intervention, or about the alerts."""
        closed = [one.state == AlertState.CLOSED for one in self.alerts]
        return (self.run is not None and self.run.outcome is not None) or (bool(closed) and all(closed))


def subject_of(session: Session, row: PendingCommand) -> Subject:
    """What a message is about, by the buttons that it had when it was clicked."""
    values = _values(row)
    run = session.get(Intervention, row.intervention_id or values.get("pause", ""))
    notice = next((values[name] for name in OF_ALERTS if name in values), "")
    alerts = taking.alerts_told(session, notice, row.organisation_id) if notice else ()
    ours = run if run is not None and run.organisation_id == row.organisation_id else None
    return Subject(ours, alerts or taking.alerts_of(session, row))


def used(subject: Subject) -> Sequence[str]:
    """The buttons that make no sense any more."""
    run, open_left = subject.run, any(one.state == AlertState.OPEN for one in subject.alerts)
    over = run is None or run.outcome is not None
    is_used = {
        "acknowledge": over or bool(run and run.acknowledged_by),
        "pause": over or bool(run and run.paused),
        "respond": over or bool(run and run.response),
        "take": not open_left,
        "take_all": not open_left,
    }
    return [name for name, no_more in is_used.items() if no_more]


def lines_of(session: Session, row: PendingCommand, subject: Subject, zone: str) -> Sequence[str]:
    """Who did what and when, one line for each click on the message that did something; and how it ended."""
    lines = []
    for one in clicks.beside(session, row):
        effect = clicks.effect_of(session, one) or (clicks.already(session, one) if one.told_at else None)
        if effect is not None and not effect.refused:
            who = f"*{escaped(effect.by)}*: " if effect.by else ""
            lines.append(f"{who}{escaped(effect.text)} ({moment(effect.at, zone)})")
    run = subject.run
    if run is not None and run.outcome is not None and run.ended_at is not None:
        why = f": {run.outcome_why}" if run.outcome_why else ""
        lines.append(f"It has ended, {escaped(run.outcome + why)} ({moment(run.ended_at, zone)})")
    closed = [one for one in subject.alerts if one.closed_at is not None]
    for alert in closed if len(closed) == len(subject.alerts) else ():
        assert alert.closed_at is not None  # noqa: S101  (picked for it)
        lines.append(f"Over: {escaped(alert.closed_why)} ({moment(alert.closed_at, zone)})")
    return list(dict.fromkeys(lines))


def _values(row: PendingCommand) -> dict[str, str]:
    """The values of our buttons, by their names without the prefix."""
    return {
        str(element.get("action_id", "")).removeprefix(PREFIX): str(element.get("value", ""))
        for block in row.back.get("blocks", ())
        if block.get("block_id") == ACTIONS
        for element in block.get("elements", ())
    }
