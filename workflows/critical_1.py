"""The critical playbook as it was before it made an offer: kept so that it can be rehearsed and compared.

No intervention begins with it any more; those that began with it carry it in their input.
"""

from keepwell.contracts.playbook import Offer, Step
from workflows.critical_2 import CRITICAL_2


def _as_it_was(step: Step) -> Step:
    """Without an offer behind it, the last email was about a billing pause alone."""
    if step.name != "final_offer":
        return step
    why = "No answer for 72 hours: a last offer, with a billing pause as the way to stay"
    return step.model_copy(update={"why": why})


CRITICAL_1 = CRITICAL_2.model_copy(
    update={
        "version": 1,
        "steps": tuple(_as_it_was(step) for step in CRITICAL_2.steps if not isinstance(step, Offer)),
        "follow_ups": (),
    }
)
