"""The high-risk playbook as it was before a silent CSM's cover was told: kept to be rehearsed and compared.

No intervention begins with it any more; those that began with it carry it in their input.
"""

from workflows.high_risk import HIGH_RISK

HIGH_RISK_1 = HIGH_RISK.model_copy(
    update={
        "version": 1,
        "steps": tuple(step for step in HIGH_RISK.steps if step.name != "tell_cover"),
    }
)
