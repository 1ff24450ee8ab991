"""The playbooks in force, for whoever names one."""

from __future__ import annotations

from keepwell.contracts.playbook import Playbook
from keepwell.errors import InputError
from keepwell.settings import Settings
from scoring.levels import Level
from scoring.signal import Signal


def all_playbooks(settings: Settings) -> dict[str, Playbook]:
    """The playbooks in force by name, the gravest level first."""
    from keepwell.playbooks import playbooks_in_force  # noqa: PLC0415  (loads Temporal)

    return playbooks_in_force(settings.playbooks)


def playbook_for(settings: Settings, wanted: Level | Signal, place: str) -> Playbook:
    """The playbook in force for a level or a signal. Raises InputError, with `place`, where none is."""
    cause = "level" if isinstance(wanted, Level) else "signal"
    causes = {getattr(one, cause): one for one in all_playbooks(settings).values()}
    if wanted not in causes:
        known = ", ".join(one.value for one in causes if one is not None)
        raise InputError(
            f"There is no playbook for {wanted.value}.", place=place, hint=f"There are for {known}."
        )
    return causes[wanted]
