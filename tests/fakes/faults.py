"""What can go wrong at a provider, and what becomes of the message: the rows of docs/faults.md.

tests/workflows/test_faults.py plays each of them through a whole run, and tests/unit/test_faults_page.py
compares the page with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

from tests.fakes.smtp import Stage

Provider = Literal["SendGrid", "Slack", "mail server"]


class End(Enum):
    """How a message ends: the ledger's state, the step's state, and what the page says of it."""

    ONCE = ("accepted", "done", "It is sent.")
    SANDBOX = ("accepted", "done", "SendGrid has checked it, and the timeline says that it was NOT sent.")
    AGAIN = ("accepted", "done", "It is tried again and sent. The timeline says why it took longer.")
    FOUND = ("accepted", "done", "The provider is asked, and says that it has it. The timeline says so.")
    HELD = ("unknown", "held", "Nobody knows whether it was taken: nothing more is sent; alert and task.")
    REFUSED = ("failed", "missed", "It is not sent; alert, and a task that says what to mend.")
    BY_EMAIL = ("failed", "done", "The same words go by email, and a task says what to mend.")
    TOO_LATE = ("cancelled", "missed", "It is tried until the step's time is over; then alert and task.")

    def __init__(self, delivery: str, step: str, words: str) -> None:
        self.delivery = delivery
        self.step = step
        self.words = words


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with one message, at most `times` times.

    `act` is what the fake does (`Act` of SendGrid and Slack, `Upset` at a `stage` of a mail server). `taken`
    is how many messages the provider has afterwards. `tells` is a part of what the timeline says. `can_tell`:
    SendGrid with its activity search, Slack with its history. `nobody`: no server is there at all.
    """

    provider: Provider
    name: str
    end: End
    taken: int
    act: dict[str, Any] = field(default_factory=dict)
    tells: str = ""
    can_tell: bool = True
    stage: Stage | None = None
    times: int | None = 1
    sandbox: bool = False
    nobody: bool = False

    @property
    def id(self) -> str:
        """The test's name."""
        return f"{self.asked}: {self.name}"

    @property
    def asked(self) -> str:
        """The provider, and whether it can say what it has taken."""
        if self.provider == "SendGrid":
            return "SendGrid with search" if self.can_tell else "SendGrid"
        return self.provider

    @property
    def hangs(self) -> bool:
        """Whether our side has to give up waiting."""
        return bool(self.act.get("hang") or self.act.get("wait_before") or self.act.get("wait_after"))

    @property
    def at_once(self) -> bool:
        """Whether one attempt settles it."""
        return self.end in (End.ONCE, End.SANDBOX, End.REFUSED, End.BY_EMAIL)

    @property
    def row(self) -> str:
        """The row of the page."""
        taken = "one" if self.taken else "none"
        return f"| {self.name} | {taken} | {self.end.delivery} | {self.end.step} | {self.end.words} |"


HTML = {"Content-Type": "text/html", "X-Message-Id": ""}
HOTEL = "<p>Welcome to the hotel</p>"
LONG = 30.0
HALF = "HTTP/1.1 202 Accepted\r\nContent-Length: 50\r\n\r\nshort"
CLOSED: dict[str, Any] = {"close": "before"}
CLOSED_AFTER: dict[str, Any] = {"close": "after"}
WRONG_TYPE: dict[str, Any] = {"status": 200, "accepts": False, "headers": HTML, "body": HOTEL}
LATE: dict[str, Any] = {"wait_before": 3.5}
"""Longer than the deadline of the test's adapters, shorter than the lease."""

RATE: dict[str, Any] = {"status": 429, "headers": {"Retry-After": "600"}}


