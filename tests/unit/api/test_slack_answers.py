"""After a click in Slack: who it was, what came of it, and a message that shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from keepwell.adapters.slack_desk import check_response_url
from keepwell.api.door import Door
from keepwell.api.slack import desk as slack_desk
from keepwell.api.slack_answers import SlackAnswers
from keepwell.db.repositories import journal, pending
from keepwell.db.repositories.pending import PendingRepository
from keepwell.db.tables import Intervention, Organisation, Staff
from keepwell.errors import RefusedError
from tests.fakes.blocks import wrong_blocks
from tests.fakes.slack import FakeSlack
from tests.unit.api.slack_world import Desk, make_desk

SECOND = timedelta(seconds=1)


@pytest.fixture
def desk(door: Door) -> Iterator[Desk]:
    with FakeSlack() as fake:
        yield make_desk(door, fake)


def answers(desk: Desk) -> SlackAnswers:
    return SlackAnswers(desk.store, slack_desk(desk.door))


def now() -> datetime:
    return datetime.now(UTC) + SECOND


def told(desk: Desk, text: str = "Acknowledged", **changes: Any) -> None:
    """What the teller and the run do: the command is told, the run writes what it did."""
    with desk.store.write() as session:
        for row in pending.due(session, now()):
            pending.settle(session, row.id, "told", "", now())
            line(session, row.by, row.command["id"], f"command.{row.command['kind']}", text)
    if changes:
        desk.world.change(Intervention, "one", **changes)


def line(session: Session, by: str, command: str, kind: str, text: str, why: str = "") -> None:
    journal.write(
        session,
        key=f"one/{command}",
        organisation="org-1",
        customer="acme",
        intervention="one",
        kind=kind,
        by=by,
        text=text,
        why=why,
        at=datetime.now(UTC),
    )


def shown(desk: Desk) -> tuple[list[str], list[str]]:
    """The small print of the newest version of the message, and its buttons."""
    blocks = desk.fake.updates[-1]["blocks"]
    blocks = json.loads(blocks) if isinstance(blocks, str) else blocks
    assert wrong_blocks(blocks) == []
    done = [
        one["text"]
        for block in blocks
        if block.get("block_id") == "keepwell_done"
        for one in block["elements"]
    ]
    buttons = [
        one["action_id"] for block in blocks if block["type"] == "actions" for one in block["elements"]
    ]
    return done, buttons


def test_the_message_shows_who_did_what_and_when(desk: Desk) -> None:
    desk.click(desk.post())
    work = answers(desk)
    work.step(now())
    told(desk, acknowledged_by="Dana Reyes", acknowledged_at=datetime.now(UTC))
    work.step(now() + 2 * SECOND)
    [done], buttons = shown(desk)
    assert done.startswith("*Dana Reyes*: Acknowledged (<!date^")
    assert buttons == ["keepwell.pause", "keepwell.respond"]
    [row] = desk.kept()
    assert (row.by, row.command["by"], row.state, row.answer_at) == ("Dana Reyes", "Dana Reyes", "told", None)
    assert "blocks" not in row.back, "the customer's figures are not kept twice"
    assert work.step(now() + timedelta(hours=1)) == 0
    assert len(desk.fake.updates) == 1


def test_a_member_is_known_by_the_email_of_their_profile(desk: Desk) -> None:
    desk.click(desk.post(), user="U0LENA")
    answers(desk).step(now())
    assert [(row.by, row.state) for row in desk.kept()] == [("Lena Brandt", "waiting")]
    assert [one.signal for one in PendingRepository(desk.store).due(now())] == ["acknowledge"]


OUTSIDE: list[dict[str, Any]] = [{"is_stranger": True}, {"deleted": True}, {"is_bot": True}, {"profile": {}}]


@pytest.mark.parametrize("outside", OUTSIDE, ids=str)
def test_a_stranger_is_turned_away(outside: dict[str, Any], desk: Desk) -> None:
    desk.fake.outsiders["U0LENA"] = outside
    desk.click(desk.post(), user="U0LENA")
    work = answers(desk)
    work.step(now())
    [row] = desk.kept()
    assert row.state == "refused"
    assert PendingRepository(desk.store).due(now()) == ()
    assert "does not know you" in desk.fake.whispers[0]["text"]
    assert work.step(now() + timedelta(hours=1)) == 0
    assert desk.fake.updates == []


def test_another_workspace_has_the_same_ids(desk: Desk) -> None:
    payload = desk.fake.clicked(desk.post(), "U0DANA", "keepwell.acknowledge")
    payload["user"]["team_id"] = payload["team"]["id"] = "T0OTHER"
    desk.send(payload)
    answers(desk).step(now())
    assert [row.state for row in desk.kept()] == ["refused"]


def test_who_has_left_the_staff_may_not(desk: Desk) -> None:
    desk.world.change(Staff, "dana", active=False)
    desk.click(desk.post())
    answers(desk).step(now())
    assert [row.state for row in desk.kept()] == ["refused"]


def test_staff_of_another_organisation_may_not(desk: Desk) -> None:
    """The id of an intervention does not open it: one has to be of its organisation."""
    desk.world.change(Staff, "dana", organisation_id=other(desk))
    desk.click(desk.post())
    answers(desk).step(now())
    assert [row.state for row in desk.kept()] == ["refused"]


def other(desk: Desk) -> str:

    desk.world.add(Organisation(id="org-2", key="other", name="Other Ltd", created_at=datetime.now(UTC)))
    return "org-2"


def test_an_id_that_two_have_is_nobodys(desk: Desk) -> None:
    desk.world.staff("omar", slack="U0DANA")
    desk.fake.members.clear()
    desk.click(desk.post())
    answers(desk).step(now())
    assert [row.state for row in desk.kept()] == ["refused"]


def test_while_slack_does_not_answer_nothing_is_lost(desk: Desk) -> None:
    desk.click(desk.post())
    desk.fake.script(path="auth.test", status=503)
    work = answers(desk)
    work.step(now())
    assert [row.state for row in desk.kept()] == ["asking"]
    desk.fake.reset()
    work.step(now() + timedelta(seconds=31))
    assert [row.state for row in desk.kept()] == ["waiting"]


def test_a_token_that_was_revoked_turns_the_click_away_in_words(desk: Desk) -> None:
    desk.click(desk.post())
    desk.fake.revoked = True
    answers(desk).step(now())
    [row] = desk.kept()
    assert row.state == "refused"
    assert "token_revoked" in row.why
    assert "Nothing was done" in desk.fake.whispers[0]["text"]


def test_a_change_that_slack_does_not_take_is_made_again(desk: Desk) -> None:
    desk.click(desk.post())
    work = answers(desk)
    work.step(now())
    told(desk)
    desk.fake.script(path="chat.update", status=503, times=2)
    at = now() + 2 * SECOND
    for minutes in (0, 2, 6):
        work.step(at + timedelta(minutes=minutes))
    assert len(desk.fake.updates) == 1
    assert [row.answer_at for row in desk.kept()] == [None]


def test_a_message_that_is_gone_is_let_be(desk: Desk) -> None:
    payload = desk.fake.clicked(desk.post(), "U0DANA", "keepwell.acknowledge")
    payload["container"]["message_ts"] = "1.000100"
    desk.send(payload)
    work = answers(desk)
    work.step(now())
    told(desk)
    work.step(now() + 2 * SECOND)
    [row] = desk.kept()
    assert (row.state, row.answer_at) == ("told", None)


def test_clicks_of_two_are_both_shown(desk: Desk) -> None:
    taken = desk.post()
    desk.click(taken)
    desk.click(taken, "keepwell.pause", user="U0LENA", at="1795340009.000100")
    work = answers(desk)
    work.step(now())
    told(desk, "Done", acknowledged_by="Dana Reyes", acknowledged_at=datetime.now(UTC), paused=True)
    work.step(now() + 2 * SECOND)
    done, buttons = shown(desk)
    assert [line.partition("*:")[0] for line in done] == ["*Dana Reyes", "*Lena Brandt"]
    assert buttons == ["keepwell.respond"]


def test_a_click_on_one_that_has_ended_says_so(desk: Desk) -> None:
    desk.click(desk.post())
    ended = {
        "outcome": "recovered",
        "outcome_why": "The level is HEALTHY again",
        "ended_at": datetime.now(UTC),
    }
    desk.world.change(Intervention, "one", **ended)
    work = answers(desk)
    work.step(now())
    store = PendingRepository(desk.store)
    [one] = store.due(now())
    store.refuse(one.key, f"Intervention one has ended ({one.ended}).", now())
    work.step(now() + 2 * SECOND)
    assert "has ended (recovered: The level is HEALTHY again)" in desk.fake.whispers[0]["text"]
    done, buttons = shown(desk)
    assert done[0].startswith("It has ended, recovered: The level is HEALTHY again")
    assert buttons == []


def test_what_is_so_already_is_shown_too(desk: Desk) -> None:
    """The run writes no line for what it knows already."""
    desk.click(desk.post())
    work = answers(desk)
    work.step(now())
    at = datetime.now(UTC)
    desk.world.change(Intervention, "one", acknowledged_by="Lena Brandt", acknowledged_at=at)
    store = PendingRepository(desk.store)
    store.settle(store.due(now())[0].key, now())
    for seconds in (2, 4, 6):
        work.step(now() + seconds * SECOND)
    [done], _ = shown(desk)
    assert done.startswith("*Lena Brandt*: has acknowledged it already")


def test_whoever_waits_long_hears_that_it_is_noted_once(desk: Desk) -> None:
    desk.click(desk.post())
    work = answers(desk)
    for seconds in (0, 2, 11, 25, 60, 200):
        work.step(now() + seconds * SECOND)
    assert [one["text"].partition(".")[0] for one in desk.fake.whispers] == ["Noted"]
    assert [row.state for row in desk.kept()] == ["waiting"]


def test_two_processes_answer_once(desk: Desk) -> None:
    desk.click(desk.post(), user="U0OMAR")
    first, second = answers(desk), answers(desk)
    at = now()
    assert (first.step(at), second.step(at)) == (1, 0)
    assert len(desk.fake.whispers) == 1


NASTY = "<!channel> & <https://evil.example|click> *b* `c` </script><script>alert(1)</script> @here"


def test_names_and_reasons_ping_nobody(desk: Desk) -> None:
    desk.world.change(Staff, "dana", name=NASTY)
    desk.click(desk.post())
    work = answers(desk)
    work.step(now())
    told(desk, NASTY)
    ended = {"outcome": "stopped", "outcome_why": NASTY, "ended_at": datetime.now(UTC)}
    desk.world.change(Intervention, "one", **ended)
    work.step(now() + 2 * SECOND)
    done, _ = shown(desk)
    for text in done:
        assert "<" not in text.replace("<!date^", "")
    assert "<!channel>" not in desk.fake.updates[0]["text"]


ELSEWHERE = [
    "http://hooks.slack.com/actions/1",
    "https://hooks.slack.com.evil.example/actions/1",
    "https://hooks.slack.com@127.0.0.1/actions",
    "https://evil.example/hooks.slack.com",
    "https://hooks.slack.com:8443/actions",
    "http://169.254.169.254/latest/meta-data",
    "https://[::1]/",
    "https://[bad",
    "file:///etc/passwd",
    "//hooks.slack.com/x",
    "",
    "https://slack.com/api/",
]


@pytest.mark.parametrize("address", ELSEWHERE)
def test_an_answer_goes_to_slack_only(address: str) -> None:
    with pytest.raises(RefusedError):
        check_response_url(address, "https://slack.com/api/")


def test_slacks_own_address_is_taken() -> None:
    check_response_url("https://hooks.slack.com/actions/T1/2/abc", "https://slack.com/api/")
    check_response_url("http://127.0.0.1:8026/actions/T1", "http://127.0.0.1:8026/api/")
    with pytest.raises(RefusedError):
        check_response_url("http://127.0.0.1:9999/actions/T1", "http://127.0.0.1:8026/api/")


def test_a_click_with_an_address_elsewhere_asks_nobody_there(desk: Desk) -> None:
    payload = desk.fake.clicked(desk.post(), "U0NOBODY", "keepwell.acknowledge")
    payload["response_url"] = "http://169.254.169.254/latest/meta-data"
    assert desk.send(payload).status_code == 200
    answers(desk).step(now())
    assert [row.state for row in desk.kept()] == ["refused"]
    assert desk.fake.whispers == []
