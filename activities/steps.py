"""Activities that carry out the steps of a playbook, one per kind of step."""

from temporalio import activity

from activities.delivery import Delivery
from keepwell.contracts.intervention import StepCall, StepResult, StepState
from keepwell.contracts.playbook import Assign, Channel, Document, Escalate, Offer, Send, Task
from keepwell.ports import Renderer, Steps


class StepActivities:
    """Carries out steps. Each may be tried many times and leaves one result behind."""

    def __init__(self, delivery: Delivery, steps: Steps, renderer: Renderer) -> None:
        self._delivery = delivery
        self._steps = steps
        self._renderer = renderer

    @activity.defn(no_thread_cancel_exception=True)
    def send_message(self, call: StepCall) -> StepResult:
        """One message through the gate, the send ledger and the channel."""
        assert isinstance(call.step, Send)  # noqa: S101  (the run's match chose this activity)
        return self._delivery.deliver(call, call.step)

    @activity.defn(no_thread_cancel_exception=True)
    def settle_deliveries(self, organisation: str) -> int:
        """Find out what became of messages whose steps ended while an attempt was under way."""
        return self._delivery.settle_left_over(organisation)

    @activity.defn(no_thread_cancel_exception=True)
    def assign_owner(self, call: StepCall) -> StepResult:
        """Make sure that a CSM is in charge."""
        assert isinstance(call.step, Assign)  # noqa: S101
        return self._steps.assign(call)

    @activity.defn(no_thread_cancel_exception=True)
    def create_task(self, call: StepCall) -> StepResult:
        """Give a person work to do."""
        assert isinstance(call.step, Task)  # noqa: S101
        text = self._renderer.render(call, call.step.template)
        return self._steps.add_task(call, "step", call.step.to, call.now + call.step.due, text)

    @activity.defn(no_thread_cancel_exception=True)
    def write_document(self, call: StepCall) -> StepResult:
        """Write a document from the customer's figures and keep it."""
        assert isinstance(call.step, Document)  # noqa: S101
        return self._steps.add_document(call, self._renderer.render(call, call.step.template))

    @activity.defn(no_thread_cancel_exception=True)
    def make_offer(self, call: StepCall) -> StepResult:
        """Make the step's offer; the message that carries it is a step of its own."""
        assert isinstance(call.step, Offer)  # noqa: S101
        return self._steps.add_offer(call, call.step)

    @activity.defn(no_thread_cancel_exception=True)
    def escalate(self, call: StepCall) -> StepResult:
        """Give the manager a task, whatever becomes of the message that tells them by Slack."""
        assert isinstance(call.step, Escalate)  # noqa: S101
        step = call.step
        text = self._renderer.render(call, step.template)
        task = self._steps.add_task(call, "escalation", step.audience, call.now + step.due, text)
        message = Send(
            name=step.name,
            at=step.at,
            channel=Channel.SLACK,
            template=step.template,
            to=step.audience,
            urgent=step.urgent,
            why=step.why,
        )
        told = self._delivery.deliver(call, message)
        if told.state is StepState.DEFERRED:
            return told
        return task.model_copy(update={"why": f"{task.why}; {told.why}"})
