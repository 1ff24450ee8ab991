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
from keepwell.doctor.sending import sending
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
    assert [one.kind for one in found] == ["ok"]


def test_live_without_keys(make_scene: MakeScene) -> None:
    assert [one.kind for one in sending(make_scene(sending="live"))] == ["ok", "problem", "warning"]


def email(make_scene: MakeScene, provider: Provider, **settings: Any) -> Note:
    given = {"sending": "live", "sendgrid_api_key": KEY, "sendgrid_url": provider.url, **settings}
    return sending(make_scene(**given))[1]


def test_sendgrid(make_scene: MakeScene, provider: Provider) -> None:
    provider.body = {"scopes": ["mail.send", "alerts.read"]}
    assert email(make_scene, provider).kind == "ok"
    assert provider.asked == [("GET", "/v3/scopes", f"Bearer {KEY}")]
    assert "may not search" in email(make_scene, provider, sendgrid_activity=True).found
    provider.body = {"scopes": ["alerts.read"]}
    assert "may not send mail" in email(make_scene, provider).found
    provider.status = 401
    assert email(make_scene, provider).found == "SendGrid does not accept the API key (status 401)"
    provider.status, provider.body = 200, b"<html>"
    assert "not its own (status 200)" in email(make_scene, provider).found
    provider.status, provider.headers = 302, {"Location": "http://127.0.0.1:1/elsewhere"}
    assert "not its own (status 302)" in email(make_scene, provider).found
    down = email(make_scene, provider, sendgrid_url="http://127.0.0.1:1")
    assert (down.kind, down.who) == ("problem", "ops")
    assert "does not answer" in down.found


def slack(make_scene: MakeScene, provider: Provider) -> Note:
    found = sending(make_scene(sending="live", slack_token=TOKEN, slack_url=f"{provider.url}/api/"))
    return found[2]


def test_slack(make_scene: MakeScene, provider: Provider) -> None:
    provider.body = {"ok": True, "user": "keepwell", "team": "Brightdesk"}
    provider.headers = {"X-OAuth-Scopes": "chat:write,im:write,users:read.email"}
    assert slack(make_scene, provider).found == "Slack accepts the token: keepwell in Brightdesk"
    assert provider.asked == [("POST", "/api/auth.test", f"Bearer {TOKEN}")]
    provider.headers = {"X-OAuth-Scopes": "chat:write"}
    assert slack(make_scene, provider).found == "the Slack app lacks the scopes im:write, users:read.email"
    provider.body = {"ok": False, "error": "invalid_auth"}
    refused = slack(make_scene, provider)
    assert (refused.kind, refused.found) == ("problem", "Slack does not accept the token (invalid_auth)")
    provider.body = [1]
    assert "not its own" in slack(make_scene, provider).found
