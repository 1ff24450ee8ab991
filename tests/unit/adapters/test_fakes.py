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
from tests.fakes.server import Act, Weather
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


def test_bad_weather_depends_on_the_message_and_the_attempt_alone() -> None:
    weather = Weather(seed=7, share=0.5, ways=(Act(status=500), Act(close="after")))
    keys = [f"org/{intervention}/critical@2/step_{n}/c/email" for intervention in "ab" for n in range(100)]
    acts = {key: [weather.act("/v3/mail/send", key, before) for before in range(3)] for key in keys}
    again = {key: [weather.act("/v3/mail/send", key, before) for before in range(3)] for key in keys[::-1]}
    assert acts == again
    assert all(acts[key] == acts[key.replace("/a/", "/b/")] for key in keys), "ids are drawn anew each time"
    wrong = sum(act != Act() for three in acts.values() for act in three)
    assert 240 <= wrong <= 360, "about half of 600"


def test_bad_weather_goes_with_a_reset(tmp_path: Path) -> None:
    with spawned("sendgrid", tmp_path / "accepted.jsonl") as fake:
        sender = SendGrid(SecretStr(SENDGRID_KEY), fake.url)
        fake.turn(Weather(seed=1, share=1, ways=(Act(status=503),)))
        with pytest.raises(SendRefusedError):
            sender.send(email())
        assert fake.counts() == {}
        assert [(path, key) for path, key, _ in fake.requests()] == [("/v3/mail/send", KEY)]
        fake.reset()
        sender.send(email())
        assert fake.counts() == {KEY: 1}
