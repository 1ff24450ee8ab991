"""The critical playbook: a person answers within hours, and nobody can overlook it."""

from datetime import timedelta

from temporalio import workflow

from keepwell.contracts.intervention import Closed, InterventionInput
from keepwell.contracts.offers import LONGEST_PAUSE_MONTHS, OfferKind, OfferOption
from keepwell.contracts.playbook import (
    Assign,
    Audience,
    Channel,
    Document,
    Escalate,
    FollowUp,
    Offer,
    Playbook,
    Send,
    Sender,
    Task,
)
from scoring.levels import Level
from workflows.run import InterventionRun

ZERO = timedelta()
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

OPTIONS = (
    OfferOption(
        kind=OfferKind.BILLING_PAUSE,
        months=LONGEST_PAUSE_MONTHS,
        summary="You pay nothing during the pause, and you choose how long it lasts.",
    ),
    OfferOption(
        kind=OfferKind.PLAN_DOWNGRADE,
        days=30,
        summary="You pay less, and keep what you can do today for the days of grace.",
    ),
    OfferOption(
        kind=OfferKind.DEDICATED_SUPPORT,
        summary="We set things up with your team and train whoever works with it.",
    ),
    OfferOption(
        kind=OfferKind.CUSTOM_SOLUTION,
        summary="If something is missing, we look at whether we can build it, and tell you plainly if we "
        "cannot.",
    ),
)


def _task(
    name: str, due: timedelta, why: str, *, at: timedelta = ZERO, to: Audience = Audience.OWNER
) -> Task:
    return Task(name=name, at=at, template=f"task/critical/{name}", to=to, due=due, why=why)


FOLLOW_UPS = (
    FollowUp(
        on=OfferKind.BILLING_PAUSE,
        steps=(_task("billing_pause", 1 * DAY, "They took the pause: the next bill must not go out"),),
    ),
    FollowUp(
        on=OfferKind.PLAN_DOWNGRADE,
        steps=(
            _task("plan_downgrade", 1 * DAY, "They took a smaller plan: change it, with the days of grace"),
        ),
    ),
    FollowUp(
        on=OfferKind.DEDICATED_SUPPORT,
        steps=(
            _task("support_kick_off", 2 * DAY, "They took setup and training: agree on dates and people"),
            _task(
                "support_check_in",
                1 * DAY,
                "Two weeks on: does the training show in their figures?",
                at=14 * DAY,
            ),
        ),
    ),
    FollowUp(
        on=OfferKind.CUSTOM_SOLUTION,
        steps=(
            _task(
                "custom_solution",
                5 * DAY,
                "They need something that is not there: can it be built?",
                to=Audience.LEAD,
            ),
        ),
    ),
)

CRITICAL = Playbook(
    name="critical",
    version=3,
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
            urgent=True,
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
        Escalate(
            name="tell_cover",
            at=1 * HOUR,
            unless="acknowledged",
            template="slack/critical/tell_cover",
            to="cover",
            due=1 * HOUR,
            urgent=True,
            why="The CSM has been silent for 1 hour: whoever covers takes the customer in hand",
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
            at=2 * HOUR,
            unless="acknowledged",
            template="slack/critical/escalate",
            due=2 * HOUR,
            urgent=True,
            why="Nobody has acknowledged a critical customer for 2 hours",
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
        Offer(
            name="retention_offer",
            at=72 * HOUR,
            unless="answered",
            options=OPTIONS,
            valid_for=4 * DAY,
            why="No answer for 72 hours: four ways to stay, until the playbook closes",
        ),
        Send(
            name="final_offer",
            at=72 * HOUR,
            unless="answered",
            channel=Channel.EMAIL,
            template="email/critical/final_offer",
            sender=Sender.EXECUTIVE,
            why="No answer for 72 hours: a last letter with the four ways to stay, a billing pause first",
        ),
    ),
    follow_ups=FOLLOW_UPS,
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
