"""The rules by which signs of churn are read: four factors of three indicators each, as data.

An indicator has one or more readings. Each turns one figure into a sign from 0 (none) to 1 (full): 0 up to
`clear`, 1 from `full` on, a straight line in between (`full` may lie below `clear`). What counts is the
strongest sign of the readings whose figure is known. The weights are given; the borders are ours, each with
its `why`. They are a rule of thumb: nobody has fitted them to customers who left. That is what the churn
model does.
"""

from dataclasses import dataclass
from enum import StrEnum

from scoring.units import Unit

COMPARED_DAYS = 30
"""Days between the two values of which one may have fallen."""
EVENT_DAYS = 90
"""Days for which events are counted: the quarter in which a renewal is prepared."""


class Reads(StrEnum):
    """What a reading looks at."""

    FALL = "fall"
    """By how many percent a metric fell in 30 days."""
    VALUE = "value"
    """A metric's last value."""
    EVENTS = "events"
    """How many events of a kind there were in 90 days."""
    RENEWAL = "renewal"
    """Days until the contract is up for renewal."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One way an indicator shows. `what` is a metric's name or a kind of event.

    A value older than `max_age_days` is not known. `title` is how the figure reads: a metric that falls,
    a sentence with `{value}`, or for events what happened, with `{count}` and a plural's "(s)".
    """

    reads: Reads
    what: str
    title: str
    clear: float
    full: float
    why: str
    unit: Unit = Unit.COUNT
    max_age_days: float = 90.0


@dataclass(frozen=True, slots=True)
class Indicator:
    """A named sign of churn and the ways it shows."""

    name: str
    title: str
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Factor:
    """A group of indicators; the weight, a share of 1, is spread over them evenly."""

    name: str
    title: str
    weight: float
    indicators: tuple[Indicator, ...]


EVENT_FAMILIES: tuple[frozenset[str], ...] = (
    frozenset({"meeting_held", "meeting_missed", "response_received", "late_response", "positive_outcome"})
    | {"neutral_outcome", "negative_outcome", "budget_concern", "competitor_mention", "feature_request"}
    | {"pricing_discussion"},
    frozenset({"playbook_answered", "playbook_unanswered"}),
    frozenset({"ticket_opened", "support_escalation"}),
    frozenset({"payment_received", "billing_failure"}),
)
"""Kinds of events that the same people or systems note. That there was none of a kind is known only where
another of its family was noted of the customer: who notes no talks has not noted a competitor either.
The two of playbooks are not imported: they are counted from our own interventions."""

_BY_ITSELF = "a tenth is how such figures swing by themselves; half gone is an alarm of its own"
_MONTHLY = "one a month is a pattern"
_SECOND = "a second one is no accident"


def _fall(metric: str, title: str, unit: Unit, *, few: bool = False) -> Reading:
    if few:
        clear, full, why = 25.0, 75.0, "they are few: one less is a quarter"
    else:
        clear, full, why = 10.0, 50.0, _BY_ITSELF
    return Reading(Reads.FALL, metric, title, clear, full, why, unit, max_age_days=COMPARED_DAYS)


def _value(metric: str, title: str, unit: Unit, clear: float, full: float, why: str) -> Reading:
    return Reading(Reads.VALUE, metric, title, clear, full, why, unit)


def _events(kind: str, title: str, full: float, why: str, clear: float = 0.0) -> Reading:
    return Reading(Reads.EVENTS, kind, title, clear, full, why)