def _sendgrid() -> Iterator[Fault]:
    def fault(name: str, end: End, taken: int, tells: str = "", **given: Any) -> Fault:
        return Fault("SendGrid", name, end, taken, tells=tells, **{"can_tell": False, **given})

    yield fault("202, with an id", End.ONCE, 1)
    yield fault(
        "202 with an id, of a wrong content type", End.ONCE, 1, act={"headers": {"Content-Type": "x"}}
    )
    yield fault("200, in sandbox mode", End.SANDBOX, 0, "NOT sent (sandbox)", sandbox=True)
    yield fault("200 without an id, of a wrong content type", End.HELD, 0, act=WRONG_TYPE)
    yield fault("400", End.REFUSED, 0, "correct what it names", act={"status": 400}, times=None)
    yield fault("401", End.REFUSED, 0, "KEEPWELL_SENDGRID_API_KEY", act={"status": 401}, times=None)
    yield fault("403", End.REFUSED, 0, "Sender Authentication", act={"status": 403}, times=None)
    yield fault("413", End.REFUSED, 0, "30 MB", act={"status": 413}, times=None)
    yield fault("429 with Retry-After: not asked before that", End.AGAIN, 1, "did not take", act=RATE)
    yield fault("429 for as long as the step has", End.TOO_LATE, 0, act=RATE, times=None)
    yield fault("503", End.AGAIN, 1, "did not take", act={"status": 503}, times=2)
    yield fault("500, not taken", End.HELD, 0, act={"status": 500})
    yield fault("500, taken nevertheless", End.HELD, 1, act={"status": 500, "accepts": True})
    yield fault("502 of a proxy, taken nevertheless", End.HELD, 1, act={"status": 502, "accepts": True})
    yield fault("a redirect, which is not followed", End.HELD, 0, act={"status": 302})
    yield fault("half an answer", End.HELD, 1, act={"raw": HALF})
    yield fault("hangs before it takes the message", End.HELD, 0, act={"wait_before": LONG, **CLOSED})
    yield fault("hangs after it took the message", End.HELD, 1, act={"wait_after": LONG})
    yield fault("takes it after we have given up waiting", End.HELD, 1, act=LATE)
    yield fault("closes before it takes the message", End.HELD, 0, act=CLOSED)
    yield fault("closes after it took the message", End.HELD, 1, act=CLOSED_AFTER)
    yield fault("nobody is there", End.TOO_LATE, 0, "cannot be reached", nobody=True)
    search = {"can_tell": True}
    found = "found at the provider"
    taken_500 = {"status": 500, "accepts": True}
    yield fault("500, taken nevertheless", End.FOUND, 1, found, act=taken_500, **search)
    yield fault("hangs after it took the message", End.FOUND, 1, found, act={"wait_after": LONG}, **search)
    yield fault("takes it after we have given up waiting", End.FOUND, 1, found, act=LATE, **search)
    yield fault("closes after it took the message", End.FOUND, 1, found, act=CLOSED_AFTER, **search)
    nothing = "does not show the message, which proves nothing"
    yield fault("500, not taken", End.HELD, 0, nothing, act={"status": 500}, **search)
    yield fault("closes before it takes the message", End.HELD, 0, nothing, act=CLOSED, **search)


