"""From engagement events to the raw metrics of the momentum scorecard, for many customers at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.arrays import FloatArray

KINDS = {
    "login": "somebody signed in",
    "page_view": "a page was looked at; data: page",
    "task_started": "a task was begun; data: task, and onboarding = true for one of the first steps",
    "task_updated": "a task went on; data: task",
    "task_completed": "a task was finished; data: task",
    "content_generated": "a text was made",
    "visual_created": "a picture was made",
    "voice_interaction": "somebody spoke with the product",
    "insight_reviewed": "an insight was read",
    "export_downloaded": "an export was taken",
    "settings_updated": "settings were changed",
    "feedback_given": "feedback; data: score from 0 to 100",
    "feature_used": "a feature was used; data: feature",
    "launch_kit_viewed": "the launch kit was opened",
    "billing_failure": "a payment failed; data: amount, currency, invoice, reason",
    "payment_received": "a payment came in; it ends the alert of a failed one",
    "meeting_missed": "a meeting took place without the customer",
    "support_escalation": "a support case was passed on",
    "competitor_mention": "a competitor was named",
    "pricing_discussion": "prices were asked about",
    "meeting_held": "a meeting took place with the customer",
    "response_received": "the customer answered in time",
    "late_response": "the customer answered late",
    "positive_outcome": "a talk had a good outcome",
    "neutral_outcome": "a talk had neither a good nor a bad outcome",
    "negative_outcome": "a talk had a bad outcome",
    "budget_concern": "the budget was called a problem",
    "feature_request": "a feature was asked for that there is not",
}
"""The kinds of events that are known, with what they mean. Others are taken, too, as activity."""

NO_ACTIVITY = frozenset(
    {"billing_failure", "payment_received", "meeting_missed", "support_escalation", "competitor_mention"}
    | {"pricing_discussion", "meeting_held", "response_received", "late_response", "positive_outcome"}
    | {"neutral_outcome", "negative_outcome", "budget_concern", "feature_request"}
)
"""What happens to a customer, or between people: it does not show that anybody uses the product."""

HIGH_VALUE = frozenset(
    {"task_completed", "content_generated", "visual_created", "voice_interaction"}
    | {"insight_reviewed", "export_downloaded", "feedback_given"}
)
"""What leaves a result, unlike a sign-in or a page view."""

TASK_KINDS = ("task_started", "task_updated", "task_completed")
WEEK_DAYS = 7
MONTH_DAYS = 30
FEEDBACK_DAYS = 180

MOMENTUM_METRICS = (
    "active_days_7",
    "events_7",
    "high_value_actions_7",
    "onboarding_completion_rate",
    "launch_kit_viewed",
    "content_generated_30",
    "visuals_created_30",
    "feedback_score",
    "activity_change_week",
)


@dataclass(frozen=True, slots=True)
class Activity:
    """What events say of n customers, who had one event at least; all arrays are (n,).

    Days are those of the calendar, and 7 days ago is the same time of the clock on the wall, also over a
    change of the clocks. active_days: on how many days of the calendar in the last 7 days there was one;
    where the week begins within a day it touches 8, and 7 count. events, events_before: in the last 7 days,
    and in the 7 before. high_value: of those of the last 7 days. content, visuals: in the last 30 days.
    tasks, tasks_done: onboarding tasks known, and those completed. launch_kit: whether it was ever opened.
    feedback: mean of what was given in 180 days, NaN for none. known_days: since the first event.
    """

    active_days: FloatArray
    events: FloatArray
    events_before: FloatArray
    high_value: FloatArray
    content: FloatArray
    visuals: FloatArray
    tasks: FloatArray
    tasks_done: FloatArray
    launch_kit: NDArray[np.bool_]
    feedback: FloatArray
    known_days: FloatArray


def momentum_values(activity: Activity) -> FloatArray:
    """The metrics of n customers, (n, 9) in the order of MOMENTUM_METRICS; NaN where nothing is known.

    Nothing is known of the onboarding without a task of it, of satisfaction without feedback, and of the
    change from week to week where the week before is not known wholly, or where it had no event and this one
    has: that is no share of anything. A week without an event is known to be empty, and is -100 however many
    such weeks came before it: longer silence must not look better than short silence.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        onboarding = activity.tasks_done / activity.tasks * 100.0
        change = (activity.events / activity.events_before - 1.0) * 100.0
    change = np.where(activity.events == 0, -100.0, change)
    whole = (activity.known_days >= 2 * WEEK_DAYS) & ((activity.events_before > 0) | (activity.events == 0))
    columns = (
        np.minimum(activity.active_days, WEEK_DAYS),
        activity.events,
        activity.high_value,
        np.where(activity.tasks > 0, onboarding, np.nan),
        activity.launch_kit.astype(np.float64),
        activity.content,
        activity.visuals,
        activity.feedback,
        np.where(whole, change, np.nan),
    )
    return np.round(np.column_stack(columns), 6)
