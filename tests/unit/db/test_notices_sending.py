"""Sending notices: nothing twice when an answer is lost, and a refusal rests or is for good."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from activities.notices import NoticeActivities
from keepwell.adapters.notice_renderer import StoreNoticeRenderer
from keepwell.contracts.alerts import AlertsTold, MonitorCall
from keepwell.contracts.notices import NoticeBatch
from keepwell.contracts.playbook import Channel
from keepwell.db.engine import Store
from keepwell.db.repositories.notices import TRIES, NoticeRepository
from keepwell.errors import SendRefusedError, SendUnknownError
from tests.unit.db.notices_world import HOUR, MINUTE, Team
from tests.unit.db.world import DAY, NOW


@pytest.fixture
def team(store: Store) -> Team:
    return Team(store)


def test_a_lost_answer_is_asked_for_and_nothing_goes_twice(team: Team) -> None:
    team.on("email")
    for number in range(5):
        team.alert(f"d{number:02}")
    team.mail.loses_answer = True
    assert team.tell() == AlertsTold(told=0, failed=1)
    assert team.states() == ["sending"] * 5
    team.mail.loses_answer = False
    team.tell(NOW + MINUTE)
    assert team.states() == ["accepted"] * 5
    assert len(team.mail.taken) == 1
    assert len(set(team.mail.asked)) == 1, "asked for the one message, not for each alert"


def test_what_broke_off_before_the_provider_had_it_goes_again(team: Team) -> None:
    team.on("email")
    team.alert("d01")
    team.mail.fails = [SendUnknownError("the connection broke")]
    team.tell()
    assert team.states() == ["sending"]
    assert team.tell(NOW + MINUTE).told == 1
    assert len(team.mail.taken) == 1
    assert team.rows()[0].attempts == 2


def test_where_the_provider_cannot_say_nothing_goes_again(team: Team) -> None:
    team.on("email")
    team.alert("d01")
    team.mail.loses_answer, team.mail.can_say = True, False
    team.tell()
    for later in (MINUTE, HOUR, DAY):
        assert team.tell(NOW + later) == AlertsTold()
    assert team.states() == ["unknown"]
    assert len(team.mail.taken) == 1
    (line,) = team.told("alert.not_told")
    assert (line.text, line.why) == (
        "the score of d01 fell: email to Dana Reyes may or may not have been sent",
        "it keeps no list",
    )


def test_an_attempt_under_way_is_left_alone(store: Store) -> None:
    team = Team(store, leases_end=False)
    team.on("email")
    team.alert("d01")
    team.mail.loses_answer = True
    team.tell()
    team.tell(NOW + MINUTE)
    assert team.states() == ["sending"]
    assert not team.mail.asked


def test_two_passes_at_once_send_one_message(team: Team) -> None:
    team.on("email")
    team.alert("d01")
    call = MonitorCall(organisation=team.world.organisation, as_of=NOW)
    team.notices.plan(call)
    (one,), (other,) = team.notices.batches(call), team.notices.batches(call)
    until = datetime.now(UTC) + MINUTE
    assert team.notices.begin(one, "a", until)
    assert not team.notices.begin(other, "b", until)
    (row,) = team.rows()
    assert (row.lease, row.message, row.attempts) == ("a", one.message, 1)


def test_a_refusal_for_now_rests_and_one_for_good_has_failed(team: Team) -> None:
    team.on("email")
    team.alert("d01")
    team.alert("o1")
    team.mail.fails = [SendRefusedError("busy", retryable=True, retry_after=5 * MINUTE)]
    assert team.tell() == AlertsTold(told=0, failed=1), "the second would wait for the same provider"
    assert sorted(row.deferred_until is None for row in team.rows()) == [False, True]
    assert team.tell(NOW + MINUTE).told == 1
    assert team.tell(NOW + 5 * MINUTE).told == 1
    team.alert("d02", at=NOW + HOUR)
    team.mail.fails = [SendRefusedError("no such address", retryable=False)]
    team.tell(NOW + HOUR)
    assert team.states() == ["accepted", "accepted", "failed"]
    assert [line.why for line in team.told("alert.not_told")] == ["no such address"]
    assert team.tell(NOW + DAY) == AlertsTold()


def test_a_provider_that_is_down_for_a_day_is_given_up(team: Team) -> None:
    team.on("email")
    team.alert("d01")
    at, tries = NOW, 0
    while "failed" not in team.states() and tries < 2 * TRIES:
        team.mail.fails = [SendRefusedError("down", retryable=True)]
        team.tell(at)
        tries += 1
        (row,) = team.rows()
        at = row.deferred_until or at
    assert tries == TRIES
    assert 22 * HOUR < at - NOW < 26 * HOUR
    assert team.states() == ["failed"]


def test_an_attempt_held_up_for_half_its_lease_sends_nothing(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that sleeps between the row and the request: the next pass asks everything anew."""
    team.on("email")
    team.alert("d01")
    honest, patient = NoticeRepository.begin, team.activity

    def begin_and_sleep(self: NoticeRepository, batch: NoticeBatch, lease: str, until: datetime) -> bool:
        began = honest(self, batch, lease, until)
        time.sleep(0.6)
        return began

    monkeypatch.setattr(NoticeRepository, "begin", begin_and_sleep)
    team.activity = NoticeActivities(
        team.notices, StoreNoticeRenderer(team.store), {Channel.EMAIL: team.mail}, timedelta(seconds=1)
    )
    assert team.tell() == AlertsTold(told=0, failed=1)
    assert (team.states(), team.mail.taken) == (["planned"], [])
    monkeypatch.setattr(NoticeRepository, "begin", honest)
    # The next pass has the usual lease: half a second is soon over on a busy machine.
    team.activity = patient
    assert team.tell(NOW + MINUTE).told == 1
    assert len(team.mail.taken) == 1
