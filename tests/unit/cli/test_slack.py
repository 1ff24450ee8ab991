"""`keepwell slack test`: to a member of staff or a Slack id, in earnest, or in words why not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from keepwell.db.tables import Organisation
from tests.fakes.slack import TOKEN, FakeSlack
from tests.unit.cli.conftest import Cli
from tests.unit.db.world import World


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSlack]:
    with FakeSlack() as fake:
        monkeypatch.setenv("KEEPWELL_SLACK_TOKEN", TOKEN)
        monkeypatch.setenv("KEEPWELL_SLACK_URL", fake.url)
        yield fake


@pytest.mark.parametrize(
    ("to", "posted"), [("Dana Staff", "U0DANA"), ("dana@brightdesk.example", "U0DANA"), ("C0TEAM", "C0TEAM")]
)
def test_a_message_is_posted(to: str, posted: str, world: World, cli: Cli, fake: FakeSlack) -> None:
    world.staff("dana")
    result = cli("slack", "test", "--to", to)
    assert result.code == 0
    assert "Slack took the message for" in result.out
    [taken] = fake.accepted
    assert taken.content["channel"] == posted
    assert "actions" not in {block["type"] for block in taken.content["blocks"]}


def test_what_slack_says_no_to_is_said(world: World, cli: Cli, fake: FakeSlack) -> None:
    world.staff("dana")
    fake.revoked = True
    result = cli("slack", "test", "--to", "dana")
    assert result.code != 0
    assert "token_revoked" in result.err
    assert "Set KEEPWELL_SLACK_TOKEN" in result.err


def test_a_demo_writes_to_nobody(world: World, cli: Cli, fake: FakeSlack) -> None:
    world.staff("dana")
    world.change(Organisation, world.organisation, demo=True)
    assert cli("slack", "test", "--to", "dana").code == 2
    assert fake.accepted == []


def test_without_a_token_it_says_so(world: World, cli: Cli) -> None:
    world.staff("dana")
    result = cli("slack", "test", "--to", "dana")
    assert result.code == 7
    assert "KEEPWELL_SLACK_TOKEN is not set" in result.err


def test_nobody_of_that_name(world: World, cli: Cli, fake: FakeSlack) -> None:
    world.staff("dana")
    assert cli("slack", "test", "--to", "nobody").code == 3
    assert fake.accepted == []
