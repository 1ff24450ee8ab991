"""The fakes as processes of their own: scripted and counted from outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from keepwell.adapters.sendgrid import SendGrid
from keepwell.adapters.slack import Slack
from keepwell.errors import SendRefusedError, SendUnknownError
from tests.fakes.remote import spawned
from tests.fakes.sendgrid import KEY as SENDGRID_KEY
from tests.fakes.slack import TOKEN
from tests.unit.adapters.messages import KEY, email, slack


def test_a_fake_sendgrid_in_another_process(tmp_path: Path) -> None:
    log = tmp_path / "accepted.jsonl"
    with spawned("sendgrid", log) as fake:
        sender = SendGrid(SecretStr(SENDGRID_KEY), fake.url)
        fake.script(path="mail/send", key="executive_email", times=1, close="after")
        with pytest.raises(SendUnknownError):
            sender.send(email())
        fake.script(status=429, times=1)
        with pytest.raises(SendRefusedError):
            sender.send(email())
        sender.send(email())
        fake.script(status=500)
        fake.reset()
        sender.send(email(key="another"))
        assert fake.counts() == {KEY: 2, "another": 1}
        assert [one["content"]["subject"] for one in fake.accepted()] == ["Grüße: your plan"] * 3
    assert [json.loads(line)["key"] for line in log.read_text().splitlines()] == [KEY, KEY, "another"]


def test_a_fake_slack_in_another_process(tmp_path: Path) -> None:
    with spawned("slack", tmp_path / "accepted.jsonl") as fake:
        Slack(SecretStr(TOKEN), fake.url).send(slack("dana@brightdesk.example"))
        assert fake.counts() == {KEY: 1}
