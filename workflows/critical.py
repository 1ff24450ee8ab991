"""The critical playbook: a person answers within hours, and nobody can overlook it."""

from datetime import timedelta

from temporalio import workflow

from keepwell.contracts.intervention import Closed, InterventionInput
from keepwell.contracts.playbook import (
    Assign,
    Audience,
    Channel,
    Document,
    Escalate,
    Playbook,
    Send,
    Sender,
    Task,
)
from scoring.levels import Level
from workflows.run import InterventionRun

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

CRITICAL = Playbook(
    name="critical",
    version=1,
    title="Critical: win the customer back",
    purpose="The score is below 20. An executive writes, a CSM takes over, and silence is answered.",
    level=Level.CRITICAL,
    workflow="CriticalPlaybook",
    steps=(
        Send(
            name="executive_email",
            within=1 * HOUR,
            channel=Channel.EMAIL,
            template="email/critical/executive_email",
            sender=Sender.EXECUTIVE,
            why="Within 1 hour the customer hears from an executive in person",
        ),
        Assign(
            name="assign_csm",
            within=2 * HOUR,
            why="Within 2 hours a CSM is in charge",
        ),
        Send(
            name="alert_csm",
            within=2 * HOUR,
            channel=Channel.SLACK,
            template="slack/critical/alert_csm",
            to=Audience.OWNER,
            why="The CSM in charge must know at once",
        ),
        Send(
            name="csm_outreach",
            at=1 * HOUR,
            within=1 * HOUR,
            unless="answered",
            channel=Channel.EMAIL,
            template="email/critical/csm_outreach",
            sender=Sender.OWNER,
            why="Within 2 hours the CSM introduces themselves and offers a time",
        ),
        Document(
            name="roadmap",
            at=2 * HOUR,
            within=2 * HOUR,
            template="document/critical/roadmap",
            why="Within 4 hours the usage is analysed and a way to improve is written down",
        ),
        Send(
            name="roadmap_email",
            at=2 * HOUR,
            within=2 * HOUR,
            channel=Channel.EMAIL,
            template="email/critical/roadmap_email",
            sender=Sender.OWNER,
            attach="roadmap",
            why="Within 4 hours the customer has the improvement roadmap",
        ),
        Escalate(
            name="escalate",
            at=8 * HOUR,
            unless="acknowledged",
            template="slack/critical/escalate",
            due=2 * HOUR,
            why="Nobody has acknowledged a critical customer for 8 hours",
        ),
        Task(
            name="phone_call",
            at=24 * HOUR,
            unless="answered",
            template="task/critical/phone_call",
            due=8 * HOUR,
            why="No answer for 24 hours: a call reaches people whom emails don't",
        ),
        Send(
            name="alternative_contact",
            at=48 * HOUR,
            unless="answered",
            channel=Channel.EMAIL,
            template="email/critical/alternative_contact",
            to=Audience.ALTERNATE_CONTACT,
            sender=Sender.OWNER,
            why="No answer for 48 hours: the first contact may have left",
        ),
        Send(
            name="final_offer",
            at=72 * HOUR,
            unless="answered",
            channel=Channel.EMAIL,
            template="email/critical/final_offer",
            sender=Sender.EXECUTIVE,
            why="No answer for 72 hours: a last offer, with a billing pause as the way to stay",
        ),
    ),
    closes_at=7 * DAY,
)


@workflow.defn(name="CriticalPlaybook")
class CriticalPlaybook(InterventionRun):
    """One run of the critical playbook."""

    @workflow.init
    def __init__(self, entry: InterventionInput) -> None:
        super().__init__(entry)

    @workflow.run
    async def run(self, entry: InterventionInput) -> Closed:
        """Run the playbook that came in."""
        return await self.carry_out(entry)
