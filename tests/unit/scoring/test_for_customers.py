"""Words for customers in a scorecard: optional, checked like the rest, and without effect on old hashes."""

import pytest

from scoring.errors import ScorecardError
from scoring.load import builtin, parse_scorecard
from scoring.scorecard import Scorecard

LABEL = 'label = "people at work"'
WHOLE = f'''{LABEL}
step = "Train with us."
goal = "{{target}} of your people are active."
area = "what is new"'''


def with_words(text: str, words: str) -> str:
    """The small scorecard with a table for customers at its first metric."""
    return text.replace("[metrics.trend]", f"[metrics.active.customer]\n{words}\n\n[metrics.trend]")


@pytest.mark.parametrize(("words", "step"), [(LABEL, None), (WHOLE, "Train with us.")])
def test_a_metric_may_have_words_for_customers(small_text: str, words: str, step: str | None) -> None:
    card = parse_scorecard(with_words(small_text, words), "mine.toml")
    told = card.metric("active").customer
    assert told is not None
    assert (told.label, told.step) == ("people at work", step)
    assert Scorecard.model_validate_json(card.model_dump_json()) == card


def test_without_them_a_scorecard_keeps_its_hash_and_with_them_gets_another(
    small: Scorecard, small_text: str
) -> None:
    assert small.metric("active").customer is None
    assert small.fingerprint() == "0036b595d027783fd3d71843d7b5b82bc088e3f9cb1a356500938f5d08a6149d"
    card = parse_scorecard(with_words(small_text, LABEL), "mine.toml")
    assert card.fingerprint() != small.fingerprint()


@pytest.mark.parametrize(
    ("words", "place", "reason"),
    [
        ('step = "Train."', "customer.label", "is missing"),
        (WHOLE.replace("step", "stpe"), "customer.stpe", "did you mean 'step'?"),
        (f'{LABEL}\nstep = "Train."', "customer.goal", "step and goal come together"),
        (f'{LABEL}\ngoal = "{{target}}."', "customer.step", "step and goal come together"),
        (f'{LABEL}\narea = "what is new"', "customer.step", "an area needs a step"),
        (WHOLE.replace("{target}", "Most"), "customer.goal", "must contain {target}"),
        (WHOLE.replace("with us", "the customer"), "customer.step", 'write "you"'),
        (LABEL.replace("people at work", " "), "customer.label", "blank"),
    ],
)
def test_wrong_words_are_refused_with_their_place(
    small_text: str, words: str, place: str, reason: str
) -> None:
    with pytest.raises(ScorecardError) as caught:
        parse_scorecard(with_words(small_text, words), "mine.toml")
    assert f"[metrics.active] {place}" in str(caught.value)
    assert reason in str(caught.value)


def test_what_is_between_staff_is_never_told_to_customers() -> None:
    internal = {metric.name for metric in builtin("intervention").metrics if metric.customer is None}
    assert internal == {
        "support_interaction_sentiment",
        "feature_request_frequency",
        "payment_health",
        "success_manager_interactions",
        "executive_engagement",
        "referral_generation",
        "case_study_participation",
    }
