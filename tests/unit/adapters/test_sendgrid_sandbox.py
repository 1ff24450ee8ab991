"""SendGrid's sandbox, and whether the fake one checks what the real one checks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from pydantic import SecretStr

from keepwell.adapters.sendgrid import SendGrid
from keepwell.contracts.delivery import SANDBOX, Accepted
from keepwell.errors import SendRefusedError
from tests.fakes import sendgrid as sendgrid_fake
from tests.fakes.sendgrid import KEY as VALID
from tests.fakes.sendgrid import FakeSendGrid
from tests.unit.adapters.messages import KEY, email


@pytest.fixture
def fake() -> Iterator[FakeSendGrid]:
    with FakeSendGrid() as fake:
        yield fake


def adapter(fake: FakeSendGrid, **given: Any) -> SendGrid:
    return SendGrid(SecretStr(VALID), fake.url, **given)


def test_in_the_sandbox_nothing_is_sent(fake: FakeSendGrid) -> None:
    accepted = adapter(fake, sandbox=True).send(email())
    assert accepted == Accepted(provider=SANDBOX, provider_id="")
    assert fake.counts() == {}
    assert fake.asked("/v3/mail/send", KEY) == 1
    with pytest.raises(SendRefusedError, match="The subject is required"):
        adapter(fake, sandbox=True).send(email(subject=""))


def test_a_sandbox_that_sends_is_believed(fake: FakeSendGrid) -> None:
    """A 202 with an id is an acceptance, whatever we asked for."""
    fake.script(status=202, headers={"X-Message-Id": "abc"})
    assert adapter(fake, sandbox=True).send(email()) == Accepted(provider="sendgrid", provider_id="abc")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"headers": {"Reply-To": "x@y.example"}}, "headers"),
        ({"headers": {"received": "from x"}}, "headers"),
        ({"headers": {"X-One": "a\r\nBcc: all@acme.example"}}, "headers"),
        ({"headers": {"X-Zwei": 2}}, "headers"),
        ({"categories": [str(number) for number in range(11)]}, "categories"),
        ({"categories": ["same", "same"]}, "categories"),
        ({"categories": ["c" * 256]}, "categories"),
        ({"custom_args": {"big": "x" * 10_000}}, "custom_args"),
        ({"reply_to": {"name": "nobody"}}, "reply_to"),
        ({"mail_settings": {"sandbox_mode": {"enable": "yes"}}}, "mail_settings.sandbox_mode.enable"),
    ],
    ids=str,
)
def test_the_fake_checks_what_the_real_one_checks(
    change: dict[str, Any], field: str, fake: FakeSendGrid
) -> None:
    adapter(fake).send(email())
    body = fake.accepted[0].content | change
    request = Request(
        f"{fake.url}/v3/mail/send",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {VALID}", "Content-Type": "application/json"},
    )
    with pytest.raises(HTTPError) as caught, urlopen(request):
        pass
    with caught.value as answer:
        assert answer.code == 400
        assert json.load(answer)["errors"][0]["field"] == field
    assert len(fake.accepted) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"subject": ""},
        {"text": ""},
    ],
    ids=str,
)
def test_the_fake_refuses_what_the_real_one_refuses(change: dict[str, Any], fake: FakeSendGrid) -> None:
    with pytest.raises(SendRefusedError, match="400 Bad Request") as caught:
        adapter(fake).send(email(**change))
    assert not caught.value.retryable
    assert fake.counts() == {}


def test_the_fake_refuses_a_sender_that_nobody_verified(fake: FakeSendGrid) -> None:
    fake.unverified.add("erin@brightdesk.example")
    with pytest.raises(SendRefusedError, match="does not match a verified Sender Identity") as caught:
        adapter(fake).send(email())
    assert "Sender Authentication" in caught.value.message
    assert fake.counts() == {}


def test_the_fake_refuses_what_is_too_large(fake: FakeSendGrid, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sendgrid_fake, "LARGEST", 10_000)
    with pytest.raises(SendRefusedError, match=r"413 .*larger than SendGrid takes"):
        adapter(fake).send(email(text="x" * 10_000))
    adapter(fake).send(email())
    assert fake.counts() == {KEY: 1}
