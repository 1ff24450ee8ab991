"""Made-up offers and opportunities, for the sample contexts."""

from __future__ import annotations

from datetime import date

from keepwell.contracts.rendering import (
    CategoryFigure,
    Context,
    HealthFigures,
    OfferFigures,
    OpportunityFigures,
    OptionFigure,
)
from keepwell.contracts.shown import ShownFigures
from keepwell.rendering.sample_figures import metric
from keepwell.rendering.sample_shown import ACTIVE, ADOPTION, figure
from scoring.levels import Level
from scoring.signal import Signal

_UPGRADE = OptionFigure(
    kind="upgrade",
    title="50 % off the first month",
    words="The next plan, with the first month at half price.",
)
_TRIAL = OptionFigure(
    kind="trial",
    title="30 days to try it, free of charge",
    words="The business plan for the whole team: managing people and rights, deeper reports.",
)
_URL = "https://keepwell.brightdesk.example/offers/eyJvZmZlciI6IjAxS0EifQ.k3Tq"
_ENDS = "Tuesday, 24 November 2026, 10:30 (Berlin time)"


def sample_offer() -> OfferFigures:
    """What a customer may choose who would else leave."""
    return OfferFigures(
        options=(
            OptionFigure(
                kind="billing_pause",
                title="Pause the billing for up to 3 months",
                words="You pay nothing during the pause, and you choose how long it lasts.",
            ),
            OptionFigure(
                kind="plan_downgrade",
                title="A smaller plan, with 30 days of grace",
                words="You pay less, and keep what you can do today for the days of grace.",
            ),
            OptionFigure(
                kind="dedicated_support",
                title="Setup and training, free of charge",
                words="We set things up with your team and train whoever works with it.",
            ),
            OptionFigure(
                kind="custom_solution",
                title="A solution of your own",
                words="If something is missing, we look at whether we can build it, and tell you plainly.",
            ),
        ),
        ends=_ENDS,
        hours_left=72,
        url=_URL,
    )


def agreed_offer() -> OfferFigures:
    """What a customer has chosen, written down with characters that mean something to markup."""
    return OfferFigures(
        agreed="billing pause, 2 months",
        agreed_kind="billing_pause",
        note="<b>Starts in December</b> & *not* before",
    )


def growing_context(full: Context) -> Context:
    """The full context's customer doing well: the plan is nearly used up, by a team that grows."""
    health = HealthFigures(
        score=74.2,
        level=Level.HEALTHY,
        before=66.0,
        coverage=1.0,
        categories=(
            CategoryFigure(title="Usage", score=81.0, weight=40.0),
            CategoryFigure(title="Engagement", score=72.0, weight=30.0),
            CategoryFigure(title="Business", score=69.0, weight=20.0),
            CategoryFigure(title="Relationship", score=60.0, weight=10.0),
        ),
        costly=(),
        strengths=(_ADOPTION, _ACTIVE),
        improved=(_ADOPTION,),
    )
    grown = figure("feature_adoption_depth", ADOPTION, "71 %", "58 %", rose=True, good=True)
    shown = ShownFigures(
        strengths=(grown, figure("daily_active_rate", ACTIVE, "54 %", good=True)),
        improved=(grown,),
        unused=full.shown.unused[:1],
        used=(grown,),
    )
    intervention = full.intervention.model_copy(
        update={"playbook": "usage_limit", "title": "Usage limit: move up before anything stops"}
    )
    return full.model_copy(
        update={
            "health": health,
            "shown": shown,
            "intervention": intervention,
            "offer": OfferFigures(options=(_UPGRADE, _TRIAL), ends=_ENDS, hours_left=72, url=_URL),
            "opportunity": sample_opportunity(),
        }
    )


def sample_opportunity() -> OpportunityFigures:
    """All figures that a signal may come with."""
    return OpportunityFigures(
        signal=Signal.USAGE_LIMIT_APPROACHING,
        words="usage is at 86 % of the plan's limit",
        value="6,600 EUR",
        usage="86 %",
        limit_day=date(2026, 12, 9),
        next_price="1,790 EUR",
        step_up="550 EUR",
        overage="610 EUR",
        overage_year="7,320 EUR",
        overage_months=4,
        saved="60 EUR",
        users=9,
        team=24,
        requests=2,
        growth="1.8 times",
        upgraded=11,
        doing_well=9,
    )


def unknown_opportunity(words: str) -> OpportunityFigures:
    """A signal without any figure."""
    return OpportunityFigures(signal=Signal.TEAM_EXPANSION_OPPORTUNITY, words=words)


_ADOPTION = metric(
    "feature_adoption_depth",
    "Features in use",
    "71 %",
    before="58 %",
    change="up from 58 %",
    points=82.0,
    lost=1.1,
    history=(58, 60, 63, 66, 69, 71),
)
_ACTIVE = metric("daily_active_rate", "Daily active users", "54 %", points=80.0, lost=1.3)
