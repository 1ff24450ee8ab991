"""The at-risk playbook: show the value, teach what is unused, keep at it while the level lasts."""

from datetime import timedelta

from temporalio import workflow

from keepwell.contracts.intervention import Closed, InterventionInput
from keepwell.contracts.playbook import Channel, Playbook, Send, Sender
from scoring.levels import Level
from workflows.run import InterventionRun

DAY = timedelta(days=1)


def _email(name: str, day: int, why: str) -> Send:
    return Send(
        name=name,
        at=day * DAY,
        within=2 * DAY,
        unless="answered",
        channel=Channel.EMAIL,
        template=f"email/at_risk/{name}",
        sender=Sender.OWNER,
        why=why,
    )


AT_RISK = Playbook(
    name="at_risk",
    version=1,
    title="At risk: show the value before it is in doubt",
    purpose="The score is between 40 and 60. Useful messages with the customer's own figures.",
    level=Level.AT_RISK,
    workflow="AtRiskPlaybook",
    steps=(
        _email("value_email", 1, "Day 1: what they have got out of it, with an invitation to a review"),
        Send(
            name="unused_features",
            at=3 * DAY,
            within=2 * DAY,
            unless="answered",
            channel=Channel.IN_APP,
            template="in_app/at_risk/unused_features",
            why="Day 3: features that could help and lie unused, with a tutorial",
        ),
        _email("success_story", 7, "Day 7: how a similar customer turned it round"),
        _email("efficiency_tips", 14, "Day 14: ways to work faster, from their own usage"),
        _email("feature_education", 21, "Day 21: what the product can do beyond what they use"),
        _email("benchmark", 28, "Day 28: how they compare with similar customers"),
        _email("value_summary_30", 30, "Day 30: value delivered this month, while the level lasts"),
        _email("value_summary_60", 60, "Day 60: value delivered, while the level lasts"),
        _email("value_summary_90", 90, "Day 90: value delivered, while the level lasts"),
    ),
    closes_at=93 * DAY,
)


@workflow.defn(name="AtRiskPlaybook")
class AtRiskPlaybook(InterventionRun):
    """One run of the at-risk playbook."""

    @workflow.init
    def __init__(self, entry: InterventionInput) -> None:
        super().__init__(entry)

    @workflow.run
    async def run(self, entry: InterventionInput) -> Closed:
        """Run the playbook that came in."""
        return await self.carry_out(entry)
