"""Expansion campaigns with several steps: the plan is nearly used up; a team is growing into it."""

from datetime import timedelta

from temporalio import workflow

from keepwell.contracts.intervention import Closed, InterventionInput
from keepwell.contracts.offers import OfferKind, OfferOption
from keepwell.contracts.playbook import Channel, FollowUp, Offer, Playbook, Send, Sender, Task
from scoring.signal import Signal
from workflows.campaign_steps import BEGINNING
from workflows.run import InterventionRun

DAY = timedelta(days=1)
COOLDOWN = 60 * DAY


def _email(name: str, day: int, template: str, why: str) -> Send:
    return Send(
        name=name,
        at=day * DAY,
        within=1 * DAY,
        unless="answered",
        channel=Channel.EMAIL,
        template=template,
        sender=Sender.OWNER,
        why=why,
    )


USAGE_LIMIT = Playbook(
    name="usage_limit",
    version=1,
    title="Usage limit: move up before anything stops",
    purpose="More than 80 % of the plan is used. Three emails in a week, with a first month at half price.",
    signal=Signal.USAGE_LIMIT_APPROACHING,
    workflow="ExpansionPlaybook",
    cooldown=COOLDOWN,
    steps=(
        *BEGINNING,
        Offer(
            name="upgrade_offer",
            within=1 * DAY,
            unless="answered",
            options=(
                OfferOption(
                    kind=OfferKind.UPGRADE,
                    percent=50,
                    summary="The next plan, with the first month at half price.",
                ),
            ),
            # It ends 72 hours after the second email, which says so.
            valid_for=6 * DAY,
            why="Half the price of the first month makes it easy to move up now",
        ),
        _email(
            "celebration",
            0,
            "email/usage_limit/celebration",
            "Day 0: good use of the plan, the day it is used up, and the way on",
        ),
        _email(
            "worth_it",
            3,
            "email/usage_limit/worth_it",
            "Day 3: what it is worth, what others did, and that the offer ends in 72 hours",
        ),
        _email(
            "final_reminder",
            7,
            "email/usage_limit/final_reminder",
            "Day 7: what happens at the limit, help with moving up, or how to stay on the plan",
        ),
    ),
    follow_ups=(
        FollowUp(
            on=OfferKind.UPGRADE,
            steps=(
                Task(
                    name="upgrade_set_up",
                    template="task/expansion/upgrade_set_up",
                    due=1 * DAY,
                    why="They took the upgrade: somebody has to switch it on, and lower the first bill",
                ),
            ),
        ),
    ),
    closes_at=14 * DAY,
)

TEAM = Playbook(
    name="team",
    version=1,
    title="Team: from some users to a team",
    purpose="Several people use it. What a team gains, a trial of 30 days, and a talk with the CSM.",
    signal=Signal.TEAM_EXPANSION_OPPORTUNITY,
    workflow="ExpansionPlaybook",
    cooldown=COOLDOWN,
    steps=(
        *BEGINNING,
        _email(
            "team_showcase",
            0,
            "email/team/showcase",
            "Within 24 hours: what working in one place brings a team",
        ),
        Offer(
            name="trial_offer",
            at=2 * DAY,
            within=1 * DAY,
            unless="answered",
            options=(
                OfferOption(
                    kind=OfferKind.TRIAL,
                    days=30,
                    summary="The business plan for the whole team: managing people and rights, deeper "
                    "reports, your own branding.",
                ),
            ),
            valid_for=12 * DAY,
            why="30 days with everybody in it show more than a presentation",
        ),
        _email("trial_email", 2, "email/team/trial", "Day 2: the trial, and how little it takes to begin"),
        Task(
            name="talk",
            at=5 * DAY,
            unless="answered",
            template="task/expansion/talk",
            due=1 * DAY,
            why="Day 5: the CSM asks in person how the team wants to work",
        ),
    ),
    follow_ups=(
        FollowUp(
            on=OfferKind.TRIAL,
            steps=(
                Task(
                    name="trial_set_up",
                    template="task/expansion/trial_set_up",
                    due=1 * DAY,
                    why="They took the trial: the days count from the moment it works",
                ),
                Task(
                    name="trial_review",
                    at=25 * DAY,
                    template="task/expansion/trial_review",
                    due=2 * DAY,
                    why="Day 25 of 30: time to ask whether they want to keep it",
                ),
            ),
        ),
    ),
    closes_at=14 * DAY,
)


@workflow.defn(name="ExpansionPlaybook")
class ExpansionPlaybook(InterventionRun):
    """One run of an expansion playbook, whichever it is."""

    @workflow.init
    def __init__(self, entry: InterventionInput) -> None:
        super().__init__(entry)

    @workflow.run
    async def run(self, entry: InterventionInput) -> Closed:
        """Run the playbook that came in."""
        return await self.carry_out(entry)
