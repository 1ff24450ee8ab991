"""The search attributes of an intervention's run. Light on imports: workflow code reads this module."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from temporalio.common import SearchAttributeKey

CUSTOMER_ID: SearchAttributeKey[str] = SearchAttributeKey.for_keyword("CustomerId")
PLAYBOOK: SearchAttributeKey[str] = SearchAttributeKey.for_keyword("Playbook")
RISK_LEVEL: SearchAttributeKey[str] = SearchAttributeKey.for_keyword("RiskLevel")
OWNER: SearchAttributeKey[str] = SearchAttributeKey.for_keyword("Owner")
STEP: SearchAttributeKey[str] = SearchAttributeKey.for_keyword("Step")
OUTCOME: SearchAttributeKey[str] = SearchAttributeKey.for_keyword("Outcome")
ORGANISATION: SearchAttributeKey[str] = SearchAttributeKey.for_keyword("Organisation")
HEALTH_SCORE: SearchAttributeKey[float] = SearchAttributeKey.for_float("HealthScore")
PAUSED: SearchAttributeKey[bool] = SearchAttributeKey.for_bool("Paused")
NEXT_STEP_AT: SearchAttributeKey[datetime] = SearchAttributeKey.for_datetime("NextStepAt")

# Any: the keys differ in their value's type, and a tuple of them has no common one.
ALL: tuple[SearchAttributeKey[Any], ...] = (
    CUSTOMER_ID,
    PLAYBOOK,
    RISK_LEVEL,
    OWNER,
    STEP,
    OUTCOME,
    ORGANISATION,
    HEALTH_SCORE,
    PAUSED,
    NEXT_STEP_AT,
)
