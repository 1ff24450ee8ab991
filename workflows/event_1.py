"""Event playbooks for the staff as they were before their messages came through at night.

Kept to be rehearsed and compared. No intervention begins with them any more; those that began with them carry
them in their input.
"""

from keepwell.contracts.playbook import Escalate, Playbook, Send
from workflows.event import EXECUTIVE_NOTIFICATION, PRIORITY_SUPPORT


def _as_it_was(playbook: Playbook) -> Playbook:
    steps = tuple(
        step.model_copy(update={"urgent": False}) if isinstance(step, Send | Escalate) else step
        for step in playbook.steps
    )
    return playbook.model_copy(update={"version": 1, "steps": steps})


EXECUTIVE_NOTIFICATION_1 = _as_it_was(EXECUTIVE_NOTIFICATION)
PRIORITY_SUPPORT_1 = _as_it_was(PRIORITY_SUPPORT)
