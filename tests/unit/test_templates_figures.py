"""What single templates say: their figures in every part, and nothing where nothing is known."""

from __future__ import annotations

import re

import pytest

from keepwell.contracts.playbook import Task
from keepwell.contracts.rendering import OfferFigures, OpportunityFigures
from keepwell.rendering.filters import long_date
from keepwell.rendering.sample import bare_context, full_context, sample_contexts
from scoring.signal import Signal
from tests.unit.own_templates import EMAILS, PLAYBOOKS, TO_CUSTOMERS, rendered, words_of

GROWTH = {playbook.name for playbook in PLAYBOOKS if playbook.signal is not None}


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("email/critical/executive_email", ("share of users active", "12 %", "down from 31 %", "15 minutes")),
        ("email/critical/csm_outreach", ("12 %", "18 %", "Integrations in use")),
        ("email/critical/roadmap_email", ("by 28 November", "Priya Raman, by", "attached")),
        ("email/critical/alternative_contact", ("12 %",)),
        (
            "email/critical/final_offer",
            ("up to 3 months", "30 days of grace", "Setup and training", "build", "24 November 2026, 10:30"),
        ),
        ("email/at_risk/value_email", ("92 %", "up from 80 %", "12 %")),
        ("email/at_risk/success_story", ("18 %", "47 %", "60 days", "with us that moves")),
        ("email/at_risk/efficiency_tips", ("12 %", "18 %", "we connect it")),
        ("email/at_risk/feature_education", ("Integrations in use", "Team plan")),
        ("email/at_risk/benchmark", ("23 similar customers", "38 %", "61 %", "85 %")),
        ("email/at_risk/value_summary_30", ("2,048 EUR", "92 %", "12 %")),
        ("email/at_risk/value_summary_60", ("1.7 times", "14 a month")),
        ("email/at_risk/value_summary_90", ("1.7 times", "18 %")),
    ],
)
def test_both_parts_of_an_email_hold_the_figures(name: str, figures: tuple[str, ...]) -> None:
    out = rendered(name, full_context())
    for figure in figures:
        assert figure.lower() in out.text.lower()
        assert figure.lower() in words_of(out.html).lower()


def test_no_figure_of_the_samples_is_left_when_nothing_is_known() -> None:
    for name in EMAILS:
        text = rendered(name, bare_context()).text
        assert "%" not in text
        assert "30 days ago" not in text


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        (
            "email/usage_limit/celebration",
            ("86 %", "9 December 2026", "71 %", "1,790 EUR", "550 EUR more", "50 % off", "24 November 2026"),
        ),
        (
            "email/usage_limit/worth_it",
            ("2,048 EUR", "64 hours", "550 EUR", "11 customers", "9 of them", "72 hours", "50 % off"),
        ),
        ("email/usage_limit/final_reminder", ("86 %", "9 December 2026", "throttled", "free of charge")),
        ("email/team/showcase", ("9 people", "about 24")),
        ("email/team/trial", ("30 days", "all 24", "24 November 2026")),
        ("email/overage/upgrade_case_email", ("4 months", "610 EUR", "550 EUR", "60 EUR", "attached")),
        ("document/overage/upgrade_case", ("1,240 EUR", "610 EUR", "1,790 EUR", "60 EUR", "7,320 EUR")),
        ("email/power_user/preview", ("71 %", "30 days to try it")),
        ("email/integration/showcase", ("2 integrations",)),
        ("email/api_scaling/developer_outreach", ("1.8 times",)),
    ],
)
def test_a_growing_customer_reads_its_own_figures(name: str, figures: tuple[str, ...]) -> None:
    out = rendered(name, sample_contexts()["growing"])
    for figure in figures:
        assert figure.lower() in out.text.lower()
        assert figure.lower() in words_of(out.html).lower()


def test_no_growth_figure_is_claimed_where_none_is_known() -> None:
    unknown = OpportunityFigures(signal=Signal.CONSISTENT_OVERAGE, words="a sign")
    context = bare_context().model_copy(update={"opportunity": unknown})
    for name in (name for name in TO_CUSTOMERS if name.split("/")[1] in GROWTH):
        out = rendered(name, context)
        assert not re.search(r"%|\d|a sign", out.text.replace(long_date(context.today), ""))


def test_an_offer_that_is_over_is_not_in_the_last_reminder() -> None:
    context = sample_contexts()["growing"].model_copy(update={"offer": None})
    out = rendered("email/usage_limit/final_reminder", context)
    assert "off the first month" not in out.text + out.html
    assert "https://app.brightdesk.example" in out.text
    assert "https://app.brightdesk.example" in out.html


