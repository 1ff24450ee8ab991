"""Activities that keep the store in step with a run."""

from temporalio import activity

from activities.plain import fallback_text, review_text
from keepwell.contracts.intervention import (
    RECOVERED,
    Ended,
    Ending,
    Miss,
    NotOpened,
    Opened,
    OpenRequest,
    Record,
    Recorded,
    Refusal,
    StepResult,
    TakeOver,
)
from keepwell.ports import Interventions, Playbooks, Renderer, Steps


class InterventionActivities:
    """Opens, records and ends interventions."""

    def __init__(
        self, interventions: Interventions, playbooks: Playbooks, steps: Steps, renderer: Renderer
    ) -> None:
        self._interventions = interventions
        self._playbooks = playbooks
        self._steps = steps
        self._renderer = renderer

    @activity.defn(no_thread_cancel_exception=True)
    def open_intervention(self, request: OpenRequest) -> Opened | NotOpened:
        """Claim the transition for this run and open the intervention."""
        return self._interventions.open(request)

    @activity.defn(no_thread_cancel_exception=True)
    def take_over(self, request: OpenRequest) -> TakeOver | NotOpened:
        """Claim a worse level for the playbook in force and end the one that runs, all or nothing."""
        assert request.change is not None  # noqa: S101  (only a change of level takes over)
        level = request.change.level
        playbook = self._playbooks.for_level(level)
        if playbook is None:
            code, reason = "no_playbook", f"There is no playbook for {level.value}"
            if level in RECOVERED:
                code, reason = "not_needed", f"{level.value} needs no playbook, and none runs"
            return self._interventions.refuse(
                Refusal(
                    organisation=request.organisation,
                    transition=request.change.transition,
                    code=code,
                    reason=reason,
                    now=request.now,
                )
            )
        opened = self._interventions.open(request.model_copy(update={"playbook": playbook}))
        return opened if isinstance(opened, NotOpened) else TakeOver(opened=opened, playbook=playbook)

    @activity.defn(no_thread_cancel_exception=True)
    def refuse_transition(self, refusal: Refusal) -> None:
        """Decide that a transition opens nothing, with the reason."""
        self._interventions.refuse(refusal)

    @activity.defn(no_thread_cancel_exception=True)
    def record_notes(self, record: Record) -> Recorded:
        """Write what people did to the timeline, with what follows from it."""
        return self._interventions.record(record)

    @activity.defn(no_thread_cancel_exception=True)
    def end_intervention(self, ending: Ending) -> Ended | None:
        """Write the outcome, cancel what is planned, withdraw open tasks."""
        review = ending.review
        text = review_text(self._renderer, review) if review is not None else None
        return self._interventions.end(ending, text)

    @activity.defn(no_thread_cancel_exception=True)
    def miss_step(self, miss: Miss) -> StepResult:
        """A step was not done in time: an alert, and a task for a person to do it by hand."""
        return self._steps.fall_back(miss, fallback_text(self._renderer, miss.call, miss.reason))
