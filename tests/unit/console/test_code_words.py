"""Names of the code as words, and charts and lines of scores on a scale on which they can be seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from keepwell.console.charted import score_axis, score_chart
from keepwell.console.code_words import (
    address,
    journal_words,
    kind_words,
    named,
    plain,
    playbook_name,
    playbook_words,
    role_words,
    state_words,
    trigger_words,
)
from keepwell.console.pages import environment

DAY = date(2026, 11, 20)


@dataclass(frozen=True)
class Line:
    kind: str
    text: str


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("critical@3", "Critical"),
        ("executive_notification@12", "Executive notification"),
        ("re_engagement", "Re-engagement"),
        ("api@1", "API"),
        ("csm_call@1", "CSM call"),
    ],
)
def test_a_playbook_is_called_by_words(label: str, said: str) -> None:
    assert playbook_words(label) == said
    assert playbook_name(label) == f'<span title="{label}">{said}</span>'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("critical@3 runs: one voice", "“Critical” runs: one voice"),
        ("It was at_risk@1.", "It was “At risk”."),
        # Addresses, and whatever else has an @, stay what they are.
        ("told bob@3.example, eve@7up and x@y@3", "told bob@3.example, eve@7up and x@y@3"),
    ],
)
def test_labels_in_a_sentence_become_names(text: str, said: str) -> None:
    assert named(text) == said


def test_levels_and_signals_of_the_engine_become_words() -> None:
    assert plain("usage_limit@1 begins first, for USAGE_LIMIT_APPROACHING; the level is AT_RISK") == (
        "“Usage limit” begins first, for “Near the plan's limit”; the level is At risk"
    )


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("delivery.accepted", "tell_owner: slack sent to Ada", "Tell owner: Slack sent to Ada"),
        ("delivery.accepted", "alert_csm: in_app sent to Ada", "Alert CSM: in-app sent to Ada"),
        ("transition.refused", "AT_RISK → HEALTHY: nothing", "At risk → Healthy: nothing"),
        ("intervention.began", "at_risk@1 began for Acme", "“At risk” began for Acme"),
        ("playbook.mode", "usage_limit: automatic → draft", "Usage limit: automatic → draft"),
        ("alert.rules_changed", "inactivity: on; usage_fall: off → on", "Quiet: on; Usage fell: off → on"),
        # What somebody wrote stays as it was written.
        ("task.commented", "at_risk@1 is CRITICAL", "at_risk@1 is CRITICAL"),
    ],
)  # fmt: skip
def test_lines_of_the_journal_are_said_in_words(kind: str, text: str, said: str) -> None:
    assert journal_words(Line(kind, text)) == said


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("account.signed_in", "Account signed in"),
        ("delivery.accepted", "Message sent"),
        ("delivery.bounced", "Message bounced"),
        ("churn_model.trained", "Churn model trained"),
        ("command.pause", "Command: pause"),
        ("in_app", "In-app message"),
        ("something_new.happened_here", "Something new happened here"),
    ],
)
def test_a_kind_is_said_in_words(kind: str, said: str) -> None:
    assert kind_words(kind) == said


def test_roles_and_addresses_are_for_people() -> None:
    assert (role_words("csm"), role_words("ops"), role_words(None)) == ("CSM", "operations", "")
    assert address("a<b@example.org") == "a&lt;b@<wbr>example.org"
    assert address("no address") == "no address"


def test_states_and_causes_are_said_in_words() -> None:
    assert (state_words("accepted"), state_words("bounced")) == ("sent", "bounced")
    assert (trigger_words("billing_failure"), trigger_words("of_their_own")) == (
        "Payment failed",
        "Of their own",
    )


@pytest.mark.parametrize(
    ("scores", "axis"),
    [
        ([61.5, 64.0], (55, 75, 5)),
        ([98.0, 99.5], (80, 100, 5)),
        ([1.0, 2.0], (0, 20, 5)),
        ([40.0, 70.0], (40, 80, 10)),
        ([10.0, 60.0], (0, 100, 25)),
        ([], (0, 100, 25)),
    ],
)
def test_an_axis_begins_where_the_scores_do(scores: list[float], axis: tuple[int, int, int]) -> None:
    assert score_axis(scores) == axis


@pytest.mark.parametrize("low", range(0, 100, 7))
@pytest.mark.parametrize("spread", [0, 5, 15, 16, 40, 41, 100])
def test_every_score_is_on_its_axis(low: int, spread: int) -> None:
    high = min(low + spread, 100)
    start, end, step = score_axis([low, high])
    assert 0 <= start <= low
    assert high <= end <= 100
    assert end - start >= 20
    assert (end - start) % step == 0


def test_the_ground_is_filled_only_where_it_is_zero() -> None:
    def area(*scores: float) -> bool:
        chart: Any = score_chart("Score", [(DAY + timedelta(days=n), one) for n, one in enumerate(scores)])
        return bool(chart["series"][0]["area"])

    assert area(3, 9)
    assert not area(61, 64)


def test_a_sparkline_shows_a_fall_and_keeps_a_wobble_small() -> None:
    ui: Any = environment().get_template("_ui.html.j2").make_module({"view": SimpleNamespace()})

    def heights(points: list[float]) -> list[float]:
        drawn = str(ui.sparkline(points, "Score")).partition('points="')[2].partition('"')[0]
        return [float(one.partition(",")[2]) for one in drawn.split()]

    fell, wobbled = heights([50, 10]), heights([50, 52])
    assert fell == [2, 26]
    assert abs(wobbled[0] - wobbled[1]) == pytest.approx(2.4)
