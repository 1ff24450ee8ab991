"""What event playbooks write, by what was noticed: its figures, and nothing that is not known."""

from __future__ import annotations

import re

import pytest

from keepwell.contracts.alerts import Trigger
from keepwell.contracts.playbook import FALLBACK
from keepwell.contracts.rendering import Context, HealthFigures, Rendered
from keepwell.playbooks import BUILT_IN, PlaybookRegistry
from keepwell.rendering.bundle import load_bundle
from keepwell.rendering.render import render
from keepwell.rendering.sample import bare_context, full_context
from keepwell.rendering.sample_alert import alerted

EVENTS = [one for one in PlaybookRegistry(BUILT_IN).playbooks.values() if one.family == "event"]
OWN = sorted({name for one in EVENTS for name in one.template_names if name.split("/")[1] == one.name})
OF_SCORES = ("executive_notification", "re_engagement")
"""Playbooks that begin because of figures, so that there is a score."""
TO_CUSTOMERS = [name for name in OWN if name.startswith(("email/", "in_app/"))]


def rendered(name: str, context: Context) -> Rendered:
    return render(load_bundle(name), context)


@pytest.mark.parametrize(
    ("name", "trigger", "parts"),
    [
        (
            "slack/executive_notification/tell_executive",
            Trigger.CRITICAL_HEALTH,
            (
                "17.4 of 100",
                "from 31.4 to 17.2",
                "1,240 EUR a month",
                "1 February 2027",
                "critical@2",
                "12.6",
            ),
        ),
        (
            "slack/executive_notification/tell_owner",
            Trigger.CRITICAL_HEALTH,
            ("an executive was told", "12.6"),
        ),
        (
            "slack/priority_support/tell_support",
            Trigger.BILLING_FAILURE,
            ("1,240 EUR", "2026-1107", "card expired", "20 November 2026", "fix_payment"),
        ),
        ("slack/priority_support/escalate", Trigger.BILLING_FAILURE, ("1,240 EUR", "2026-1107", "reassign")),
        ("task/priority_support/fix_payment", Trigger.BILLING_FAILURE, ("2026-1107", "Card expired.")),
        ("task/priority_support/call_them", Trigger.BILLING_FAILURE, ("1,240 EUR", "Lena Hoffmann")),
        ("email/priority_support/payment_email", Trigger.BILLING_FAILURE, ("1,240 EUR", "on 20 November.")),
        ("slack/re_engagement/tell_owner", Trigger.USAGE_FALL, ("52 %", "day 3", "Priya Raman")),
        (
            "email/re_engagement/usage_email",
            Trigger.USAGE_FALL,
            ("share of users active on a working day", "25 %", "12 %"),
        ),
        ("email/re_engagement/follow_up", Trigger.USAGE_FALL, ("Choose one daily task", "Choose a time")),
        ("task/re_engagement/call_them", Trigger.USAGE_FALL, ("52 %", "call_them")),
        (
            "email/feature_tutorial/tutorial_email",
            Trigger.FEATURE_UNUSED,
            ("shared inbox", "since 13 November."),
        ),
        ("in_app/momentum_nudge/nudge", Trigger.TASK_STALLED, ("Connect the mailbox", "3 days")),
        ("email/momentum_nudge/nudge_email", Trigger.TASK_STALLED, ("Connect the mailbox", "3 days")),
        ("email/momentum_nudge/nudge_email", Trigger.INACTIVITY, ("since 19 November.",)),
        ("slack/zero_activity/tell_owner", Trigger.ZERO_ACTIVITY, ("18 November 2026",)),
        ("email/zero_activity/ask_email", Trigger.ZERO_ACTIVITY, ("Since 18 November nobody",)),
        ("task/zero_activity/call_them", Trigger.ZERO_ACTIVITY, ("since 18 November 2026", "1,240 EUR")),
    ],
)
def test_it_names_the_figures_of_the_alert(name: str, trigger: Trigger, parts: tuple[str, ...]) -> None:
    out = rendered(name, alerted(full_context(), trigger))
    html = " ".join(re.sub(r"<[^>]+>", " ", out.html).split()).lower()
    for part in parts:
        assert part.lower() in out.text.lower()
        if out.html and not part.startswith("Choose a time"):
            assert part.lower() in html


@pytest.mark.parametrize("name", TO_CUSTOMERS)
@pytest.mark.parametrize("trigger", Trigger)
def test_customers_never_read_what_is_for_staff(name: str, trigger: Trigger) -> None:
    context = alerted(full_context(), trigger)
    assert context.alert is not None
    told = {"words": "INTERNAL WORDS", "reason": "INTERNAL REASON", "risk": "critical@2"}
    context = context.model_copy(update={"alert": context.alert.model_copy(update=told)})
    out = rendered(name, context)
    text = f"{out.subject}\n{out.text}\n{out.html}".lower()
    for word in ("internal", "critical", "alert", "of 100", "churn", "switched off", "last warning"):
        assert word not in text


@pytest.mark.parametrize("name", TO_CUSTOMERS)
def test_no_figure_is_claimed_where_none_is_known(name: str) -> None:
    text = rendered(name, bare_context()).text
    assert not re.search(r"%|\d+ days|202\d|EUR", text)


@pytest.mark.parametrize("name", [name for name in (*OWN, FALLBACK) if name.split("/")[1] not in OF_SCORES])
def test_who_was_never_scored_is_written_of_without_a_score(name: str) -> None:
    unscored = {"health": HealthFigures(score=None, level=None)}
    for base in (full_context(), bare_context()):
        out = rendered(name, base.model_copy(update=unscored))
        assert not re.search(r"none of|None|of 100", f"{out.subject}\n{out.text}\n{out.html}")
    if name in (FALLBACK, "slack/zero_activity/tell_owner", "task/zero_activity/call_them"):
        assert "never scored" in out.text


def test_support_is_warned_of_a_risk_playbook_and_promised_no_email() -> None:
    context = alerted(full_context(), Trigger.BILLING_FAILURE)
    assert context.alert is not None
    beside = context.model_copy(update={"alert": context.alert.model_copy(update={"risk": "critical@2"})})
    alone, warned = (rendered("slack/priority_support/tell_support", one).text for one in (context, beside))
    assert "in an hour an email goes" in alone
    assert "in an hour an email goes" not in warned
    assert "*Careful:* critical@2 runs for this customer, so no email" in warned
