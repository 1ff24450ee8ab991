"""How pages say what the store holds: lines of timelines and browsers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from keepwell.console.words import browser_words, score, told_words
from keepwell.db.repositories.views_customer_lines import ActivityOfDay, HistoryLine, LineKind

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
MOZILLA = "Mozilla/5.0"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0"


def line(title: str, kind: LineKind = LineKind.MESSAGE, **more: object) -> HistoryLine:
    return HistoryLine.model_validate(
        {"id": "one", "at": AT, "kind": kind, "event": "x", "title": title, **more}
    )


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (line("csm_outreach: email sent to Ada", step="csm_outreach"), "CSM outreach: email sent to Ada"),
        (line("alert_owner: in_app to Ada", step="alert_owner"), "Alert owner: in-app to Ada"),
        (line("HIGH_RISK → CRITICAL: it began", LineKind.SCORE), "High risk → Critical: it began"),
        # What somebody wrote stays as it was written.
        (line("CRITICAL for Ada: call_me", LineKind.TASK, step="call"), "CRITICAL for Ada: call_me"),
        (line("CRITICALITY grows", LineKind.SCORE), "CRITICALITY grows"),
    ],
)  # fmt: skip
def test_steps_and_levels_are_said_in_words(told: HistoryLine, said: str) -> None:
    assert told_words(told) == said


def test_a_days_activity_is_counted_in_its_title_alone() -> None:
    day = ActivityOfDay(day=AT.date(), total=5, kinds={"login": 3, "page_view": 2}, first_at=AT, last_at=AT)
    assert told_words(line("3 × login, 2 × page view", LineKind.ENGAGEMENT, activity=day)) == (
        "5 events of the customer"
    )


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        (f"{MOZILLA} (X11; Linux x86_64) {CHROME} Safari/537.36", "Chrome on Linux"),
        (f"{MOZILLA} (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36 Edg/140.0", "Edge on Windows"),
        (f"{MOZILLA} (Linux; Android 15) {CHROME} Mobile Safari/537.36", "Chrome on Android"),
        (f"{MOZILLA} (Macintosh; Intel Mac OS X 10_15) Version/18.0 Safari/605.1.15", "Safari on macOS"),
        (f"{MOZILLA} (iPhone; CPU iPhone OS 18 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        (f"{MOZILLA} (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("python-httpx/1.0", "python-httpx/1.0"),
        ("", "unknown"),
    ],
)
def test_a_browser_is_called_as_people_call_it(agent: str, said: str) -> None:
    assert browser_words(agent) == said


def test_a_score_is_told_in_the_points_it_has_reached() -> None:
    told = [score(one) for one in (39.6, 40.0, 0.1 + 0.2 + 39.7, 100.0, None)]
    assert told == ["39", "40", "40", "100", "–"]
