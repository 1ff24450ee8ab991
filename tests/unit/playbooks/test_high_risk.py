"""What the high-risk playbook promises: who is told when, and what an answer changes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from keepwell.contracts.playbook import Document, Escalate, Send, Sender
from scoring.levels import Level
from workflows.high_risk import HIGH_RISK

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("name", "hours"),
    [("personal_email", 4), ("consultation_offer", 24), ("value_report", 48), ("value_report_email", 48)],
)
def test_the_first_answers_come_within_their_hours(name: str, hours: int) -> None:
    step = HIGH_RISK.step(name)
    assert step is not None
    assert step.within is not None
    assert step.at + step.within == hours * HOUR


def test_a_night_of_quiet_hours_fits_between_each_email_and_its_deadline() -> None:
    for name in ("consultation_offer", "value_report", "value_report_email"):
        step = HIGH_RISK.step(name)
        assert step is not None
        assert step.within is not None
        assert step.within >= 12 * HOUR


def test_an_answer_cancels_everything_but_the_report_that_was_promised() -> None:
    to_customers = {
        step.name: step.unless
        for step in HIGH_RISK.steps
        if isinstance(step, Document) or (isinstance(step, Send) and step.sender is Sender.OWNER)
    }
    promised = {name for name, unless in to_customers.items() if unless is None}
    assert promised == {"value_report", "value_report_email"}
    assert set(to_customers.values()) == {None, "answered"}
    email = HIGH_RISK.step("value_report_email")
    assert isinstance(email, Send)
    assert email.attach == "value_report"


def test_the_cover_hears_of_it_first_and_the_manager_after_a_day_without_acknowledgement() -> None:
    chain = [step for step in HIGH_RISK.steps if isinstance(step, Escalate)]
    assert [(step.to, step.at) for step in chain] == [("cover", 8 * HOUR), ("manager", 24 * HOUR)]
    assert {step.unless for step in chain} == {"acknowledged"}


def test_value_and_engagement_come_on_their_days() -> None:
    days = {step.name: step.at.days for step in HIGH_RISK.steps if step.at >= timedelta(days=2)}
    assert days == {
        "tutorial": 4,
        "best_practices": 7,
        "case_study": 10,
        "feature_fast_track": 14,
        "community_invitation": 18,
        "beta_programme": 21,
        "feedback_partnership": 25,
    }
    assert (HIGH_RISK.level, HIGH_RISK.closes_at.days) == (Level.HIGH_RISK, 30)
