"""Whether messages are kept or sent, and whether the providers accept our keys."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.request import Request

from pydantic import SecretStr

from keepwell.adapters.deadline import Answer, Deadline, fetch
from keepwell.adapters.smtp import Smtp, mail_server
from keepwell.doctor.findings import Note, ok, problem, warning
from keepwell.doctor.scene import Scene
from keepwell.errors import ConfigurationError, SendRefusedError
from keepwell.settings import Settings

PATIENCE = timedelta(seconds=5)
"""For each provider. The adapters' own exchange is used: it follows no redirect, so no key goes astray."""

NEEDED_IN_SLACK = ("chat:write", "im:write", "users:read", "users:read.email")


def sending(scene: Scene) -> Sequence[Note]:
    """In the outbox mode nothing is asked; in the live mode, both providers."""
    settings = scene.settings
    if settings.sending == "outbox":
        return [ok("outbox: email and Slack messages are kept, not sent")]
    notes = [ok("live: messages are sent")]
    notes.append(_email(settings))
    if settings.slack_token is None:
        todo = "Set KEEPWELL_SLACK_TOKEN if your playbooks write to Slack."
        notes.append(warning("no Slack token is set: no Slack message can be sent", todo))
    else:
        notes.append(_slack(settings.slack_token, settings.slack_url))
    return [*notes, *_coming_back(settings)]


def _email(settings: Settings) -> Note:
    if settings.email == "smtp":
        return _mail_server(settings)
    if settings.sendgrid_api_key is None:
        todo = "Set KEEPWELL_SENDGRID_API_KEY, or go back to KEEPWELL_SENDING=outbox."
        return problem("no SendGrid API key is set: no email can be sent", todo)
    found = _sendgrid(settings.sendgrid_api_key, settings.sendgrid_url, activity=settings.sendgrid_activity)
    if settings.sendgrid_sandbox and found.kind == "ok":
        return warning(
            f"{found.found}, but it is in the sandbox: no email is sent",
            "Unset KEEPWELL_SENDGRID_SANDBOX when customers are to get them.",
        )
    return found


def _mail_server(settings: Settings) -> Note:
    """Greet, encrypt and sign in as for a message."""
    try:
        server = mail_server(settings)
        Smtp(server, deadline=PATIENCE).sign_in()
    except ConfigurationError as error:
        return problem(error.message, error.hint)
    except SendRefusedError as error:
        return problem(error.message, "Check KEEPWELL_SMTP_… and the mail server; messages wait meanwhile.")
    where = f"the mail server {server.host}:{server.port}"
    if server.security == "none" and server.host not in _HERE:
        return warning(
            f"{where} lets us in, but nothing is encrypted on the way there",
            "Set KEEPWELL_SMTP_SECURITY to starttls or tls.",
        )
    return ok(f"{where} lets us {'sign ' if server.user else ''}in")


_HERE = ("localhost", "127.0.0.1", "::1")


def _coming_back(settings: Settings) -> Sequence[Note]:
    """Whether bounces, complaints and replies would reach us."""
    notes = []
    if settings.email == "sendgrid" and not settings.sendgrid_webhook_key:
        notes.append(
            warning(
                "no verification key for SendGrid's events is set: nobody hears of bounces and complaints",
                "Set up the event webhook, and set KEEPWELL_SENDGRID_WEBHOOK_KEY.",
            )
        )
    if bool(settings.reply_domain) != (settings.inbound_token is not None):
        missing = "INBOUND_TOKEN" if settings.reply_domain else "REPLY_DOMAIN"
        notes.append(
            problem(
                f"replies are half set up: KEEPWELL_{missing} is not set, and replies are lost",
                "Set both KEEPWELL_REPLY_DOMAIN and KEEPWELL_INBOUND_TOKEN, or neither.",
            )
        )
    return notes


def links(scene: Scene) -> Sequence[Note]:
    """The links in messages have to lead to us, and one click unsubscribes over https alone (RFC 8058)."""
    url, live = scene.settings.public_url, scene.settings.sending == "live"
    if not live or url.startswith("https://"):
        return [ok(f"links in messages begin with {url}")]
    return [
        warning(
            f"links in messages begin with {url}: nobody can unsubscribe with one click there",
            "Set KEEPWELL_PUBLIC_URL to the https:// address under which customers reach keepwell serve.",
        )
    ]


def _sendgrid(key: SecretStr, url: str, *, activity: bool) -> Note:
    """Ask which rights the key has."""
    request = Request(  # noqa: S310 - the setting allows http and https only
        f"{url.rstrip('/')}/v3/scopes", headers={"Authorization": f"Bearer {key.get_secret_value()}"}
    )
    answer = _ask(request, "SendGrid", url)
    if isinstance(answer, Note):
        return answer
    if answer.status in (401, 403):
        return problem(f"SendGrid does not accept the API key (status {answer.status})", _NEW_KEY)
    scopes = _body(answer).get("scopes")
    if answer.status != 200 or not isinstance(scopes, list):
        return _odd("SendGrid", url, answer, "KEEPWELL_SENDGRID_URL")
    if "mail.send" not in scopes:
        return problem("SendGrid accepts the API key, but it may not send mail", _NEW_KEY)
    if activity and "email_activity.read" not in scopes:
        return warning(
            "SendGrid accepts the API key, but it may not search the email activity",
            "Give the key the right Email Activity, or unset KEEPWELL_SENDGRID_ACTIVITY.",
        )
    return ok("SendGrid accepts the API key, and it may send mail")


_NEW_KEY = "Set KEEPWELL_SENDGRID_API_KEY to a key with the right Mail Send."


def _slack(token: SecretStr, url: str) -> Note:
    """Ask who we are; the answer's header says what the app may do."""
    request = Request(  # noqa: S310 - the setting allows http and https only
        f"{url.rstrip('/')}/auth.test",
        data=b"",
        headers={"Authorization": f"Bearer {token.get_secret_value()}"},
    )
    answer = _ask(request, "Slack", url)
    if isinstance(answer, Note):
        return answer
    body = _body(answer)
    if answer.status != 200 or not isinstance(body.get("ok"), bool):
        return _odd("Slack", url, answer, "KEEPWELL_SLACK_URL")
    if not body["ok"]:
        return problem(
            f"Slack does not accept the token ({body.get('error', 'no reason given')})",
            "Set KEEPWELL_SLACK_TOKEN to a bot token of an app that is installed in the workspace.",
        )
    scopes = {one.strip() for one in str(answer.headers.get("X-OAuth-Scopes", "")).split(",")} - {""}
    lacks = [one for one in NEEDED_IN_SLACK if scopes and one not in scopes]
    if lacks:
        return problem(
            f"the Slack app lacks the scopes {', '.join(lacks)}",
            "Give them to the app, and install it again.",
        )
    return ok(f"Slack accepts the token: {body.get('user', 'somebody')} in {body.get('team', 'a workspace')}")


def _ask(request: Request, provider: str, url: str) -> Answer | Note:
    try:
        return fetch(request, Deadline(PATIENCE))
    except (OSError, http.client.HTTPException) as error:
        return problem(
            f"{provider} at {url} does not answer: {str(error) or type(error).__name__}",
            "Check the network and the provider's status page; messages wait meanwhile.",
        )


def _body(answer: Answer) -> Mapping[str, Any]:
    try:
        body = json.loads(answer.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _odd(provider: str, url: str, answer: Answer, variable: str) -> Note:
    return problem(
        f"{provider} at {url} gave an answer that is not its own (status {answer.status})",
        f"Check {variable}, proxies and the provider's status page.",
    )
