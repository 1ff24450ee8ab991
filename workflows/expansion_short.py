"""Short expansion campaigns: one good message, and a talk. They run as `ExpansionPlaybook`."""

from keepwell.contracts.offers import OfferKind, OfferOption
from keepwell.contracts.playbook import Document, Offer
from scoring.signal import Signal
from workflows.campaign_steps import DAY, campaign, email, talk, trial_taken

OVERAGE = campaign(
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
        email(
            "upgrade_case_email",
            "email/overage/upgrade_case_email",
            "The calculation goes to whoever decides",
            attach="upgrade_case",
        ),
        talk(4, "Day 4: somebody goes through the calculation with them"),
    ),
)

POWER_USER = campaign(
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
        email("preview_email", "email/power_user/preview", "The preview, offered to whoever would use it"),
        talk(5, "Day 5: a short word on what they would try first"),
    ),
    (trial_taken("preview", days=14, review=10),),
)

INTEGRATION = campaign(
    "integration",
    Signal.INTEGRATION_EXPANSION,
    "Integrations: what can be connected",
    "They asked for integrations. A showcase answers what works today, and a CSM what does not yet.",
    (
        email(
            "showcase", "email/integration/showcase", "They asked, so they hear what can be connected and how"
        ),
        talk(4, "Day 4: which systems it is about, and who would connect them"),
    ),
)

API_SCALING = campaign(
    "api_scaling",
    Signal.API_SCALING_OPPORTUNITY,
    "API: help for those who build on it",
    "API use grows fast. Their developers get somebody to talk to before limits get in the way.",
    (
        email(
            "developer_outreach",
            "email/api_scaling/developer_outreach",
            "Growth of that kind has developers behind it, who have questions",
        ),
        talk(5, "Day 5: find the developers, and bring them together with ours"),
    ),
)
