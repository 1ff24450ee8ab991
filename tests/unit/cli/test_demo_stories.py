"""Stories as they are printed: width, what is said once, quotes of money, and checks that fail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from keepwell.cli.demo_stories import print_playing
from keepwell.contracts.offers import OfferKind, Terms
from keepwell.demo.told import Checks, Moment, OfferTold, Playing, Story, Tally

BEGAN = datetime(2026, 11, 23, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
WHY = "Within 4 hours the customer has the improvement roadmap"
GOOD = Checks(
    changes=2, started=2, refused=0, undecided=0, accepted=2, keys=2, most_under_a_key=1, still_open=0
)


def a_story(customer: str, last: timedelta = 75 * HOUR, *more: Moment) -> Story:
    email = Moment(
        at=BEGAN + 2 * HOUR,
        kind="message",
        playbook="critical@2",
        step="roadmap_email",
        channel="email",
        by="Dana Reyes",
        to="Ann Lee",
        what="A plan for you",
        why=WHY,
        text="Hello Ann,\n\n- $99 in a list\nIt brings you $3,657.50 a month. More below.\n",
    )
    end = Moment(at=BEGAN + last, kind="end", playbook="critical@2", what="critical@2 ended: accepted")
    offer = OfferTold(
        options=("billing pause",),
        state="accepted",
        offered_at=BEGAN + 72 * HOUR,
        valid_until=BEGAN + 168 * HOUR,
        seen_at=BEGAN + 73 * HOUR,
        decided_at=BEGAN + last,
        terms=Terms(kind=OfferKind.BILLING_PAUSE, months=2),
    )
    return Story(
        title="down to the last offer",
        plot="They take a pause.",
        customer=customer,
        about="Retail, GB",
        worth="",
        owner="Dana Reyes",
        playbooks=("critical@2",),
        levels=("CRITICAL",),
        score=14.6,
        started_at=BEGAN,
        ended_at=BEGAN + last,
        outcome="accepted",
        why="The customer accepted",
        offer=offer,
        tally=Tally(messages=1, tasks=0, escalations=0, asked=1, refused=0),
        moments=(email, *more, end),
    )


def printed(capsys: pytest.CaptureFixture[str], *stories: Story, checks: Checks = GOOD) -> str:
    print_playing(Playing(stories=stories, checks=checks))
    return capsys.readouterr().out


@pytest.mark.parametrize("columns", ["80", "100", "200"])
def test_lines_fit_and_end_where_their_words_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    shown = printed(capsys, a_story("Acme " + "and Sons " * 12))
    lines = shown.splitlines()
    assert max(map(len, lines)) <= min(100, int(columns))
    assert [line for line in lines if line != line.rstrip()] == []
    assert "down to the last offer" in " ".join(shown.split())


def test_a_day_stands_where_it_begins_and_hours_count_from_the_start(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = printed(capsys, a_story("Acme"))
    assert "Mon 23 Nov 10:00 +2 h    email → Ann Lee “A plan for you”" in shown
    assert "Thu 26 Nov 11:00 +75 h   critical@2 ended: accepted" in shown
    assert "CRITICAL, score 14.6 · Retail, GB · CSM Dana Reyes" in shown


def test_long_stories_count_days(capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(capsys, a_story("Acme", 240 * HOUR))
    assert "Mon 23 Nov 10:00 day 0   email" in shown
    assert "→ accepted after 10 d" in shown


def test_why_and_money_are_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(capsys, a_story("Acme"), a_story("Bolt"))
    assert " ".join(shown.split()).count(WHY) == 1
    assert shown.count("│ It brings you $3,657.50 a month. More below.") == 1
    assert "$99" not in shown


def test_what_became_of_the_offer_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    shown = " ".join(printed(capsys, a_story("Acme")).split())
    assert (
        "offer of Thu 26 Nov 08:00 until Mon 30 Nov 08:00, seen Thu 26 Nov 09:00, accepted Thu 26 Nov 11:00: "
        "billing pause, 2 months" in shown
    )


def test_an_email_by_somebody_else_than_the_csm_names_them(capsys: pytest.CaptureFixture[str]) -> None:
    other = Moment(at=BEGAN + 3 * HOUR, kind="message", channel="email", by="Erin Cole", to="Ann", what="Hi")
    said = Moment(at=BEGAN + 4 * HOUR, kind="person", by="Dana Reyes", what="Acknowledged", why="On it")
    done = said.model_copy(update={"what": "Step phone_call was completed by hand", "why": ""})
    shown = printed(capsys, a_story("Acme", 75 * HOUR, other, said, done))
    assert "email → Ann, from Erin Cole “Hi”" in shown
    assert "Dana Reyes: Acknowledged – “On it”" in shown
    assert "Dana Reyes: completed phone_call\n" in shown


def test_a_check_that_fails_stands_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert "WRONG" not in printed(capsys, a_story("Acme"))
    twice = GOOD.model_copy(update={"accepted": 3, "most_under_a_key": 2})
    shown = printed(capsys, a_story("Acme"), checks=twice)
    assert "WRONG 3 messages accepted under 2 keys: at most 2 under each" in shown
    assert "ok    2 changes of level = 2 started a playbook + 0 refused with a reason" in shown


@pytest.mark.parametrize(
    ("change", "words_of_it"),
    [
        ({"recovered": 1}, "= 2 started a playbook + 1 ended one\n"),
        ({"refused": 2, "recovered": 1}, "+ 1 ended one + 1 refused with a reason\n"),
        ({"recovered": 0}, "= 2 started a playbook + 1 refused with a reason\n"),
    ],
)
def test_a_recovery_is_no_refusal(
    capsys: pytest.CaptureFixture[str], change: dict[str, int], words_of_it: str
) -> None:
    checks = GOOD.model_copy(update={"changes": 3, "refused": 1, **change})
    assert words_of_it in printed(capsys, a_story("Acme"), checks=checks)


def test_messages_that_found_nobody_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert "found nobody" not in printed(capsys, a_story("Acme"))
    story = a_story("Acme")
    story = story.model_copy(update={"tally": story.tally.model_copy(update={"unsent": 1})})
    shown = " ".join(printed(capsys, story).split())
    assert "1 times, 0 × no or not now; 1 message found nobody who may be written to" in shown


def test_an_offer_taken_long_before_the_end_says_when_it_was_taken(
    capsys: pytest.CaptureFixture[str],
) -> None:
    story = a_story("Acme", 510 * HOUR)
    assert story.offer is not None
    taken = story.offer.model_copy(update={"decided_at": BEGAN + 174 * HOUR})
    shown = printed(capsys, story.model_copy(update={"offer": taken}))
    assert "→ accepted on day 7, ended after 21 d: " in shown


def test_one_date_has_one_number_and_scores_one_notation(capsys: pytest.CaptureFixture[str]) -> None:
    early, late = (
        Moment(at=BEGAN + hours * HOUR, kind="person", by="Dana Reyes", what=f"At {hours}")
        for hours in (167, 171)
    )
    end = Moment(
        at=BEGAN + 216 * HOUR, kind="end", what="It ended", why="The level is HEALTHY again, score 69.0"
    )
    story = a_story("Acme", 216 * HOUR, early, late, end)
    shown = printed(capsys, story.model_copy(update={"score": 16.0}))
    assert "Mon 30 Nov 07:00 day 7   Dana Reyes: At 167" in shown
    assert "           11:00 day 7   Dana Reyes: At 171" in shown
    assert "CRITICAL, score 16 · Retail" in shown
    assert "score 69\n" in shown