def _slack() -> Iterator[Fault]:
    def fault(name: str, end: End, taken: int, tells: str = "", **given: Any) -> Fault:
        return Fault("Slack", name, end, taken, tells=tells, **given)

    def no(error: str) -> dict[str, Any]:
        return {"status": 200, "accepts": False, "body": f'{{"ok": false, "error": "{error}"}}'}

    found, nothing = "found at the provider", "do not show it, which proves nothing"
    yield fault("200, ok", End.ONCE, 1)
    for error in ("token_revoked", "channel_not_found", "msg_too_long"):
        yield fault(f"200 with the error {error}", End.BY_EMAIL, 0, error, act=no(error), times=None)
    yield fault("200 with the error ratelimited", End.AGAIN, 1, "did not take", act=no("ratelimited"))
    for status in (400, 401, 403, 413):
        act = {"status": status}
        yield fault(str(status), End.BY_EMAIL, 0, f"status {status}", act=act, times=None)
    yield fault("429 with Retry-After: not asked before that", End.AGAIN, 1, "did not take", act=RATE)
    yield fault("503", End.AGAIN, 1, "did not take", act={"status": 503}, times=2)
    yield fault("500, not taken", End.HELD, 0, nothing, act={"status": 500})
    yield fault("500, taken nevertheless", End.FOUND, 1, found, act={"status": 500, "accepts": True})
    yield fault("a wrong content type, not taken", End.HELD, 0, nothing, act=WRONG_TYPE)
    taken = {**WRONG_TYPE, "accepts": True}
    yield fault("a wrong content type, taken nevertheless", End.FOUND, 1, found, act=taken)
    yield fault(
        "hangs before it takes the message", End.HELD, 0, nothing, act={"wait_before": LONG, **CLOSED}
    )
    yield fault("hangs after it took the message", End.FOUND, 1, found, act={"wait_after": LONG})
    yield fault("takes it after we have given up waiting", End.FOUND, 1, found, act=LATE)
    yield fault("closes before it takes the message", End.HELD, 0, nothing, act=CLOSED)
    yield fault("closes after it took the message", End.FOUND, 1, found, act=CLOSED_AFTER)
    name = "closes after it took the message, and its history cannot be read"
    yield fault(name, End.HELD, 1, "gave no usable answer", act=CLOSED_AFTER, can_tell=False)
    yield fault("nobody is there", End.TOO_LATE, 0, "cannot be reached", nobody=True)


def _mail_server() -> Iterator[Fault]:
    def fault(
        name: str, end: End, taken: int, tells: str = "", stage: Stage | None = None, **given: Any
    ) -> Fault:
        times = {"times": None} if end is End.REFUSED else {}
        act: dict[str, Any] = {
            one: given.pop(one) for one in ("say", "hang", "close", "accepts") if one in given
        }
        named: dict[str, Any] = {"can_tell": False, **times, **given}
        return Fault("mail server", name, end, taken, act=act, tells=tells, stage=stage, **named)

    tried, nobody_knows = "took nothing", "cannot be asked"
    yield fault("250 after the message", End.ONCE, 1)
    yield fault(
        "421 at the greeting", End.AGAIN, 1, "refused the connection", "connect", say="421 4.3.2 Busy"
    )
    yield fault("451 for the recipient", End.AGAIN, 1, "the recipient", "rcpt", say="451 4.7.1 Greylisted")
    yield fault("452 after the message", End.AGAIN, 1, "the message", "dot", say="452 4.3.1 Full")
    yield fault("550 for the sender", End.REFUSED, 0, "the sender", "mail", say="550 No")
    yield fault("550 5.1.1 for the recipient", End.REFUSED, 0, "5.1.1", "rcpt", say="550 5.1.1 Nobody")
    yield fault("552, too large", End.REFUSED, 0, "the message", "dot", say="552 5.3.4 Too large")
    yield fault("554 after the message", End.REFUSED, 0, "the message", "dot", say="554 5.7.1 Spam")
    yield fault("closes before the message is out", End.AGAIN, 1, tried, "mail", close=True)
    yield fault("hangs before the message is out", End.AGAIN, 1, tried, "rcpt", hang=True)
    yield fault("closes after the message, not taken", End.HELD, 0, nobody_knows, "dot", close=True)
    name = "closes after the message, taken nevertheless"
    yield fault(name, End.HELD, 1, nobody_knows, "dot", close=True, accepts=True)
    yield fault("hangs after the message, not taken", End.HELD, 0, nobody_knows, "dot", hang=True)
    name = "hangs after the message, taken nevertheless"
    yield fault(name, End.HELD, 1, nobody_knows, "dot", hang=True, accepts=True)
    yield fault("an answer to the message that is none", End.HELD, 0, nobody_knows, "dot", say="what?")
    yield fault("nobody is there", End.TOO_LATE, 0, "cannot be reached", nobody=True)


FAULTS = (*_sendgrid(), *_slack(), *_mail_server())
