"""Expansion campaigns with several steps: the plan is nearly used up; a team is growing into it."""

from temporalio import workflow

from keepwell.contracts.intervention import Closed, InterventionInput
from keepwell.contracts.offers import OfferKind, OfferOption
from keepwell.contracts.playbook import FollowUp, Offer, Task
from scoring.signal import Signal
from workflows.campaign_steps import DAY, campaign, email, talk, trial_taken
from workflows.run import InterventionRun

USAGE_LIMIT = campaign(
    "usage_limit",
    Signal.USAGE_LIMIT_APPROACHING,
    "Usage limit: move up before anything stops",
    "More than 80 % of the plan is used. Three emails in a week, with a first month at half price.",
    (
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
        email(
            "celebration",
            "email/usage_limit/celebration",
            "Day 0: good use of the plan, the day it is used up, and the way on",
        ),
        email(
            "worth_it",
            "email/usage_limit/worth_it",
            "Day 3: what it is worth, what others did, and when the offer ends",
            day=3,
        ),
        email(
            "final_reminder",
            "email/usage_limit/final_reminder",
            "Day 7: what happens at the limit, help with moving up, or how to stay on the plan",
            day=7,
        ),
    ),
    (
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
)

TEAM = campaign(
    "team",
    Signal.TEAM_EXPANSION_OPPORTUNITY,
    "Team: from some users to a team",
    "Several people use it. What a team gains, a trial of 30 days, and a talk with the CSM.",
    (
        email(
            "team_showcase",
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
        email("trial_email", "email/team/trial", "Day 2: the trial, and how little it takes to begin", day=2),
        talk(5, "Day 5: the CSM asks in person how the team wants to work", due=1 * DAY),
    ),
    (trial_taken("trial", days=30, review=25),),
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
