"""Buttons of a notice: from the alert that is told in Slack to who has it in hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from sqlmodel import select
from temporalio.testing import ActivityEnvironment

from activities.notices import NoticeActivities
from keepwell.adapters.notice_renderer import StoreNoticeRenderer
from keepwell.adapters.slack import Slack
from keepwell.api.door import Door
from keepwell.contracts.alerts import MonitorCall
from keepwell.contracts.playbook import Channel
from keepwell.db.repositories.alert_channels import set_channel
from keepwell.db.repositories.alerts import acknowledge_alert, close_alert, raise_alert
from keepwell.db.repositories.notices import NoticeRepository
from keepwell.db.repositories.pending import PendingRepository
from keepwell.db.tables import Alert, Customer, Event, Intervention, Staff
from scoring.signal import Severity
from tests.fakes.server import Taken
from tests.fakes.slack import TOKEN, FakeSlack
from tests.unit.api.slack_world import Desk, make_desk
from tests.unit.api.test_slack_answers import answers, now, other, shown
from tests.unit.db.notices_world import finding

SECOND = timedelta(seconds=1)


@pytest.fixture
def desk(door: Door) -> Iterator[Desk]:
    with FakeSlack() as fake:
        desk = make_desk(door, fake)
        desk.world.can_send()
        with desk.store.write() as session:
            set_channel(
                session,
                desk.world.organisation,
                "slack",
                enabled=True,
                severity=None,
                target=None,
                by="ops",
                now=datetime.now(UTC) - timedelta(hours=1),
            )
        yield desk


def tell(desk: Desk, *customers: str, intervention: str | None = None) -> tuple[list[str], Taken]:
    """Raise an alert of each customer, and tell them by the real activity and the real adapter."""
    at, found = datetime.now(UTC), []
    for customer in customers:
        with desk.store.write() as session:
            row = session.get_one(Customer, customer)
            found.append(raise_alert(session, row, finding(Severity.CRITICAL, customer), at.isoformat(), at))
        desk.world.change(Alert, found[-1], intervention_id=intervention)
    slack = Slack(SecretStr(TOKEN), desk.fake.url, buttons=True)
    activity = NoticeActivities(
        NoticeRepository(desk.store), StoreNoticeRenderer(desk.store), {Channel.SLACK: slack}
    )
    call = MonitorCall(organisation=desk.world.organisation, as_of=at)
    told = ActivityEnvironment().run(activity.tell_alerts, call)
    assert (told.told, told.failed) == (1, 0)
    return found, desk.fake.accepted[-1]


def alert(desk: Desk, key: str) -> Alert:
    with desk.store.read() as session:
        return session.get_one(Alert, key)


def test_a_button_takes_the_alert_and_its_playbook_in_hand(desk: Desk) -> None:
    [key], taken = tell(desk, "acme", intervention="one")
    assert desk.click(taken, "keepwell.take").status_code == 200
    assert alert(desk, key).state == "open", "it is not known yet who that was"
    work = answers(desk)
    work.step(now())
    row = alert(desk, key)
    assert (row.state, row.acknowledged_by) == ("acknowledged", "Dana Reyes")
    [one] = PendingRepository(desk.store).due(now())
    assert (one.signal, one.intervention, one.body["by"]) == ("acknowledge", "one", "Dana Reyes")
    work.step(now() + 2 * SECOND)
    [done], buttons = shown(desk)
    assert done.startswith("*Dana Reyes*: Acknowledged (<!date^")
    assert buttons == ["keepwell.pause", "keepwell.respond"]
    assert work.step(now() + timedelta(hours=1)) == 0
    with desk.store.read() as session:
        lines = session.exec(select(Event).where(Event.kind == "alert.acknowledged")).all()
    assert [line.by for line in lines] == ["Dana Reyes"]


def test_pressed_again_and_by_another_it_stays_with_the_first(desk: Desk) -> None:
    [key], taken = tell(desk, "acme", intervention="one")
    desk.click(taken, "keepwell.take")
    desk.click(taken, "keepwell.take")
    desk.click(taken, "keepwell.take", at="1795340001.000100")
    desk.click(taken, "keepwell.take", user="U0LENA", at="1795340002.000100")
    work = answers(desk)
    work.step(now())
    work.step(now() + 2 * SECOND)
    assert alert(desk, key).acknowledged_by == "Dana Reyes"
    assert [one.signal for one in PendingRepository(desk.store).due(now())] == ["acknowledge"]
    done, _ = shown(desk)
    assert {line.partition(" (")[0] for line in done} == {
        "*Dana Reyes*: Acknowledged",
        "*Dana Reyes*: has acknowledged it already",
    }


def test_an_alert_without_a_playbook_is_taken_alone(desk: Desk) -> None:
    [key], taken = tell(desk, "acme")
    desk.click(taken, "keepwell.take")
    work = answers(desk)
    work.step(now())
    work.step(now() + 2 * SECOND)
    assert alert(desk, key).state == "acknowledged"
    assert PendingRepository(desk.store).due(now()) == ()
    assert shown(desk)[1] == []


def test_many_are_taken_with_one_button(desk: Desk) -> None:
    names = [desk.world.customer(f"c{number}", owner_id="dana") for number in range(4)]
    keys, taken = tell(desk, *names)
    acknowledge_alert(desk.store, keys[0], "Omar Haddad", datetime.now(UTC))
    desk.click(taken, "keepwell.take_all")
    work = answers(desk)
    work.step(now())
    work.step(now() + 2 * SECOND)
    assert [alert(desk, key).acknowledged_by for key in keys] == ["Omar Haddad"] + ["Dana Reyes"] * 3
    done, buttons = shown(desk)
    assert done[0].startswith("*Dana Reyes*: Acknowledged 3 alerts")
    assert buttons == []


def test_one_whose_cause_is_gone_says_so(desk: Desk) -> None:
    [key], taken = tell(desk, "acme")
    with desk.store.write() as session:
        close_alert(session, session.get_one(Alert, key), "The score is 80 again", datetime.now(UTC))
    desk.click(taken, "keepwell.take")
    work = answers(desk)
    work.step(now())
    work.step(now() + 2 * SECOND)
    assert desk.fake.whispers[0]["text"] == "There is nothing left to take in hand: The score is 80 again"
    done, buttons = shown(desk)
    assert done[0].startswith("Over: The score is 80 again")
    assert buttons == []
    assert alert(desk, key).state == "closed"


def test_strangers_and_staff_of_others_take_nothing(desk: Desk) -> None:
    [key], taken = tell(desk, "acme")
    desk.click(taken, "keepwell.take", user="U0NOBODY")
    answers(desk).step(now())
    desk.world.change(Staff, "dana", organisation_id=other(desk))
    desk.click(taken, "keepwell.take", at="1795340003.000100")
    answers(desk).step(now())
    assert [row.state for row in desk.kept()] == ["refused", "refused"]
    assert alert(desk, key).state == "open"


@pytest.mark.parametrize("value", ["", "org-1/notice/none", "' OR 1=1 --"])
def test_a_message_that_told_nothing_is_not_known(value: str, desk: Desk) -> None:
    _, taken = tell(desk, "acme")
    payload = desk.fake.clicked(taken, "U0DANA", "keepwell.take")
    payload["actions"][0]["value"] = value
    assert desk.send(payload).status_code == 200
    assert desk.kept() == []


def test_the_playbooks_own_buttons_beside_it(desk: Desk) -> None:
    [key], taken = tell(desk, "acme", intervention="one")
    desk.click(taken, "keepwell.pause")
    answers(desk).step(now())
    [one] = PendingRepository(desk.store).due(now())
    assert (one.signal, one.intervention) == ("pause", "one")
    desk.world.change(
        Intervention, "one", outcome="recovered", outcome_why="fine", ended_at=datetime.now(UTC)
    )
    PendingRepository(desk.store).refuse(one.key, "It has ended.", now())
    answers(desk).step(now() + 2 * SECOND)
    done, buttons = shown(desk)
    assert done[0].startswith("It has ended, recovered: fine")
    assert buttons == ["keepwell.take"], "the alert itself is still open"
    assert alert(desk, key).state == "open"
