"""Shows a run in the Temporal UI: search attributes to filter by, details to read."""

from datetime import datetime

from temporalio import workflow

from keepwell.contracts.playbook import Step
from keepwell.temporal.search_attribute_keys import (
    CUSTOMER_ID,
    HEALTH_SCORE,
    NEXT_STEP_AT,
    ORGANISATION,
    OUTCOME,
    OWNER,
    PAUSED,
    PLAYBOOK,
    RISK_LEVEL,
    STEP,
)
from workflows.details import details
from workflows.standing import Standing


def show(state: Standing, step: Step | None, shown: dict[str, object]) -> None:
    """Set what ops see. Search attributes cost an event each time, so only when one has changed."""
    now = workflow.now()
    workflow.set_current_details(details(state, step, now))
    ended = state.exit is not None
    next_at: datetime | None = None
    if not ended and not state.stands and state.clock is not None:
        at = state.entry.playbook.closes_at if step is None else state.due(step)
        # To the second, or the clock's microseconds would make a new value after every wait.
        next_at = state.clock.moment(at, now).replace(microsecond=0)
    values: dict[str, object] = {
        "owner": state.owner or "nobody",
        "step": "" if ended else (step.name if step else "waiting_for_answer"),
        "paused": state.paused and not ended,
        "outcome": state.exit.outcome.value if state.exit else "running",
        "next": next_at,
    }
    if values == shown:
        return
    entry, cause = state.entry, state.entry.cause
    workflow.upsert_search_attributes(
        [
            CUSTOMER_ID.value_set(entry.customer),
            ORGANISATION.value_set(entry.organisation),
            PLAYBOOK.value_set(entry.playbook.label),
            RISK_LEVEL.value_set(cause.level.value) if cause.level else RISK_LEVEL.value_unset(),
            HEALTH_SCORE.value_unset()
            if cause.score is None
            else HEALTH_SCORE.value_set(round(cause.score, 1)),
            OWNER.value_set(str(values["owner"])),
            STEP.value_set(str(values["step"])) if values["step"] else STEP.value_unset(),
            PAUSED.value_set(bool(values["paused"])),
            OUTCOME.value_set(str(values["outcome"])),
            NEXT_STEP_AT.value_set(next_at) if next_at else NEXT_STEP_AT.value_unset(),
        ]
    )
    shown.clear()
    shown.update(values)
