"""The critical playbook as it was before a silent CSM's cover was told: kept to be rehearsed and compared.

No intervention begins with it any more; those that began with it carry it in their input.
"""

from datetime import timedelta

from keepwell.contracts.playbook import Step
from workflows.critical import CRITICAL

_ESCALATED = timedelta(hours=8)


def _as_it_was(step: Step) -> Step:
    """Nothing came through at night, and the manager alone heard of silence, after 8 hours."""
    match step.name:
        case "alert_csm":
            return step.model_copy(update={"urgent": False})
        case "escalate":
            why = "Nobody has acknowledged a critical customer for 8 hours"
            return step.model_copy(update={"urgent": False, "at": _ESCALATED, "why": why})
        case _:
            return step


CRITICAL_2 = CRITICAL.model_copy(
    update={
        "version": 2,
        "steps": tuple(_as_it_was(step) for step in CRITICAL.steps if step.name != "tell_cover"),
    }
)
