"""The critical playbook as it was before it made an offer: kept so that it can be rehearsed and compared.

No intervention begins with it any more; those that began with it carry it in their input.
"""

from keepwell.contracts.playbook import Offer
from workflows.critical import CRITICAL

CRITICAL_1 = CRITICAL.model_copy(
    update={
        "version": 1,
        "steps": tuple(step for step in CRITICAL.steps if not isinstance(step, Offer)),
        "follow_ups": (),
    }
)
