"""Which commands make sense for an intervention as it stands, and why the others do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from keepwell.console.doing import Doing, command
from keepwell.db.repositories.views_customer_lines import HistoryLine
from keepwell.db.repositories.views_interventions import InterventionLine


@dataclass(frozen=True)
class Commands:
    """What can be said to it now, and of what cannot, why not."""

    now: tuple[Doing, ...]
    not_now: tuple[tuple[str, str], ...]


def commands_of(line: InterventionLine, planned: Sequence[HistoryLine], when: str) -> Commands:
    """Of an open intervention. `planned` is what lies ahead of it, `when` says how long it is in hand."""
    given = {"ref": line.id, "about": line.customer, "title": line.playbook}
    paused = line.paused_at is not None
    can: list[Doing] = []
    cannot: list[tuple[str, str]] = []
    if line.acknowledged_by:
        cannot.append(("Acknowledge", f"{line.acknowledged_by} has it in hand {when}".strip()))
    else:
        can.append(Doing("Acknowledge", "a", act=command(line.id, "acknowledge")))
    if line.responded_at is None:
        can.append(Doing("They answered", "r", opens="respond", given=given))
    else:
        cannot.append(("They answered", "an answer is logged, and nothing waits for one any more"))
    if paused:
        # First, as nothing else goes on until then.
        can.insert(0, Doing("Resume", "p", act=command(line.id, "resume")))
        cannot.append(("Pause", "it is paused already"))
    else:
        can.append(Doing("Pause", "p", opens="pause", given=given))
        cannot.append(("Resume", "its clock is not paused"))
    steps = [one for one in planned if one.step]
    if steps:
        first = {**given, "step": steps[0].step, "title": steps[0].title}
        can.append(Doing("Skip the next step", "i", opens="skip", given=first))
        can.append(Doing("Next step is done", "c", opens="complete", given=first))
    else:
        cannot.append(("Skip or complete a step", "all of its steps are over"))
    can.append(Doing("Reassign", "g", opens="reassign", given=given))
    can.append(Doing("Stop", "x", opens="stop", given=given, danger=True))
    return Commands(tuple(can), tuple(cannot))


def of_step(line: HistoryLine) -> tuple[Doing, ...]:
    """What can be said about a step that lies ahead."""
    if not line.planned or not line.step or line.intervention is None:
        return ()
    given = {"ref": line.intervention, "step": line.step, "about": "", "title": line.title}
    return (
        Doing("Skip", opens="skip", given=given),
        Doing("Done by hand", opens="complete", given=given),
    )
