"""What the keys around a score do: the fingerprint, sources, and rules in words."""

import pytest

from scoring.describe import default_words, normalisation_words
from scoring.load import builtin, parse_scorecard
from scoring.normalise import HalfLife, Logarithm, Rule, Steps, Table
from scoring.scorecard import Scorecard
from scoring.units import Unit, format_value

ACTION = 'action = "Talk."'


def changed(text: str, old: str, new: str) -> Scorecard:
    """The small scorecard with one thing changed."""
    assert old in text
    return parse_scorecard(text.replace(old, new, 1), "mine.toml")


def test_the_default_scorecard_keeps_its_hash() -> None:
    """Scores in stores refer to it: keys that came later and are not used must not change it."""
    assert (
        builtin("intervention").fingerprint()
        == "0734acdc9c811eebfbe79e8adc4aa1688238bddbc9f6aa1b6fe9747880b5f0de"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("due_days = 7", 'due_days = 7\nsource = "A guess."'),
        ("due_days = 7", 'due_days = 7\nbetter = "higher"'),
        (ACTION, f'{ACTION}\nsource = "A guess."'),
        ("[guard]", 'source = "A guess."\n[guard]'),
        ("[guard]", "trend_threshold = 5.0\n[guard]"),
    ],
)
def test_what_changes_no_score_changes_no_hash(small: Scorecard, small_text: str, old: str, new: str) -> None:
    assert changed(small_text, old, new).fingerprint() == small.fingerprint()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("due_days = 7", "due_days = 7\ndefault = 0"),
        (ACTION, f"{ACTION}\nreview_days = 30"),
        ("[guard]", "trend_threshold = 4\n[guard]"),
    ],
)
def test_what_changes_a_judgement_changes_the_hash(
    small: Scorecard, small_text: str, old: str, new: str
) -> None:
    assert changed(small_text, old, new).fingerprint() != small.fingerprint()


def test_a_source_stands_for_what_is_inside_it(small: Scorecard, small_text: str) -> None:
    assert small.source_of(small.metrics[0]) == ""
    card = changed(small_text, "[guard]", 'source = "whole"\n[guard]')
    assert card.source_of(card.bands[0]) == card.source_of(card.metrics[0]) == "whole"
    text = small_text.replace("weight = 75", 'weight = 75\nsource = "group"')
    card = changed(text, "[guard]", 'source = "whole"\n[guard]')
    assert [card.source_of(metric) for metric in card.metrics] == ["group", "group", "whole"]
    card = changed(text, "due_days = 7", 'due_days = 7\nsource = "own"')
    assert [card.source_of(metric) for metric in card.metrics] == ["own", "group", ""]


@pytest.mark.parametrize(
    ("unit", "rule", "words"),
    [
        (Unit.PERCENT, Table(points=((99.0, 0.0), (99.99, 100.0))), "99 % → 0, 99.99 % → 100"),
        (Unit.PERCENT_CHANGE, Table(points=((-60.0, 0.0), (40.0, 100.0))), "-60 % → 0, +40 % → 100"),
        (
            Unit.DAYS,
            Steps(better="lower", points=((1.0, 100.0), (7.0, 75.0)), otherwise=5.0),
            "up to 1 day → 100, up to 7 days → 75, else 5",
        ),
        (
            Unit.COUNT,
            Steps(better="higher", points=((1.0, 50.0), (3.0, 100.0))),
            "from 3 on → 100, from 1 on → 50, else 0",
        ),
        (
            Unit.MONEY,
            Logarithm(worst=1e3, best=1e5),
            "1,000 → 0, 100,000 → 100, each doubling worth the same",
        ),
        (Unit.HOURS, HalfLife(half_life=48.0), "0 → 100, halved by each 48 hours"),
    ],
)
def test_a_rule_in_words(small: Scorecard, unit: Unit, rule: Rule, words: str) -> None:
    metric = small.metrics[0].model_copy(update={"unit": unit, "normalise": rule})
    assert normalisation_words(metric) == words


def test_the_lines_of_a_file_in_words(small: Scorecard) -> None:
    assert normalisation_words(small.metrics[0]) == "0 % → 0, 50 % → 100"
    assert default_words(small.metrics[0]) == ""
    assert default_words(builtin("momentum").metric("feedback_score")) == "50 points until first measured"


def test_directions() -> None:
    card = builtin("customer-success")
    lower = {metric.name for metric in card.metrics if metric.direction == "lower"}
    assert lower == {
        "days_since_last_login",
        "support_tickets_30_days",
        "ticket_resolution_time",
        "time_to_value",
    }


def test_a_definition_is_written_with_all_its_digits() -> None:
    assert format_value(99.99, Unit.PERCENT) == "100 %"
    assert format_value(99.99, Unit.PERCENT, decimals=6) == "99.99 %"
    assert format_value(1000.5, Unit.MONEY) == "1,000"
    assert format_value(1000.5, Unit.MONEY, decimals=6) == "1,000.5"
    assert format_value(100.0, Unit.MONEY) == "100"
    assert format_value(2000.0, Unit.COUNT, decimals=0) == "2,000"
