"""The letters and the value report of the high-risk playbook: each figure in its place, none made up."""

from __future__ import annotations

import re

import pytest

from keepwell.contracts.rendering import Context, ValueFigures, ValueLine
from keepwell.rendering.bundle import load_bundle
from keepwell.rendering.render import render
from keepwell.rendering.sample import bare_context, full_context, sample_contexts
from tests.unit.own_templates import words_of
from workflows.high_risk import HIGH_RISK

EMAILS = sorted(name for name in HIGH_RISK.template_names if name.startswith("email/"))
REPORT = "document/high_risk/value_report"


def texts(name: str, context: Context) -> tuple[str, str]:
    """The plain text and the words of the HTML."""
    out = render(load_bundle(name), context)
    return out.text, words_of(out.html)


def with_value(value: ValueFigures, context: Context | None = None) -> Context:
    return (context or full_context()).model_copy(update={"value": value})


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        (
            "personal_email",
            ("Two figures made me write", "share of users active", "12 %", "18 %", "two days"),
        ),
        (
            "consultation_offer",
            ("30 minutes", "shared screen", "share of users active", "12 %", "Choose one"),
        ),
        (
            "value_report_email",
            ("Attached", "2,048 EUR", "1.7 times", "connections to your other", "28 November"),
        ),
        (
            "tutorial",
            ("connections to your other", "we connect it", "14 are well ahead", "3 is typical"),
        ),
        ("best_practices", ("23 food wholesalers", "12 %", "61 % or better", "52 % or better")),
        ("case_study", ("60 days", "18 %", "47 %", "would do with you")),
        ("community_invitation", ("12 %", "the set-up steps completed, now at 92 %")),
        ("beta_programme", ("share of users active", "12 %")),
        ("feedback_partnership", ("12 %", "30 days ago: 31 %", "last of my letters")),
    ],
)
def test_both_parts_of_a_letter_hold_the_figures(name: str, figures: tuple[str, ...]) -> None:
    for text in texts(f"email/high_risk/{name}", full_context()):
        for figure in figures:
            assert figure in text


@pytest.mark.parametrize("name", EMAILS)
def test_a_letter_asks_for_one_thing_and_is_short(name: str) -> None:
    html, footer = render(load_bundle(name), full_context()).html, full_context().links
    targets = [target for target in re.findall(r'<a [^>]*href="([^"]+)"', html)]
    assert len([one for one in targets if one not in (footer.unsubscribe, footer.preferences)]) <= 1
    for context in sample_contexts().values():
        body = texts(name, context)[0].partition("Best regards")[0]
        assert len(body.split()) < 150


@pytest.mark.parametrize("name", EMAILS)
def test_nothing_is_claimed_of_what_is_not_known(name: str) -> None:
    for text in texts(name, bare_context()):
        letter = text.partition("Hello")[2].partition("Best regards")[0]
        assert len(letter) > 100
        for word in ("%", "EUR", "similar customers", "points", "typical"):
            assert word not in letter


def test_the_report_shows_the_money_and_where_it_comes_from() -> None:
    for text in texts(REPORT, full_context()):
        for part in (
            "Brightdesk brings you 2,048 EUR in a month, and you pay 1,240 EUR: 1.7 times the price",
            "Cost of an hour of that work",
            "easured on 18 November 2026",
            "64 hours × 32 EUR",
            "Connections to your other tools",
            "14 of 23 similar customers are well ahead there: 3 is typical of them",
            "We compare with 23 food wholesalers on the Team plan",
            "The product team at Brightdesk Ltd, by 5 December 2026",
        ):
            assert part in text
        assert "takes two numbers from you" not in text
    # The bars: 2,048 is the whole length, 1,240 is 60.5 % of it.
    html = render(load_bundle(REPORT), full_context()).html
    assert 'style="width:100%"' in html
    assert 'style="width:60.5%"' in html


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (
            ValueFigures(value="620 EUR", paid="1,240 EUR", ratio=0.5, difference="620 EUR"),
            "you pay 1,240 EUR. To pay for itself it has to bring 620 EUR more.",
        ),
        (
            ValueFigures(value="1,250 EUR", paid="1,240 EUR", ratio=1250 / 1240, difference="10 EUR"),
            "about what you pay for it (1,240 EUR).",
        ),
        (ValueFigures(value="900 EUR"), "Brightdesk brings you 900 EUR in a month."),
        (ValueFigures(hours="64 hours"), "Brightdesk saves your team 64 hours of work in a month."),
    ],
)
def test_the_report_says_plainly_what_it_is_worth(value: ValueFigures, sentence: str) -> None:
    for name in (REPORT, "email/high_risk/value_report_email"):
        for text in texts(name, with_value(value)):
            assert sentence in text


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        (ValueFigures(), "takes two numbers from you: how many hours of work Brightdesk saves your team"),
        (ValueFigures(hours="64 hours"), "takes one number from you: what an hour of that work costs"),
    ],
)
def test_without_money_the_report_shows_use_and_asks_for_the_numbers(value: ValueFigures, asked: str) -> None:
    for text in texts(REPORT, with_value(value)):
        assert asked in text
        assert "Set-up steps completed: 92 %" in text
        assert "EUR" not in text


def test_the_report_has_no_empty_headings() -> None:
    html = render(load_bundle(REPORT), bare_context()).html
    assert "<h2>" not in html
    text = texts(REPORT, bare_context())[0]
    assert "Your figures do not say more than this" in text
    for heading in ("WORTH", "USED TODAY", "UNUSED", "SIMILAR", "NEXT STEP"):
        assert heading not in text
    alone = full_context().model_copy(update={"peers": bare_context().peers})
    for text in texts(REPORT, alone):
        assert "similar customers" not in text.lower()
        assert "Integrations in use: 0" in text


def test_the_alert_tells_the_csm_what_the_report_will_say_while_it_can_still_be_completed() -> None:
    name = "slack/high_risk/alert_csm"
    assert "2,048 EUR a month for a price of 1,240 EUR." in render(load_bundle(name), full_context()).text
    bare = render(load_bundle(name), bare_context()).text
    assert "usage figures, no money. Import hours_saved, hourly_cost and monthly_revenue before then" in bare
    wrong = ValueFigures(
        value="5 EUR",
        lines=(ValueLine(title="Value in a month", value="5 EUR", source="x"),),
        unusable=("hourly_cost is 'a lot'; write a number above 0, like 1200.50",),
    )
    text = render(load_bundle(name), with_value(wrong)).text
    assert "• Cannot be read: hourly_cost is 'a lot'; write a number above 0" in text


def test_the_fast_track_says_what_is_at_stake_and_how_to_close_it() -> None:
    out = render(load_bundle("task/high_risk/feature_fast_track"), full_context())
    assert out.subject == "Take one wish of Harbour Foods to the product team"
    for part in (
        "At stake: 1,240 EUR a month, renewal on 1 February 2027",
        "Daily active users (12 %)",
        f"keepwell complete {full_context().intervention.id} feature_fast_track",
    ):
        assert part in out.text
    assert HIGH_RISK.step("feature_fast_track") is not None


def test_the_commands_in_messages_name_steps_that_exist() -> None:
    text = render(load_bundle("slack/high_risk/alert_csm"), full_context()).text
    assert f"keepwell complete {full_context().intervention.id} personal_email" in text
    assert HIGH_RISK.step("personal_email") is not None
