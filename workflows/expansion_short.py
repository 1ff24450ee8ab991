"""Short expansion campaigns: one good message, and a talk. They run as `ExpansionPlaybook`."""

from datetime import timedelta

from keepwell.contracts.offers import OfferKind, OfferOption
from keepwell.contracts.playbook import (
    Channel,
    Document,
    FollowUp,
    Offer,
    Playbook,
    Send,
    Sender,
    Step,
    Task,
)
from scoring.signal import Signal
from workflows.campaign_steps import BEGINNING

DAY = timedelta(days=1)


def _email(name: str, template: str, why: str, attach: str | None = None) -> Send:
    return Send(
        name=name,
        within=1 * DAY,
        unless="answered",
        channel=Channel.EMAIL,
        template=template,
        sender=Sender.OWNER,
        attach=attach,
        why=why,
    )


def _talk(day: int, why: str) -> Task:
    return Task(
        name="talk",
        at=day * DAY,
        unless="answered",
        template="task/expansion/talk",
        due=2 * DAY,
        why=why,
    )


def _campaign(
    name: str,
    signal: Signal,
    title: str,
    purpose: str,
    steps: tuple[Step, ...],
    follow_ups: tuple[FollowUp, ...] = (),
) -> Playbook:
    return Playbook(
        name=name,
        version=1,
        title=title,
        purpose=purpose,
        signal=signal,
        workflow="ExpansionPlaybook",
        cooldown=60 * DAY,
        steps=(*BEGINNING, *steps),
        follow_ups=follow_ups,
        closes_at=14 * DAY,
    )


OVERAGE = _campaign(
    "overage",
    Signal.CONSISTENT_OVERAGE,
    "Overage: a plan that fits the use",
    "Use has gone beyond the plan for three months or more. A calculation shows whether moving up pays.",
    (
        Document(
            name="upgrade_case",
            within=1 * DAY,
            template="document/overage/upgrade_case",
            why="The case for the next plan, in the customer's own figures",
        ),
        _email(
            "upgrade_case_email",
            "email/overage/upgrade_case_email",
            "The calculation goes to whoever decides",
            attach="upgrade_case",
        ),
        _talk(4, "Day 4: somebody goes through the calculation with them"),
    ),
)

POWER_USER = _campaign(
    "power_user",
    Signal.POWER_USER_BEHAVIOR,
    "Power user: a look at the business plan",
    "The advanced features are in full use. A preview of the business plan shows what lies beyond.",
    (
        Offer(
            name="preview_offer",
            within=1 * DAY,
            unless="answered",
            options=(
                OfferOption(
                    kind=OfferKind.TRIAL,
                    days=14,
                    summary="A preview of the business plan, in your own account and with your own data.",
                ),
            ),
            valid_for=10 * DAY,
            why="Who uses the advanced features judges a plan best by trying it",
        ),
        _email("preview_email", "email/power_user/preview", "The preview, offered to whoever would use it"),
        _talk(5, "Day 5: a short word on what they would try first"),
    ),
    (
        FollowUp(
            on=OfferKind.TRIAL,
            steps=(
                Task(
                    name="trial_set_up",
                    template="task/expansion/trial_set_up",
                    due=1 * DAY,
                    why="They took the preview: the days count from the moment it works",
                ),
                Task(
                    name="trial_review",
                    at=10 * DAY,
                    template="task/expansion/trial_review",
                    due=2 * DAY,
                    why="Day 10 of 14: time to ask whether they want to keep it",
                ),
            ),
        ),
    ),
)

INTEGRATION = _campaign(
    "integration",
    Signal.INTEGRATION_EXPANSION,
    "Integrations: what can be connected",
    "They asked for integrations. A showcase answers what works today, and a CSM what does not yet.",
    (
        _email(
            "showcase", "email/integration/showcase", "They asked, so they hear what can be connected and how"
        ),
        _talk(4, "Day 4: which systems it is about, and who would connect them"),
    ),
)

API_SCALING = _campaign(
    "api_scaling",
    Signal.API_SCALING_OPPORTUNITY,
    "API: help for those who build on it",
    "API use grows fast. Their developers get somebody to talk to before limits get in the way.",
    (
        _email(
            "developer_outreach",
            "email/api_scaling/developer_outreach",
            "Growth of that kind has developers behind it, who have questions",
        ),
        _talk(5, "Day 5: find the developers, and bring them together with ours"),
    ),
)
