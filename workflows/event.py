"""Event playbooks for the staff: an executive is told of a fall, and support sees to a failed payment."""

from datetime import timedelta

from temporalio import workflow

from keepwell.contracts.alerts import Trigger
from keepwell.contracts.intervention import Closed, InterventionInput
from keepwell.contracts.playbook import Assign, Audience, Channel, Escalate, Playbook, Send, Task
from workflows.run import InterventionRun

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def _tell(name: str, to: Audience, why: str) -> Send:
    return Send(
        name=name,
        within=1 * HOUR,
        channel=Channel.SLACK,
        template=f"slack/executive_notification/{name}",
        to=to,
        urgent=True,
        why=why,
    )


EXECUTIVE_NOTIFICATION = Playbook(
    name="executive_notification",
    version=2,
    title="Executive notification: a customer's score fell below 20",
    purpose="An executive and the owner know within an hour. Nothing goes to the customer.",
    triggers=(Trigger.CRITICAL_HEALTH,),
    beside_risk=True,
    workflow="EventPlaybook",
    steps=(
        _tell(
            "tell_executive",
            Audience.EXECUTIVE,
            "Within 1 hour an executive knows what fell, and what is at stake",
        ),
        _tell("tell_owner", Audience.OWNER, "Within 1 hour the owner knows that an executive was told"),
    ),
    closes_at=timedelta(),
    cooldown=3 * DAY,
)

PRIORITY_SUPPORT = Playbook(
    name="priority_support",
    version=2,
    title="Priority support: a payment failed",
    purpose="A payment failed. Support sees to it within two hours, before anything is cut off.",
    triggers=(Trigger.BILLING_FAILURE,),
    beside_risk=True,
    workflow="EventPlaybook",
    steps=(
        Assign(name="assign_csm", within=1 * HOUR, why="Somebody owns the customer whose payment failed"),
        Send(
            name="tell_support",
            within=1 * HOUR,
            channel=Channel.SLACK,
            template="slack/priority_support/tell_support",
            to=Audience.SUPPORT,
            urgent=True,
            why="Support hears of it at once, whatever it is working on",
        ),
        Task(
            name="fix_payment",
            within=1 * HOUR,
            template="task/priority_support/fix_payment",
            to=Audience.SUPPORT,
            due=2 * HOUR,
            why="Within 2 hours somebody has found out why, and what to do",
        ),
        Send(
            name="payment_email",
            at=1 * HOUR,
            within=1 * HOUR,
            unless="acknowledged",
            channel=Channel.EMAIL,
            template="email/priority_support/payment_email",
            to=Audience.BILLING_CONTACT,
            why="Nobody has it in hand after 1 hour: whoever looks after bills hears of it from us",
        ),
        Escalate(
            name="escalate",
            at=2 * HOUR,
            unless="acknowledged",
            template="slack/priority_support/escalate",
            due=2 * HOUR,
            urgent=True,
            why="Nobody has taken the failed payment in hand for 2 hours",
        ),
        Task(
            name="call_them",
            at=2 * DAY,
            unless="answered",
            template="task/priority_support/call_them",
            due=1 * DAY,
            why="Two days on and still not settled: somebody calls before the account is touched",
        ),
    ),
    closes_at=5 * DAY,
    cooldown=1 * DAY,
)


@workflow.defn(name="EventPlaybook")
class EventPlaybook(InterventionRun):
    """One run of an event playbook; which one came with its input."""

    @workflow.init
    def __init__(self, entry: InterventionInput) -> None:
        super().__init__(entry)

    @workflow.run
    async def run(self, entry: InterventionInput) -> Closed:
        """Run the playbook that came in."""
        return await self.carry_out(entry)