_HEALTH = (
    Indicator(
        "declining_login_frequency",
        "Declining login frequency",
        (
            _fall("login_frequency", "Login frequency", Unit.PER_MONTH),
            _fall("daily_active_rate", "Daily active rate", Unit.PERCENT),
            _fall("user_activity", "User activity", Unit.PERCENT),
            _fall("monthly_active_users", "The number of monthly active users", Unit.COUNT),
            _value(
                "days_since_last_login",
                "The last login was {value} ago",
                Unit.DAYS,
                7.0,
                30.0,
                "a week is a usual pause; after a month no scorecard gives points for a login",
            ),
        ),
    ),
    Indicator(
        "reduced_feature_usage",
        "Reduced feature usage",
        (
            _fall("feature_adoption_depth", "Feature adoption depth", Unit.PERCENT),
            _fall("feature_adoption_rate", "Feature adoption rate", Unit.PERCENT),
            _value(
                "usage_trend_30_days",
                "Usage of the last 30 days against the 30 before: {value}",
                Unit.PERCENT_CHANGE,
                -10.0,
                -50.0,
                "the borders of a fall, as this metric is one itself",
            ),
        ),
    ),
    Indicator(
        "support_escalations",
        "Support escalations",
        (
            _events("support_escalation", "{count} support case(s) escalated", 3.0, _MONTHLY),
            _value(
                "support_interaction_sentiment",
                "The sentiment of talks with support is {value} (-1 to 1)",
                Unit.SENTIMENT,
                0.0,
                -0.8,
                "from neutral to where the default scorecard gives no points",
            ),
            _value(
                "ticket_severity",
                "The severity of support tickets is {value} (1 to 4)",
                Unit.RATING,
                2.0,
                3.5,
                "from a hindrance to where the account-health scorecard gives no points",
            ),
        ),
    ),
)
_ENGAGEMENT = (
    Indicator(
        "missed_meetings",
        "Missed meetings",
        (
            _events("meeting_missed", "{count} meeting(s) missed", 3.0, _MONTHLY),
            _fall("success_manager_interactions", "Contact with the CSM", Unit.PER_MONTH, few=True),
            _fall("meeting_frequency", "Meeting frequency", Unit.PER_MONTH, few=True),
        ),
    ),
    Indicator(
        "delayed_responses",
        "Delayed responses",
        (
            _events("late_response", "{count} late answer(s)", 3.0, _MONTHLY),
            _events("playbook_unanswered", "{count} playbook(s) without an answer", 2.0, _SECOND),
            _fall("response_rate", "Response rate", Unit.PERCENT),
        ),
    ),
    Indicator(
        "negative_outcomes",
        "Negative outcomes",
        (
            _events("negative_outcome", "{count} talk(s) with a bad outcome", 3.0, _MONTHLY),
            _fall("outcome_quality", "Quality of outcomes", Unit.PERCENT),
        ),
    ),
)
_BUSINESS = (
    Indicator(
        "contract_approaching_renewal",
        "Contract approaching renewal",
        (
            Reading(
                Reads.RENEWAL,
                "renews_on",
                "The contract is up for renewal",
                90.0,
                30.0,
                "notice is given 30 to 90 days ahead: after that the decision has been taken",
                Unit.DAYS,
            ),
        ),
    ),
    Indicator(
        "payment_delays",
        "Payment delays",
        (
            _events("billing_failure", "{count} payment(s) failed", 2.0, _SECOND),
            *(
                _value(
                    metric,
                    "{value} of the invoices were paid on time",
                    Unit.PERCENT,
                    95.0,
                    50.0,
                    "one in twenty slips through; half is where scorecards give no points",
                )
                for metric in ("payment_health", "payment_history")
            ),
        ),
    ),
    Indicator(
        "budget_constraints",
        "Budget constraints",
        (
            _events("budget_concern", "{count} concern(s) about the budget", 2.0, _SECOND),
            _value(
                "contract_utilization_trend",
                "Use of what the contract grants against the quarter before: {value}",
                Unit.PERCENT_CHANGE,
                -10.0,
                -40.0,
                "to where the default scorecard gives no points: who uses less will pay for less",
            ),
        ),
    ),
)
_COMPETITION = (
    Indicator(
        "competitor_mentions",
        "Competitor mentions",
        (_events("competitor_mention", "{count} mention(s) of a competitor", 2.0, _SECOND),),
    ),
    Indicator(
        "feature_requests",
        "Feature requests",
        (
            _value(
                "feature_request_frequency",
                "Features asked for: {value}",
                Unit.PER_MONTH,
                2.0,
                6.0,
                "up to two a month show interest and earn full points; many more show what is missing",
            ),
            _events("feature_request", "{count} feature(s) asked for", 18.0, "as many a month as above", 6.0),
        ),
    ),
    Indicator(
        "pricing_discussions",
        "Pricing discussions",
        (_events("pricing_discussion", "{count} talk(s) about the price", 3.0, _MONTHLY),),
    ),
)

FACTORS: tuple[Factor, ...] = (
    Factor("healthDecline", "Health decline", 0.30, _HEALTH),
    Factor("engagementReduction", "Engagement reduction", 0.25, _ENGAGEMENT),
    Factor("businessRisk", "Business risk", 0.25, _BUSINESS),
    Factor("competitiveThreats", "Competitive threats", 0.20, _COMPETITION),
)
READINGS = tuple(
    reading for factor in FACTORS for indicator in factor.indicators for reading in indicator.readings
)
SIGN_METRICS = tuple(
    dict.fromkeys(reading.what for reading in READINGS if reading.reads in (Reads.FALL, Reads.VALUE))
)
"""The metrics that readings look at."""
