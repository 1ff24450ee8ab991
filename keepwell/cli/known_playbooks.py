"""The playbooks in force, for commands that name one."""

from __future__ import annotations

from keepwell.contracts.playbook import Playbook
from keepwell.errors import InputError
from keepwell.settings import Settings
from scoring.levels import Level
from scoring.signal import Signal


def all_playbooks(settings: Settings) -> dict[str, Playbook]:
    """The playbooks in force, by name; their templates are not pinned.

    The gravest level comes first, and those for signals come last.
    """
    from keepwell.playbooks import BUILT_IN, PlaybookRegistry  # noqa: PLC0415  (loads Temporal)

    found = PlaybookRegistry((*BUILT_IN, *settings.playbooks)).playbooks
    return dict(sorted(found.items(), key=lambda item: -_gravity(item[1])))


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


def _gravity(playbook: Playbook) -> int:
    """Those for a signal or an alert come after those for a level."""
    return -1 if playbook.level is None else playbook.level.severity
