"""Tasks told by Slack, what a notice offers to do at once, and the email in Slack's place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from keepwell.contracts.alerts import AlertsTold
from keepwell.db.engine import Store
from keepwell.db.repositories import tasks
from keepwell.db.repositories.notices import APART, GAP
from keepwell.db.repositories.notices_message import SHOWN
from keepwell.db.repositories.notices_plan import tell_admins
from keepwell.db.tables import Alert, Organisation, Staff, Task
from keepwell.errors import SendRefusedError, SendUnknownError
from scoring.signal import Severity
from tests.unit.db.notices_world import HOUR, MINUTE, Team
from tests.unit.db.world import DAY, NOW

REVOKED = "Slack refused the message (token_revoked). Set KEEPWELL_SLACK_TOKEN."


@pytest.fixture
def team(store: Store) -> Team:
    return Team(store)


def task(team: Team, key: str = "t1", **given: Any) -> str:
    values: dict[str, Any] = {
        "id": key,
        "key": key,
        "organisation_id": team.world.organisation,
        "customer_id": "o1",
        "kind": "phone_call",
        "title": "O1: call Lena",
        "owner_id": "omar",
        "due_at": NOW + 2 * HOUR,
        "created_at": NOW,
    }
    team.world.add(Task(**values | given))
    return key


def refused(times: int = 1) -> list[Exception]:
    return [SendRefusedError(REVOKED, retryable=False) for _ in range(times)]


def test_a_task_is_told_once_to_whoever_has_it(team: Team) -> None:
    team.on("slack", to="#alerts")
    team.world.score("o1", 12, NOW)
    team.world.intervention("run", "o1")
    task(team, intervention_id="run")
    assert team.looks()
    assert team.tell() == AlertsTold(told=1)
    (slack,) = team.slack.taken
    assert slack.recipient.address == "U0MAR", "the channel is for alerts, the task is Omar's"
    assert slack.text.startswith("*Task: O1: call Lena, due ")
    assert "keepwell tasks show t1" in slack.text
    assert (slack.intervention, slack.actions) == ("run", ("acknowledge", "pause", "respond", "open"))
    # Later it is overdue, which is an alert.
    for later in (MINUTE, HOUR):
        assert not team.looks(NOW + later)
    (line,) = team.told("task.told")
    assert (line.customer_id, line.data["task"]) == ("o1", "t1")
    assert team.told() == []


def test_by_email_no_task_is_told(team: Team) -> None:
    team.on("email")
    task(team)
    assert not team.looks()
    assert team.tell() == AlertsTold()


def test_a_channel_for_what_is_critical_tells_no_task(team: Team) -> None:
    team.on("slack", Severity.CRITICAL)
    task(team)
    assert not team.looks()
    assert team.rows() == []


@pytest.mark.parametrize(
    "given",
    [
        {"state": "done"},
        {"owner_id": None},
        {"created_at": NOW - MINUTE},
        {"snoozed_until": NOW + DAY},
        {"organisation_id": "org-2"},
    ],
    ids=str,
)
def test_what_is_no_news_is_not_told(given: dict[str, Any], team: Team) -> None:
    team.world.add(Organisation(id="org-2", key="other", name="Other", created_at=NOW))
    team.on("slack")
    task(team, **given)
    assert not team.looks()
    assert team.tell() == AlertsTold()


def test_who_gets_a_task_from_another_hears_of_it_and_the_other_no_more(team: Team) -> None:
    team.on("slack")
    task(team, "t0")
    assert team.tell().told == 1
    task(team, "t1")
    assert team.tell(NOW + MINUTE).told == 0, "it gathers"
    with team.store.write() as session:
        for key in ("t0", "t1"):
            tasks.give_task(session, key, session.get_one(Staff, "dana"), "Omar Haddad", NOW + MINUTE)
    assert team.tell(NOW + GAP).told == 2
    assert [one.recipient.name for one in team.slack.taken] == ["Omar Haddad", "Dana Reyes", "Dana Reyes"]
    assert [row.reason for row in team.rows() if row.state == "skipped"] == [
        "somebody else has the task by now"
    ]


def test_alerts_and_tasks_share_a_message_where_there_are_many(team: Team) -> None:
    team.on("slack")
    team.alert("o1")
    for number in range(APART):
        task(team, f"t{number}")
    assert team.tell().told == 1
    (slack,) = team.slack.taken
    assert slack.text.startswith(f"*{APART + 1} alerts and tasks*")
    assert slack.text.count("(task)") == APART
    assert slack.actions == ("take", "open")


def test_a_single_alert_offers_what_its_playbook_can(team: Team) -> None:
    team.on("slack")
    alert = team.alert("o1")
    team.world.score("o1", 12, NOW)
    team.world.intervention("run", "o1")
    team.world.change(Alert, alert, intervention_id="run", decision="started")
    team.tell()
    (slack,) = team.slack.taken
    assert (slack.intervention, slack.actions) == ("run", ("take", "pause", "respond", "open"))


def test_many_alerts_are_taken_together_only_where_all_are_shown(team: Team) -> None:
    team.on("slack")
    for number in range(APART + 1):
        team.alert(f"d{number:02}")
    team.tell()
    for number in range(SHOWN + 1):
        team.alert(f"d{number:02}", at=NOW + HOUR)
    team.tell(NOW + HOUR)
    assert [one.actions for one in team.slack.taken] == [("take_all",), ()]


def test_whom_slack_refuses_gets_an_email_and_the_lead_one_task(team: Team) -> None:
    team.on("slack")
    team.alert("o1")
    task(team)
    team.slack.fails = refused(2)
    assert team.tell() == AlertsTold(failed=2)
    assert team.tell(NOW + MINUTE).told == 2
    alert, work = sorted(team.mail.taken, key=lambda one: one.subject)
    assert {one.recipient.address for one in (alert, work)} == {"omar@brightdesk.example"}
    for mail in (alert, work):
        assert mail.text.endswith(f"This comes by email because Slack did not take it: {REVOKED}")
        assert mail.html == ""
    assert "keepwell tasks show" in work.text
    with team.store.read() as session:
        (mend,) = session.exec(select(Task).where(Task.id != "t1")).all()
    assert (mend.owner_id, mend.customer_id) == ("lena", "o1")
    assert "token_revoked" in mend.detail
    assert [line.text for line in team.told("alert.not_told")] == [
        "the score of o1 fell: slack to Omar Haddad failed"
    ]
    for later in (HOUR, DAY):
        team.tell(NOW + later)
    assert len(team.mail.taken) == 2


def test_a_channel_that_is_gone_falls_back_to_the_owners_email(team: Team) -> None:
    team.on("slack", to="#gone")
    team.alert("o1")
    team.slack.fails = refused()
    team.tell()
    team.tell(NOW + MINUTE)
    assert [one.recipient.address for one in team.mail.taken] == ["omar@brightdesk.example"]


def test_who_is_told_by_email_anyway_is_told_once(team: Team) -> None:
    team.on("slack")
    team.on("email")
    team.alert("o1")
    team.slack.fails = refused()
    for later in (0, 1, 2):
        team.tell(NOW + later * MINUTE)
    assert len(team.mail.taken) == 1
    assert "did not take it" not in team.mail.taken[0].text


def test_a_lost_answer_is_no_reason_for_an_email(team: Team) -> None:
    team.on("slack")
    team.alert("o1")
    team.slack.fails, team.slack.can_say = [SendUnknownError("lost")], False
    for later in (0, 1, 2):
        team.tell(NOW + later * MINUTE)
    assert team.states() == ["unknown"]
    assert team.mail.taken == []


def test_what_admins_are_told_falls_back_too(team: Team) -> None:
    team.on("slack", to="#ops")
    with team.store.write() as session:
        tell_admins(session, team.world.organisation, "webhook/x", "Webhook x is stopped", NOW)
    team.slack.fails = refused()
    team.tell()
    team.tell(NOW + MINUTE)
    assert [one.recipient.address for one in team.mail.taken] == ["lena@brightdesk.example"]


def test_who_switches_slack_off_meanwhile_gets_no_email_either(team: Team) -> None:
    team.on("slack")
    team.alert("o1")
    team.slack.fails = refused()
    team.tell()
    team.switch("slack", False)
    team.tell(NOW + timedelta(minutes=1))
    assert team.mail.taken == []
    assert team.states() == ["failed", "skipped"]
