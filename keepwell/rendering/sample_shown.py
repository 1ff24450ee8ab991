"""Made-up figures as a customer may read them, for the sample contexts."""

from __future__ import annotations

from datetime import timedelta

from keepwell.contracts.shown import (
    Benchmark,
    Peers,
    PeerStory,
    PeerUse,
    Point,
    ShownFigure,
    ShownFigures,
    ShownStep,
)
from keepwell.rendering.sample_figures import TODAY

ACTIVE = "share of users active on a working day"
ADOPTION = "share of the plan's features in use"
INTEGRATIONS = "integrations in use"
ONBOARDING = "set-up steps completed"


def sample_shown() -> ShownFigures:
    """The figures of a customer in trouble: one fell, one rose, two things lie unused."""
    active = figure("daily_active_rate", ACTIVE, "12 %", "31 %", (34, 33, 31, 31, 28, 24, 20, 17, 15, 14, 12))
    adoption = figure("feature_adoption_depth", ADOPTION, "18 %", "19 %", (19, 19, 19, 18))
    integrations = figure("integration_usage", INTEGRATIONS, "0")
    onboarding = figure("onboarding_completion_rate", ONBOARDING, "92 %", "80 %", rose=True, good=True)
    guides = figure("documentation_engagement", "visits to the guides", "14 a month", good=True)
    pick = step(
        adoption,
        "Choose two features for your most frequent job, and we set them up with you",
        "Lena Hoffmann",
        area="the features you have not tried yet",
    )
    connect = step(
        integrations,
        "Name the calendar your team uses, and we connect it",
        "the product team at Brightdesk Ltd",
        area="connections to your other tools",
    )
    return ShownFigures(
        steps=(
            step(active, "Choose one daily task with us that moves into Brightdesk", "Priya Raman", days=7),
            pick,
            connect,
        ),
        strengths=(onboarding, guides),
        improved=(onboarding,),
        unused=(connect, pick),
        used=(onboarding, guides),
    )


def sample_peers() -> Peers:
    """A comparison and a story."""
    return Peers(
        count=23,
        likeness="food wholesalers on the Team plan",
        benchmarks=(
            _benchmark("daily_active_rate", ACTIVE, "12 %", "38 %", "61 %"),
            _benchmark("onboarding_completion_rate", ONBOARDING, "92 %", "85 %", "97 %", better=True),
            _benchmark("feature_adoption_depth", ADOPTION, "18 %", "33 %", "52 %"),
        ),
        story=PeerStory(
            likeness="a food wholesaler on the Team plan",
            label=ACTIVE,
            value_from="18 %",
            value_to="47 %",
            days=60,
            step="Choose one daily task with us that moves into Brightdesk",
        ),
        users=(PeerUse(metric="integration_usage", count=14, value="3"),),
    )


def figure(
    name: str,
    label: str,
    value: str,
    before: str = "",
    history: tuple[float, ...] = (),
    *,
    rose: bool = False,
    good: bool = False,
) -> ShownFigure:
    """A figure with made-up values; the history is weekly, in percent, and ends on TODAY."""
    weeks = len(history) - 1
    return ShownFigure(
        name=name,
        label=label,
        value=value,
        before=before,
        change=f"{'up' if rose else 'down'} from {before}" if before else "",
        good=good,
        history=tuple(
            Point(day=TODAY - timedelta(weeks=weeks - index), value=number, text=f"{number:g} %")
            for index, number in enumerate(history)
        ),
    )


def step(
    low: ShownFigure, words: str, owner: str = "the team", *, area: str = "", days: int = 14
) -> ShownStep:
    """What we offer to do about a low figure, due so many days after TODAY."""
    return ShownStep(
        figure=low,
        step=words,
        goal=f"Your {low.label}: clearly better than {low.value}, two weeks on end",
        area=area,
        owner=owner,
        due=TODAY + timedelta(days=days),
    )


def _benchmark(
    metric: str, label: str, yours: str, median: str, best: str, *, better: bool = False
) -> Benchmark:
    return Benchmark(metric=metric, label=label, yours=yours, median=median, best_quarter=best, better=better)