def test_tasks_after_an_acceptance_say_what_was_agreed() -> None:
    offer = OfferFigures(agreed="billing pause, 2 months", agreed_kind="billing_pause", note="from December")
    context = full_context().model_copy(update={"offer": offer})
    steps = [step for book in PLAYBOOKS for follow_up in book.follow_ups for step in follow_up.steps]
    names = {step.template for step in steps if isinstance(step, Task)}
    assert len(names) == 8
    for name in names:
        out = rendered(name, context)
        assert "Agreed: billing pause, 2 months" in out.text
        assert "Note: from December" in out.text
        assert f"keepwell complete {context.intervention.id} {name.rpartition('/')[2]}" in out.text


@pytest.mark.parametrize(
    ("signal", "question"),
    [
        (Signal.TEAM_EXPANSION_OPPORTUNITY, "who should?"),
        (Signal.CONSISTENT_OVERAGE, "a season?"),
        (Signal.POWER_USER_BEHAVIOR, "the business plan?"),
        (Signal.INTEGRATION_EXPANSION, "copied by hand"),
        (Signal.API_SCALING_OPPORTUNITY, "Who builds on the API"),
    ],
)
def test_the_talk_asks_what_fits_the_signal(signal: Signal, question: str) -> None:
    opportunity = OpportunityFigures(signal=signal, words="a sign", value="$600")
    out = rendered("task/expansion/talk", full_context().model_copy(update={"opportunity": opportunity}))
    for part in (
        question,
        "The sign: A sign.",
        "May bring: $600 a year",
        "Lena Hoffmann, Head of Operations",
    ):
        assert part in out.text


def test_the_talk_names_the_command_for_what_is_on_offer() -> None:
    growing = sample_contexts()["growing"]
    line = f"They take the trial: keepwell offer accept {growing.intervention.id} trial"
    assert line in rendered("task/expansion/talk", growing).text
    unoffered = growing.model_copy(update={"offer": None})
    assert "offer accept" not in rendered("task/expansion/talk", unoffered).text


def test_without_a_story_nothing_is_claimed() -> None:
    out = rendered("email/at_risk/success_story", bare_context())
    assert "instead of a story" in out.text
    assert "→" not in out.html


def test_without_a_booking_url_people_are_asked_to_answer() -> None:
    for name in EMAILS:
        out = rendered(name, bare_context())
        assert "answer" in out.text.lower()
        assert "href" not in out.html


def test_the_alert_names_score_costs_and_the_command() -> None:
    out = rendered("slack/critical/alert_csm", full_context())
    assert out.subject == "Harbour Foods: critical, score 17.4 of 100"
    assert out.text.startswith("*Harbour Foods: critical, score 17.4 of 100*\n")
    assert "costs 12.6 points" in out.text
    assert "costs 7.1 points" in out.text
    assert "costs 6.4 points" in out.text
    assert "“Can we make Brightdesk work for Harbour Foods?”" in out.text
    assert f"`keepwell acknowledge {full_context().intervention.id}`" in out.text


def test_the_fallback_task_says_what_and_why() -> None:
    out = rendered("task/fallback/fallback", full_context())
    assert out.subject == "By hand for Harbour Foods: Email from the CSM to Lena Hoffmann"
    assert "csm_outreach" in out.text
    assert "The mail server did not take it within an hour." in out.text


def test_the_call_has_a_number_figures_and_talking_points() -> None:
    out = rendered("task/critical/phone_call", full_context())
    assert out.subject == "Call Lena Hoffmann at Harbour Foods"
    for part in ("+49 30 23125 104", "12 %", "score 17.4 of 100", "Talking points", "keepwell respond"):
        assert part in out.text


def test_the_roadmap_shows_strengths_history_and_steps() -> None:
    out = rendered("document/critical/roadmap", full_context())
    assert out.html.count("<svg") == 2
    assert "from 34 % on 12 September 2026 to 12 % on 21 November 2026, 11 values" in out.html
    assert out.html.count("<dt>The goal</dt>") == 3
    for part in (
        "Set-up steps completed",
        "92 %",
        "Choose one daily task",
        "Lena Hoffmann",
        "5 December 2026",
    ):
        assert part in out.text
        assert part in out.html
    assert "What we do not know is left out, not estimated." in out.html


def test_the_in_app_action_falls_back_from_booking_to_the_app_to_nothing() -> None:
    context = full_context()
    name = "in_app/at_risk/unused_features"
    assert rendered(name, context).action_url == context.organisation.booking_url
    unbooked = context.organisation.model_copy(update={"booking_url": ""})
    out = rendered(name, context.model_copy(update={"organisation": unbooked}))
    assert (out.action_label, out.action_url) == ("Try it now", "https://app.brightdesk.example")
    bare = rendered(name, bare_context())
    assert (bare.action_label, bare.action_url) == ("", "")
