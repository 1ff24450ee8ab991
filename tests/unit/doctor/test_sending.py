"""The providers' answers to our keys, from a server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from keepwell.doctor.findings import Note
from keepwell.doctor.sending import links, sending
from tests.unit.doctor.conftest import MakeScene

KEY, TOKEN = "SG.a-key-of-ours", "xoxb-a-token-of-ours"


@dataclass
class Provider:
    """Answers everything with the same, and keeps what it was asked."""

    url: str = ""
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A server on a free port."""
    state = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append((self.command, self.path, self.headers["Authorization"]))
            data = state.body if isinstance(state.body, bytes) else json.dumps(state.body).encode()
            self.send_response(state.status)
            for name, value in {"Content-Length": str(len(data)), **state.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield state
    server.shutdown()
    server.server_close()


def test_the_outbox_asks_nobody(make_scene: MakeScene) -> None:
    found = sending(make_scene(sendgrid_api_key=KEY, sendgrid_url="http://127.0.0.1:1"))
    assert found == [Note("ok", "outbox: email and Slack messages are kept, not sent")]


def test_live_without_keys(make_scene: MakeScene) -> None:
    assert sending(make_scene(sending="live")) == [
        Note("ok", "live: messages are sent"),
        Note(
            "problem",
            "no SendGrid API key is set: no email can be sent",
            "Set KEEPWELL_SENDGRID_API_KEY, or go back to KEEPWELL_SENDING=outbox.",
            "ops",
        ),
        Note(
            "warning",
            "no Slack token is set: no Slack message can be sent",
            "Set KEEPWELL_SLACK_TOKEN if your playbooks write to Slack.",
            "ops",
        ),
        Note(
            "warning",
            "no verification key for SendGrid's events is set: nobody hears of bounces and complaints",
            "Set up the event webhook, and set KEEPWELL_SENDGRID_WEBHOOK_KEY.",
            "ops",
        ),
    ]


def trouble(found: str, todo: str) -> Note:
    return Note("problem", found, todo, "ops")


def email(make_scene: MakeScene, provider: Provider, **settings: Any) -> Note:
    given = {"sending": "live", "sendgrid_api_key": KEY, "sendgrid_url": provider.url, **settings}
    return sending(make_scene(**given))[1]


NEW_KEY = "Set KEEPWELL_SENDGRID_API_KEY to a key with the right Mail Send."


def test_sendgrid(make_scene: MakeScene, provider: Provider) -> None:
    well = Note("ok", "SendGrid accepts the API key, and it may send mail")
    provider.body = {"scopes": ["mail.send", "alerts.read"]}
    assert email(make_scene, provider) == well
    assert provider.asked == [("GET", "/v3/scopes", f"Bearer {KEY}")]
    assert email(make_scene, provider, sendgrid_activity=True) == Note(
        "warning",
        "SendGrid accepts the API key, but it may not search the email activity",
        "Give the key the right Email Activity, or unset KEEPWELL_SENDGRID_ACTIVITY.",
        "ops",
    )
    provider.body = {"scopes": ["mail.send", "email_activity.read"]}
    assert email(make_scene, provider, sendgrid_activity=True) == well
    provider.body = {"scopes": ["alerts.read"]}
    assert email(make_scene, provider) == trouble(
        "SendGrid accepts the API key, but it may not send mail", NEW_KEY
    )


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_sendgrid_refuses(status: int, make_scene: MakeScene, provider: Provider) -> None:
    provider.status, provider.body = status, {"scopes": ["mail.send"]}
    assert email(make_scene, provider) == trouble(
        f"SendGrid does not accept the API key (status {status})", NEW_KEY
    )


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (200, b"<html>", {}),
        (200, [1], {}),
        (500, {"scopes": ["mail.send"]}, {}),
        (302, b"", {"Location": "http://127.0.0.1:1/elsewhere"}),
    ],
)
def test_an_answer_that_is_not_sendgrids(
    status: int, body: Any, headers: dict[str, str], make_scene: MakeScene, provider: Provider
) -> None:
    provider.status, provider.body, provider.headers = status, body, headers
    assert email(make_scene, provider) == trouble(
        f"SendGrid at {provider.url} gave an answer that is not its own (status {status})",
        "Check KEEPWELL_SENDGRID_URL, proxies and the provider's status page.",
    )


def test_a_sendgrid_that_is_down(make_scene: MakeScene, provider: Provider) -> None:
    down = email(make_scene, provider, sendgrid_url="http://127.0.0.1:1")
    assert down.found.startswith("SendGrid at http://127.0.0.1:1 does not answer: ")
    assert down == trouble(
        down.found, "Check the network and the provider's status page; messages wait meanwhile."
    )


def slack(make_scene: MakeScene, provider: Provider) -> Note:
    found = sending(make_scene(sending="live", slack_token=TOKEN, slack_url=f"{provider.url}/api/"))
    return found[2]


def test_slack(make_scene: MakeScene, provider: Provider) -> None:
    provider.body = {"ok": True, "user": "keepwell", "team": "Brightdesk"}
    provider.headers = {"X-OAuth-Scopes": "chat:write,im:write,users:read,users:read.email"}
    assert slack(make_scene, provider) == Note("ok", "Slack accepts the token: keepwell in Brightdesk")
    assert provider.asked == [("POST", "/api/auth.test", f"Bearer {TOKEN}")]
    provider.body = {"ok": False, "error": "invalid_auth"}
    assert slack(make_scene, provider) == trouble(
        "Slack does not accept the token (invalid_auth)",
        "Set KEEPWELL_SLACK_TOKEN to a bot token of an app that is installed in the workspace.",
    )


@pytest.mark.parametrize(
    ("scopes", "lacks"),
    [
        ("chat:write,users:read", "im:write, users:read.email"),
        ("im:write, users:read, users:read.email", "chat:write"),
        ("chat:write,users:read,users:read.email", "im:write"),
        ("chat:write, im:write", "users:read, users:read.email"),
        ("chat:write.public,im:write,users:read,users:read.email", "chat:write"),
    ],
)
def test_what_a_slack_app_lacks(scopes: str, lacks: str, make_scene: MakeScene, provider: Provider) -> None:
    provider.body = {"ok": True, "user": "keepwell", "team": "Brightdesk"}
    provider.headers = {"X-OAuth-Scopes": scopes}
    assert slack(make_scene, provider) == trouble(
        f"the Slack app lacks the scopes {lacks}", "Give them to the app, and install it again."
    )


@pytest.mark.parametrize(("status", "body"), [(200, [1]), (200, b"<html>"), (500, {"ok": True})])
def test_an_answer_that_is_not_slacks(
    status: int, body: Any, make_scene: MakeScene, provider: Provider
) -> None:
    provider.status, provider.body = status, body
    assert slack(make_scene, provider) == trouble(
        f"Slack at {provider.url}/api/ gave an answer that is not its own (status {status})",
        "Check KEEPWELL_SLACK_URL, proxies and the provider's status page.",
    )


@pytest.mark.parametrize(
    ("mode", "url", "kind"),
    [
        ("live", "https://care.example", "ok"),
        ("live", "http://care.example", "warning"),
        ("outbox", "http://127.0.0.1:8800", "ok"),
    ],
)
def test_links_lead_to_us_by_https(make_scene: MakeScene, mode: str, url: str, kind: str) -> None:
    (note,) = links(make_scene(sending=mode, public_url=url))
    assert note.kind == kind
    assert url in note.found
