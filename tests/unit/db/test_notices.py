"""Notices of alerts: each alert once by each channel, once more when it grows, and never a flood."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlmodel import select

from activities.notices import NoticeActivities
from keepwell.adapters.notice_renderer import StoreNoticeRenderer
from keepwell.adapters.outbox import Outbox
from keepwell.contracts.alerts import AlertsTold, MonitorCall
from keepwell.contracts.playbook import Channel
from keepwell.db.engine import Store
from keepwell.db.repositories import switches
from keepwell.db.repositories.alert_channels import ChannelName
from keepwell.db.repositories.alerts import acknowledge_alert, escalate_alert
from keepwell.db.repositories.notices import APART, GAP
from keepwell.db.repositories.notices_message import SHOWN
from keepwell.db.repositories.notices_plan import NEWS, NOBODY, something_to_tell, tell_admins
from keepwell.db.tables import Absence, Alert, Organisation, OutboxMessage, Staff
from keepwell.errors import InputError
from scoring.signal import Severity
from tests.databases import statements
from tests.unit.db.notices_world import HOUR, MINUTE, Team, finding
from tests.unit.db.world import DAY, NOW


@pytest.fixture
def team(store: Store) -> Team:
    return Team(store)


def test_an_alert_is_told_once_by_each_channel(team: Team) -> None:
    team.on("email")
    team.on("slack", to="#alerts")
    alert = team.alert("o1")
    assert team.looks()
    assert team.tell() == AlertsTold(told=2, failed=0)
    (mail,), (slack,) = team.mail.taken, team.slack.taken
    assert (mail.recipient.address, mail.recipient.name) == ("omar@brightdesk.example", "Omar Haddad")
    assert mail.sender_address == "hello@brightdesk.example"
    assert mail.subject == "O1, critical: the score of o1 fell"
    assert "Hello Omar," in mail.text
    assert f"keepwell alert acknowledge {alert}" not in mail.text
    assert f"keepwell alert acknowledge {alert[-8:]}" in mail.text
    assert f"keepwell alert show {alert[-8:]}" in mail.text
    assert alert[-8:] in mail.html
    assert slack.recipient.address == "#alerts"
    assert f"keepwell alert acknowledge {alert}" in slack.text
    assert mail.key.startswith(f"{team.world.organisation}/notice/")
    for later in (MINUTE, HOUR, 30 * DAY):
        assert not team.looks(NOW + later)
        assert team.tell(NOW + later) == AlertsTold()
    lines = team.told()
    assert len(lines) == 2
    assert lines[0].text == "the score of o1 fell: email to Omar Haddad"
    assert lines[0].data["alert"] == alert


def test_a_channel_that_is_off_tells_nothing_and_one_that_is_switched_on_nothing_old(team: Team) -> None:
    team.alert("d01")
    assert not team.looks()
    assert team.tell() == AlertsTold()
    team.on("email", at=NOW + HOUR)
    assert team.tell(NOW + HOUR) == AlertsTold()
    team.alert("d02", at=NOW + 2 * HOUR)
    assert team.tell(NOW + 2 * HOUR).told == 1
    team.switch("email", False, at=NOW + 3 * HOUR)
    team.alert("d03", at=NOW + 4 * HOUR)
    assert team.tell(NOW + 4 * HOUR) == AlertsTold()
    team.on("email", at=NOW + 5 * HOUR)
    assert team.tell(NOW + 5 * HOUR) == AlertsTold(), "what was raised while it was off stays untold"


def test_each_channel_has_its_own_threshold(team: Team) -> None:
    team.on("email", Severity.CRITICAL)
    team.on("slack", Severity.WARNING)
    for customer, severity in (("d01", Severity.INFO), ("d02", Severity.WARNING), ("d03", Severity.CRITICAL)):
        team.alert(customer, severity)
    team.tell()
    assert [one.subject for one in team.mail.taken] == ["D03, critical: the score of d03 fell"]
    assert len(team.slack.taken) == 2


def test_one_that_grows_graver_is_told_again(team: Team) -> None:
    team.on("email")
    alert = team.alert("d01", Severity.WARNING)
    team.tell()
    with team.store.write() as session:
        row = session.get_one(Alert, alert)
        escalate_alert(session, row, finding(Severity.CRITICAL), NOW + MINUTE)
    assert team.tell(NOW + MINUTE).told == 1
    with team.store.write() as session:
        row = session.get_one(Alert, alert)
        escalate_alert(session, row, finding(Severity.CRITICAL), NOW + HOUR)
    assert team.tell(NOW + HOUR).told == 0, "as grave as before"
    assert [one.subject.partition(":")[0] for one in team.mail.taken] == ["D01, warning", "D01, critical"]


def test_a_burst_for_one_person_is_one_message(team: Team) -> None:
    team.on("email")
    for number in range(APART + SHOWN + 4):
        team.alert(f"d{number:02}", Severity.CRITICAL if number == 7 else Severity.WARNING)
    team.alert("o1", Severity.WARNING)
    assert team.tell().told == 2
    digest = next(one for one in team.mail.taken if one.recipient.id == "dana")
    assert digest.subject == "27 alerts, the gravest: D07"
    assert digest.text.count("keepwell alert show") == SHOWN
    assert "And 7 more" in digest.text
    assert team.states() == ["accepted"] * 28
    assert len({row.message for row in team.rows()}) == 2
    assert len(team.told()) == 28
    assert team.tell(NOW + MINUTE) == AlertsTold()


def test_a_few_go_one_by_one(team: Team) -> None:
    team.on("email")
    for number in range(APART):
        team.alert(f"d{number:02}")
    assert team.tell().told == APART
    assert len({one.subject for one in team.mail.taken}) == APART


def test_what_is_not_critical_gathers_for_some_minutes(team: Team) -> None:
    team.on("email")
    team.alert("d01", Severity.WARNING)
    assert team.tell().told == 1
    for number in range(2, 8):
        team.alert(f"d{number:02}", Severity.WARNING, NOW + number * MINUTE)
        assert team.tell(NOW + number * MINUTE).told == 0
    team.alert("o1", Severity.WARNING, NOW + 8 * MINUTE)
    assert team.tell(NOW + 8 * MINUTE).told == 1, "another person has had nothing yet"
    assert team.tell(NOW + GAP).told == 1
    assert team.mail.taken[-1].subject.startswith("6 alerts")
    team.alert("d09", Severity.CRITICAL, NOW + GAP + MINUTE)
    assert team.tell(NOW + GAP + MINUTE).told == 1, "what is critical does not wait"


def test_quiet_hours_hold_back_what_is_not_critical(team: Team) -> None:
    """Quiet from 20:00 to 08:00; Dana's clock shows 23:30 while Omar's shows 09:30."""
    ours = team.world
    ours.change(Organisation, ours.organisation, quiet_from="20:00", quiet_until="08:00")
    ours.change(Staff, "dana", time_zone="Pacific/Auckland")
    night = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
    team.on("email")
    team.alert("d01", Severity.WARNING, night)
    team.alert("d02", Severity.CRITICAL, night)
    team.alert("o1", Severity.WARNING, night)
    assert team.tell(night).told == 2
    assert sorted(one.subject for one in team.mail.taken) == [
        "D02, critical: the score of d02 fell",
        "O1, warning: the score of o1 fell",
    ]
    waits = next(row for row in team.rows() if row.state == "planned")
    assert waits.deferred_until == datetime(2026, 11, 21, 19, 0, tzinfo=UTC), "08:00 in Auckland"
    assert "uiet hours" in waits.reason
    assert not team.looks(night + HOUR)
    assert team.looks(night + 8 * HOUR + 30 * MINUTE)
    assert team.tell(night + 8 * HOUR + 30 * MINUTE).told == 1


def test_what_somebody_has_in_hand_by_then_is_not_told(team: Team) -> None:
    team.on("email")
    alert = team.alert("d01")
    call = MonitorCall(organisation=team.world.organisation, as_of=NOW)
    team.notices.plan(call)
    acknowledge_alert(team.store, alert, "dana", NOW)
    assert team.tell() == AlertsTold()
    (row,) = team.rows()
    assert (row.state, row.reason) == ("skipped", "the alert is acknowledged by now")


def test_a_stop_for_everything_stops_notices_too(team: Team) -> None:
    team.on("email")
    team.alert("d01")
    stop = switches.Stop(team.world.organisation)
    with team.store.write() as session:
        switches.throw(session, stop, reason="checking", by="ops", now=NOW)
    assert team.tell() == AlertsTold()
    assert team.states() == ["planned"]
    with team.store.write() as session:
        switches.lift(session, stop, reason="checked", by="ops", now=NOW + HOUR)
    assert team.tell(NOW + HOUR).told == 1


def test_who_is_away_is_stood_in_for(team: Team) -> None:
    team.on("email")
    with team.store.write() as session:
        session.add(
            Absence(
                organisation_id=team.world.organisation,
                staff_id="dana",
                from_on=date(2026, 11, 20),
                until_on=date(2026, 11, 25),
                cover_id="omar",
                entered_at=NOW,
            )
        )
    team.alert("d01")
    team.tell()
    assert team.mail.taken[0].recipient.id == "omar"


def test_without_anybody_to_tell_it_says_so(store: Store) -> None:
    team = Team(store)
    for one in ("dana", "omar", "lena"):
        team.world.change(Staff, one, active=False)
    team.on("email")
    team.on("slack")
    team.alert("d01")
    assert team.tell() == AlertsTold()
    assert [(row.state, row.reason) for row in team.rows()] == [("skipped", NOBODY)] * 2
    team.world.change(Organisation, team.world.organisation, slack_channel="#success")
    team.alert("d02")
    team.tell()
    assert team.slack.taken[0].recipient.address == "#success"


def test_slack_knows_people_by_their_id_or_email(team: Team) -> None:
    team.on("slack")
    team.alert("d01")
    team.alert("o1")
    team.tell()
    assert sorted(one.recipient.address for one in team.slack.taken) == ["U0MAR", "dana@brightdesk.example"]


def test_what_nobody_could_be_told_of_for_days_is_no_news(team: Team) -> None:
    team.on("email", at=NOW - 30 * DAY)
    team.alert("d01", at=NOW - NEWS - HOUR)
    assert team.tell() == AlertsTold()
    assert team.rows() == []


def test_admins_are_told_of_what_is_wrong_with_keepwell_once(team: Team) -> None:
    team.on("email")
    outbox = {Channel.EMAIL: Outbox(team.store), Channel.SLACK: Outbox(team.store)}
    team.activity = NoticeActivities(team.notices, StoreNoticeRenderer(team.store), outbox)
    for _ in range(2):
        with team.store.write() as session:
            tell_admins(session, team.world.organisation, "webhook/1/day", "Webhook 1 is stopped: why", NOW)
        team.tell()
    with team.store.read() as session:
        (message,) = session.exec(select(OutboxMessage)).all()
    assert (message.address, message.customer_id) == ("lena@brightdesk.example", None)
    assert message.subject == "Critical: Webhook 1 is stopped: why"


@pytest.mark.parametrize(
    ("channel", "to"),
    [("email", "nobody"), ("email", "a b@x.example"), ("email", "A <a@x.example>"), ("slack", "#a b"),
     ("webhook", "https://example.com"), ("email", "a@x.example\nBcc: b@x.example")],
)  # fmt: skip
def test_targets_that_are_none(team: Team, channel: ChannelName, to: str) -> None:
    with pytest.raises(InputError):
        team.on(channel, to=to)


def test_a_look_costs_two_statements_where_no_channel_is_on(team: Team) -> None:
    call = MonitorCall(organisation=team.world.organisation, as_of=NOW)
    with statements(team.store) as sent, team.store.read() as session:
        assert not something_to_tell(session, call)
    assert len([one for one in sent if "SELECT" in one]) == 2
