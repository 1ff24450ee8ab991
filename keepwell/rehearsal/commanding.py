"""What a reaction tells which intervention: the command that production's command line would send."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import assert_never

from keepwell.contracts.commands import (
    Accept,
    Command,
    Complete,
    Decline,
    Pause,
    Reassign,
    Respond,
    Resume,
    Seen,
    Skip,
    Stop,
    Upgraded,
)
from keepwell.contracts.playbook import Playbook
from keepwell.db.tables import Intervention, Staff
from keepwell.keys import new_id
from keepwell.rehearsal.reactions import (
    AboutOffers,
    AcceptOffer,
    CompleteStep,
    DeclineOffer,
    PauseFor,
    ReassignTo,
    Reply,
    ResumeNow,
    SeeOffer,
    SkipStep,
    StopNow,
    Told,
    Upgrade,
)


def playbook_of(row: Intervention) -> Playbook:
    """The playbook that an intervention runs."""
    return Playbook.model_validate(row.definition)


def meant(reaction: Told, rows: Sequence[Intervention]) -> Intervention:
    """Which of the customer's interventions (oldest first, at least one) a person would tell it.

    The newest open one that it makes sense for; without any, the newest open one; without that, the newest:
    it refuses, and says why.
    """
    alive = [row for row in reversed(rows) if row.outcome is None]
    sensible = (row for row in alive if _concerns(reaction, playbook_of(row)))
    return next(sensible, alive[0] if alive else rows[-1])


def _concerns(reaction: Told, playbook: Playbook) -> bool:
    match reaction:
        case SkipStep(step=step) | CompleteStep(step=step):
            return playbook.step(step) is not None
        case Upgrade():
            return playbook.signal is not None
        case _:
            return playbook.offer is not None or not isinstance(reaction, AboutOffers)


def command_of(
    reaction: Told, row: Intervention, by: str, began: datetime, person: Callable[[str], Staff]
) -> Command:
    """The command; `began` is when the rehearsal did, `person` finds a member of staff by what was typed."""
    identity, intervention = new_id(), row.id
    match reaction:
        case Reply(note=note):
            return Respond(id=identity, intervention=intervention, by=by, note=note)
        case PauseFor(until=until):
            end = began + until if until is not None else None
            return Pause(id=identity, intervention=intervention, by=by, until=end)
        case ResumeNow():
            return Resume(id=identity, intervention=intervention, by=by)
        case StopNow():
            return Stop(id=identity, intervention=intervention, by=by)
        case SkipStep(step=step):
            return Skip(id=identity, intervention=intervention, by=by, step=step)
        case CompleteStep(step=step):
            return Complete(id=identity, intervention=intervention, by=by, step=step)
        case ReassignTo(to=to):
            who = person(to)
            return Reassign(id=identity, intervention=intervention, by=by, to=who.id, to_name=who.name)
        case _:
            return _about_growth(reaction, row, by)


def _about_growth(reaction: AboutOffers | Upgrade, row: Intervention, by: str) -> Command:
    identity, intervention = new_id(), row.id
    match reaction:
        case SeeOffer():
            return Seen(id=identity, intervention=intervention, by=by)
        case AcceptOffer(option=option, months=months, plan=plan):
            return Accept(
                id=identity, intervention=intervention, by=by, option=option, months=months, plan=plan
            )
        case DeclineOffer():
            return Decline(id=identity, intervention=intervention, by=by)
        case Upgrade(plan=plan):
            return Upgraded(id=identity, intervention=intervention, by=by, plan=plan)
    assert_never(reaction)
