"""The high-risk playbook: a person asks, helps, and shows in figures what it is worth."""

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


def _email(name: str, day: int, why: str) -> Send:
    return Send(
        name=name,
        at=day * DAY,
        within=2 * DAY,
        unless="answered",
        channel=Channel.EMAIL,
        template=f"email/high_risk/{name}",
        sender=Sender.OWNER,
        why=why,
    )


HIGH_RISK = Playbook(
    name="high_risk",
    version=2,
    title="High risk: find out what is in the way, and show what it is worth",
    purpose="The score is between 20 and 40. A CSM asks within hours; a value report follows in two days.",
    level=Level.HIGH_RISK,
    workflow="HighRiskPlaybook",
    steps=(
        Assign(
            name="assign_csm",
            within=1 * HOUR,
            why="The first email is a CSM's own, so there has to be one",
        ),
        Send(
            name="alert_csm",
            within=1 * HOUR,
            channel=Channel.SLACK,
            template="slack/high_risk/alert_csm",
            to=Audience.OWNER,
            why="The CSM hears of it an hour before an email goes out in their name",
        ),
        Send(
            name="personal_email",
            at=1 * HOUR,
            within=3 * HOUR,
            unless="answered",
            channel=Channel.EMAIL,
            template="email/high_risk/personal_email",
            sender=Sender.OWNER,
            why="Within 4 hours the CSM asks what is in the way",
        ),
        Escalate(
            name="tell_cover",
            at=8 * HOUR,
            unless="acknowledged",
            template="slack/high_risk/tell_cover",
            to="cover",
            due=8 * HOUR,
            why="The CSM has been silent for 8 hours: whoever covers for them hears of it",
        ),
        # 12 hours before its deadline, here and below: a night of quiet hours fits in between.
        Send(
            name="consultation_offer",
            at=12 * HOUR,
            within=12 * HOUR,
            unless="answered",
            channel=Channel.EMAIL,
            template="email/high_risk/consultation_offer",
            sender=Sender.OWNER,
            why="Within 24 hours the CSM offers 30 minutes with a shared screen",
        ),
        Escalate(
            name="escalate",
            at=24 * HOUR,
            unless="acknowledged",
            template="slack/high_risk/escalate",
            due=8 * HOUR,
            why="Nobody has acknowledged a customer at high risk for 24 hours",
        ),
        Document(
            name="value_report",
            at=36 * HOUR,
            within=12 * HOUR,
            template="document/high_risk/value_report",
            why="Within 48 hours it is written down what the product brings, and what lies unused",
        ),
        Send(
            name="value_report_email",
            at=36 * HOUR,
            within=12 * HOUR,
            channel=Channel.EMAIL,
            template="email/high_risk/value_report_email",
            sender=Sender.OWNER,
            attach="value_report",
            why="Within 48 hours the customer has the value report that the first email promises",
        ),
        _email("tutorial", 4, "Day 4: one feature that lies unused, and how to begin with it"),
        _email("best_practices", 7, "Day 7: where the best of similar customers stand, and the way there"),
        _email("case_study", 10, "Day 10: how a similar customer got out of the same place"),
        Task(
            name="feature_fast_track",
            at=14 * DAY,
            unless="answered",
            template="task/high_risk/feature_fast_track",
            due=2 * DAY,
            why="Day 14: one wish of theirs goes to the product team past the queue",
        ),
        _email("community_invitation", 18, "Day 18: other people who use it the same way are worth knowing"),
        _email("beta_programme", 21, "Day 21: who tries things early has a say in them"),
        _email("feedback_partnership", 25, "Day 25: a seat at the table where it is decided what is built"),
    ),
    closes_at=30 * DAY,
)


@workflow.defn(name="HighRiskPlaybook")
class HighRiskPlaybook(InterventionRun):
    """One run of the high-risk playbook."""

    @workflow.init
    def __init__(self, entry: InterventionInput) -> None:
        super().__init__(entry)

    @workflow.run
    async def run(self, entry: InterventionInput) -> Closed:
        """Run the playbook that came in."""
        return await self.carry_out(entry)
