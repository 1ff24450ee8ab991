"""Commands by people through the API: each under a key of its own, so that the same one twice counts once.

What became of one is read from where it stands: kept (not told yet), or in the journal.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.contracts.commands import Command
from keepwell.db.repositories import pending
from keepwell.db.repositories.lookup import own
from keepwell.db.tables import Event, Intervention, InterventionStep, PendingCommand
from keepwell.errors import InputError, RefusedError

SOURCE: Final = "api"
OF_SENDER: Final = {"id", "by", "to_name"}
"""What does not make one command another: who sent it, and what follows from the rest."""


class CommandState(StrEnum):
    """What became of a command. `told`: its run has it, and has not said yet what it made of it."""

    KEPT = "kept"
    TOLD = "told"
    DONE = "done"
    REFUSED = "refused"


class CommandStatus(Frozen):
    """A command that was given: `text` says what it brought about, `why` why it was refused."""

    command: str
    intervention: str
    kind: str
    state: CommandState
    text: str
    why: str
    by: str
    received_at: datetime
    told_at: datetime | None


def command_key(intervention: str, given: str) -> str:
    """The key of a command to an intervention under the id that its sender has given it."""
    return f"{SOURCE}/{intervention}/{given}"


def given_id(key: str) -> str:
    """The id that the sender of a command has given it, out of its key."""
    return key.rpartition("/")[2]


def keep(session: Session, row: Intervention, command: Command, now: datetime) -> None:
    """Keep a command until its run can be told; the same one again changes nothing."""
    pending.put(session, row, key=command.id, source=SOURCE, by=command.by, command=command, now=now)


def command_status(session: Session, intervention: str, key: str) -> CommandStatus | None:
    """What became of a command; None where nothing is known of one."""
    kept = session.get(PendingCommand, key)
    line = session.exec(select(Event).where(Event.key == f"{intervention}/{key}")).first()
    if kept is None and line is None:
        return None
    refused = line is not None and line.kind == "command.refused"
    if refused or (kept is not None and kept.state == "refused"):
        state = CommandState.REFUSED
    elif line is not None:
        state = CommandState.DONE
    else:
        state = CommandState.TOLD if kept is not None and kept.state == "told" else CommandState.KEPT
    return CommandStatus(
        command=given_id(key),
        intervention=intervention,
        kind=str(kept.command["kind"]) if kept is not None else _kind(line),
        state=state,
        text=line.text if line is not None else "",
        why=_why(kept, line),
        by=kept.by if kept is not None else (line.by if line is not None else ""),
        received_at=_received(kept, line),
        told_at=kept.told_at if kept is not None else (line.at if line is not None else None),
    )


def same_as(session: Session, key: str, command: Command, status: CommandStatus) -> None:
    """Raises RefusedError where another command was given under the same id."""
    kept = session.get(PendingCommand, key)
    now = command.model_dump(mode="json", exclude=OF_SENDER)
    another = status.kind not in ("", command.kind)
    if kept is not None:
        before = {name: value for name, value in kept.command.items() if name not in OF_SENDER}
        another = before != now
    elif status.state is CommandState.DONE:
        # Of one that was told at once the journal keeps what its sender said of it.
        said = getattr(command, "note", getattr(command, "reason", ""))
        another = another or status.why != said
    if another:
        raise RefusedError(
            f"The id {given_id(key)!r} was given to another command already: {status.kind}.",
            hint="Give each command an id of its own, and the same one only to try it again.",
        )


def has_waiting(session: Session, intervention: str) -> bool:
    """Whether commands to an intervention are kept that its run has not been told yet."""
    query = select(PendingCommand).where(
        PendingCommand.intervention_id == intervention, col(PendingCommand.state).in_(("waiting", "asking"))
    )
    # One that only asks to look again may be overtaken.
    return any(row.command for row in session.exec(query))


def require_step(session: Session, intervention: Intervention, name: str) -> None:
    """Raises InputError where an intervention has no step of that name."""
    if session.get(InterventionStep, (intervention.id, name)) is not None:
        return
    query = select(InterventionStep.name).where(InterventionStep.intervention_id == intervention.id)
    known = session.exec(query.order_by(col(InterventionStep.position))).all()
    raise InputError(
        f"{intervention.playbook}@{intervention.version} has no step {name!r}.",
        place="step",
        hint=f"Its steps are {', '.join(known)}.",
    )


def own_intervention(session: Session, organisation: str, intervention: str) -> Intervention:
    """The organisation's intervention of that id. Raises NotFoundError."""
    return own(session, Intervention, organisation, intervention, "intervention")


def waits_for_somebody(session: Session, intervention: str) -> bool:
    """Whether an intervention runs that nobody has acknowledged."""
    row = session.get_one(Intervention, intervention)
    return row.outcome is None and not row.acknowledged_by


def ended(row: Intervention) -> RefusedError:
    """What a command to one that has ended meets."""
    why = f" ({row.outcome_why})" if row.outcome_why else ""
    when = f" on {row.ended_at:%d %b %Y %H:%M} UTC" if row.ended_at else ""
    return RefusedError(
        f"Intervention {row.id} has ended: {row.outcome}{why}{when}.", hint="It takes no commands any more."
    )


def _kind(line: Event | None) -> str:
    kind = line.kind.removeprefix("command.") if line is not None else ""
    # A refusal's line does not name it otherwise than in words: "pause was refused".
    return line.text.partition(" ")[0] if line is not None and kind == "refused" else kind


def _why(kept: PendingCommand | None, line: Event | None) -> str:
    if line is not None:
        return line.why
    return kept.why if kept is not None else ""


def _received(kept: PendingCommand | None, line: Event | None) -> Any:
    return kept.received_at if kept is not None else (line.recorded_at if line is not None else None)
