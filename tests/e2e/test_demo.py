"""`keepwell demo --once` as a user starts it: what each story must tell, by its facts."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.demo_user import KEEPWELL, an_environment, files_in, processes_of
from workflows.at_risk import AT_RISK
from workflows.critical import CRITICAL
from workflows.expansion import USAGE_LIMIT
from workflows.high_risk import HIGH_RISK

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `keepwell demo --once --json` says: played once for all tests of this module."""
    folder = tmp_path_factory.mktemp("once")
    done = at_once(an_environment(folder), folder, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert files_in(folder / "home") == []
    assert files_in(folder / "tmp") == []
    assert processes_of(folder) == []
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def at_once(environ: dict[str, str], folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [KEEPWELL, "demo", "--once", *options],
        env=environ,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def story_of(told: dict[str, Any], title: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in told["stories"] if one["title"] == title)
    return found


def moments(story: dict[str, Any]) -> list[tuple[float, str]]:
    """Hours since the beginning, and the step or what happened."""
    start = datetime.fromisoformat(story["started_at"])
    return [
        (
            round((datetime.fromisoformat(one["at"]) - start) / timedelta(hours=1), 1),
            one["step"] or f"{one['kind']}: {one['what']}",
        )
        for one in story["moments"]
    ]


def moment(story: dict[str, Any], step: str) -> dict[str, Any]:
    (found,) = [one for one in story["moments"] if one["step"] == step]
    return dict(found)


def numbers(story: dict[str, Any]) -> tuple[int, int, int]:
    """Messages accepted, tasks, escalations."""
    tally = story["tally"]
    return tally["messages"], tally["tasks"], tally["escalations"]


def test_the_stories_add_up(told: dict[str, Any]) -> None:
    assert told["demo"] is True
    assert "cannot send" in told["notes"][1]
    outcomes = [(one["levels"], one["outcome"], numbers(one)) for one in told["stories"]]
    assert outcomes == [
        (["CRITICAL"], "accepted", (6, 2, 0)),
        (["CRITICAL"], "responded", (4, 1, 0)),
        (["AT_RISK", "HIGH_RISK", "CRITICAL"], "accepted", (10, 2, 0)),
        (["AT_RISK"], "recovered", (3, 0, 0)),
        (["CRITICAL"], "responded", (6, 3, 2)),
        (["HIGH_RISK"], "responded", (4, 1, 0)),
        (["THRIVING", "AT_RISK"], "converted", (4, 1, 0)),
    ]
    assert told["checks"] == {
        "changes": 11,
        "started": 9,
        "refused": 2,
        "recovered": 2,
        "undecided": 0,
        "accepted": 37,
        "keys": 37,
        "most_under_a_key": 1,
        "still_open": 0,
    }
    assert len({one["customer"] for one in told["stories"]}) == 7
    for story in told["stories"]:
        times = [one["at"][:16] for one in story["moments"]]
        assert times == sorted(times)
        sent = [one for one in story["moments"] if one["kind"] in ("message", "escalation")]
        assert len(sent) == story["tally"]["messages"]
        assert all(one["to"] and one["why"] and one["text"] for one in sent)
        emails = [one for one in sent if one["channel"] == "email"]
        assert all(one["address"].endswith(".test") and one["by"] for one in emails)


def test_silence_to_the_last_offer_which_is_accepted(told: dict[str, Any]) -> None:
    story = story_of(told, "critical, down to the last offer")
    assert moments(story) == [
        (0, f"begin: {CRITICAL.label} began for {story['customer']}"),
        (0, "executive_email"),
        (0, "assign_csm"),
        (0, "alert_csm"),
        (0.5, "person: Acknowledged"),
        (1, "csm_outreach"),
        (2, "roadmap"),
        (2, "roadmap_email"),
        (24, "phone_call"),
        (26, "person: Step phone_call was completed by hand"),
        (48, "alternative_contact"),
        (72, "retention_offer"),
        (72, "final_offer"),
        (73, "person: The customer has seen the offer"),
        (75, "person: The customer accepted: billing pause, 2 months"),
        (75, "billing_pause"),
        (75, f"end: {CRITICAL.label} ended: accepted"),
    ]
    offer = story["offer"]
    assert offer["terms"] == {
        "kind": "billing_pause",
        "months": 2,
        "plan": "",
        "note": "Budget freeze until February",
    }
    assert offer["options"][0] == "billing pause of up to 3 months"
    length = datetime.fromisoformat(offer["valid_until"]) - datetime.fromisoformat(offer["offered_at"])
    assert length == timedelta(days=4)
    assert offer["offered_at"] < offer["seen_at"] < offer["decided_at"] < offer["valid_until"]
    first, other = moment(story, "csm_outreach"), moment(story, "alternative_contact")
    assert first["to"] != other["to"]
    assert moment(story, "executive_email")["by"] == "Erin Cole"
    assert "PAUSE THE BILLING FOR UP TO 3 MONTHS" in moment(story, "final_offer")["text"]
    assert moment(story, "billing_pause")["to"] == story["owner"]


def test_an_answer_at_hour_30_ends_the_waiting(told: dict[str, Any]) -> None:
    story = story_of(told, "critical, answered at hour 30")
    assert moments(story)[-2:] == [
        (30, "person: The customer answered"),
        (30, f"end: {CRITICAL.label} ended: responded"),
    ]
    steps = {step for _, step in moments(story)}
    assert "phone_call" in steps
    assert steps.isdisjoint(
        {"tell_cover", "escalate", "alternative_contact", "retention_offer", "final_offer"}
    )
    assert story["offer"] is None


def test_graver_playbooks_take_over_and_an_agreement_on_the_phone_counts(told: dict[str, Any]) -> None:
    story = story_of(told, "taken over twice, then helped")
    labels = [AT_RISK.label, HIGH_RISK.label, CRITICAL.label]
    assert story["playbooks"] == labels
    day, name = 24.0, story["customer"]
    turns = [(at, what) for at, what in moments(story) if what.startswith(("begin", "end"))]
    assert turns == [
        (0, f"begin: {labels[0]} began for {name}"),
        (4 * day, f"end: {labels[0]} ended: superseded"),
        (4 * day, f"begin: {labels[1]} began for {name}"),
        (7 * day, f"end: {labels[1]} ended: superseded"),
        (7 * day, f"begin: {labels[2]} began for {name}"),
        (21 * day + 6, f"end: {labels[2]} ended: accepted"),
    ]
    # One voice: each message is of the playbook that is in force then, and the first hours begin anew.
    assert (7 * day, "executive_email") in moments(story)
    assert (7 * day + 2, "roadmap_email") in moments(story)
    after = [what for at, what in moments(story) if at > 7 * day + 2]
    assert after == [
        "person: The customer accepted: dedicated support",
        "support_kick_off",
        "support_check_in",
        f"end: {labels[2]} ended: accepted",
    ]
    offer = story["offer"]
    assert offer["terms"]["kind"] == "dedicated_support"
    assert offer["decided_at"] == offer["offered_at"]
    assert worth_in(story) in moment(story, "value_report")["text"]


def worth_in(story: dict[str, Any]) -> str:
    """How the value report says what the story's customer gets, from the figures of its header."""
    found = re.match(r"(\d+) hours × (\$\S+) = (\$\S+) of value", story["worth"])
    assert found is not None
    hours, cost, value = found.groups()
    return f"- Value in a month: {value} ({hours} hours × {cost})"


def test_a_recovery_ends_the_useful_messages(told: dict[str, Any]) -> None:
    story = story_of(told, "at risk, recovered by itself")
    assert moments(story) == [
        (0, f"begin: {AT_RISK.label} began for {story['customer']}"),
        (24, "value_email"),
        (72, "unused_features"),
        (168, "success_story"),
        (216, f"end: {AT_RISK.label} ended: recovered"),
    ]
    assert moment(story, "unused_features")["channel"] == "in-app"
    assert story["why"] == "The level is HEALTHY again, score 69.0"


def test_a_silent_csm_is_escalated_and_a_colleague_takes_over(told: dict[str, Any]) -> None:
    story = story_of(told, "the CSM is on leave")
    away, lead = story["owner"], "Mateo Álvarez"
    escalation, call = moment(story, "escalate"), moment(story, "phone_call")
    assert (escalation["to"], escalation["channel"]) == (lead, "slack and task")
    assert call["to"] == away
    people = [(one["by"], one["what"]) for one in story["moments"] if one["kind"] == "person"]
    colleague = people[0][1].removeprefix("Reassigned to ").partition(",")[0]
    assert colleague not in (away, lead)
    assert people == [
        (lead, f"Reassigned to {colleague}, and with it the open task “{call['what']}”"),
        (lead, "Step escalate was completed by hand"),
        (colleague, "Acknowledged"),
        (colleague, "Step phone_call was completed by hand"),
        (colleague, "The customer answered"),
    ]
    hours = dict(reversed([(what, at) for at, what in moments(story)]))
    assert (hours["tell_cover"], hours["escalate"], hours["phone_call"]) == (1, 2, 24)
    assert hours["person: Acknowledged"] == 25.5
    # Before that nobody had acknowledged.
    assert all("Acknowledged" not in what for at, what in moments(story) if at < 25)


def test_a_pause_moves_the_rest_and_consent_is_obeyed(told: dict[str, Any]) -> None:
    story = story_of(told, "high risk, paused, then no emails")
    hours = {what: at for at, what in moments(story)}
    offset = {step.name: step.at / timedelta(hours=1) for step in HIGH_RISK.steps}
    assert hours["consultation_offer"] == offset["consultation_offer"] == 12
    assert hours["value_report_email"] == offset["value_report_email"] + 72
    assert hours["tutorial"] == offset["tutorial"] + 72
    left_out = moment(story, "tutorial")
    assert (left_out["kind"], left_out["to"]) == ("left_out", story["owner"])
    assert left_out["why"].endswith("withdrew consent")
    assert worth_in(story) in moment(story, "value_report")["text"]
    assert "times the price comes back" in moment(story, "value_report")["text"]
    assert (story["tally"]["unsent"], story["tally"]["refused"]) == (1, 0)


def test_a_campaign_waits_for_recovery_and_converts(told: dict[str, Any]) -> None:
    story = story_of(told, "held while at risk, then upgraded")
    campaign = story["playbooks"][0]
    assert campaign == USAGE_LIMIT.label
    hours = {what: at for at, what in moments(story)}
    offset = {step.name: step.at / timedelta(hours=1) for step in USAGE_LIMIT.steps}
    assert hours["hold: Held while the customer is at risk"] == 24
    assert hours["value_email"] == 48
    assert hours[f"end: {AT_RISK.label} ended: recovered"] == 50
    assert hours["hold: Goes on after 1 d 2 h"] == 50
    assert hours["worth_it"] == offset["worth_it"] + 26
    assert hours[f"end: {campaign} ended: converted"] == 102
    assert "final_reminder" not in hours
    offer = story["offer"]
    assert offer["options"] == ["upgrade with 50 % off the first month"]
    assert (offer["terms"]["kind"], offer["terms"]["plan"]) == ("upgrade", "Business")
    assert offer["decided_at"] < offer["valid_until"]
    # The money of the campaign: the price now is in the header, the next one is 40 % dearer.
    price = int(re.findall(r"\$([\d,]+) a month", story["about"])[0].replace(",", ""))
    dearer = round(price * 1.4, -1)
    celebration = moment(story, "celebration")["text"]
    assert f"It costs ${dearer:,.0f} a month, ${dearer - price:,.0f} more than now." in celebration
    assert "the plan is used up around" in celebration
    worth_it = moment(story, "worth_it")["text"]
    assert "times the price comes back" in worth_it
    assert "5 customers moved up at this point in the last year" in worth_it


def test_once_prints_the_same_stories_for_people(tmp_path: Path) -> None:
    done = at_once(an_environment(tmp_path), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    shown = done.stdout
    lines = shown.splitlines()
    assert max(map(len, lines)) <= 100
    assert "DEMO DATA" in shown
    assert "The demo cannot send" in shown
    assert "\x1b" not in shown
    heads = [line for line in lines if re.match(r"\d · ", line)]
    rows = [line for line in lines if re.match(r"\d \w", line)]
    assert len(heads) == len(rows) == 7
    for head, row in zip(heads, rows, strict=True):
        number, customer, title = re.split(r" · |: ", head, maxsplit=2)
        assert row.split("  ")[0] == f"{number} {title}"
        assert customer in row
    assert "ok    11 changes of level = 9 started a playbook + 2 ended one\n" in shown
    unbroken = " ".join(shown.split())
    assert "37 times, 0 × no or not now; 1 message found nobody who may be written to" in unbroken
    assert "→ accepted on day 7, ended after 21 d: 10 messages" in unbroken
    assert "ok    37 messages accepted under 37 keys: at most 1 under each" in shown
    assert files_in(tmp_path / "home") == []
    assert files_in(tmp_path / "tmp") == []
    assert processes_of(tmp_path) == []
