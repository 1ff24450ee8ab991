"""A provider of our own: a real HTTP server that does what a test says and counts what it accepted.

It runs within the test's process (`with FakeSendGrid() as fake`) or in one of its own
(`python -m tests.fakes.sendgrid --port 8025 --log accepted.jsonl`), which a `Remote` reads and scripts.
"""

from __future__ import annotations

import json
import os
import random
import socket
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, JsonValue

from keepwell.contracts.base import Strict


class Act(Strict):
    """What is done with a request instead of what the provider would do; seconds are real ones.

    In this order: wait, hang up before accepting, accept, wait, hang up after accepting, answer. `held` waits
    until everything is let go: before accepting, or after. A status that is no 2xx accepts nothing unless
    `accepts` says so. `raw` is sent as it is, also where it is no HTTP. `per_byte` is the pause before each
    byte of the answer.
    """

    wait_before: float = 0
    held: Literal["no", "before", "after"] = "no"
    close: Literal["no", "before", "after"] = "no"
    accepts: bool | None = None
    wait_after: float = 0
    status: int | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    body: str | None = None
    raw: str | None = None
    per_byte: float = 0

    @property
    def takes(self) -> bool:
        """Whether the provider accepts the request."""
        if self.accepts is not None:
            return self.accepts
        return self.status is None or 200 <= self.status < 300


class Weather(Strict):
    """Requests that go wrong at random: this share of them, each in one of these ways.

    Which ones depends on the seed, the path, the key's end (step, recipient, channel) and on how many
    requests there were with this path and key; not on the order in which different messages come.
    """

    seed: int
    share: float = Field(ge=0, le=1)
    ways: tuple[Act, ...]

    def act(self, path: str, key: str, before: int) -> Act:
        """What is done with a request, with so many like it before."""
        chance = random.Random(f"{self.seed} {path} {key.split('/')[3:]} {before}")
        return chance.choice(self.ways) if chance.random() < self.share else Act()


class Rule(Strict):
    """An act for requests whose path and ledger key contain these texts, for the next `times` of them."""

    act: Act
    path: str = ""
    key: str = ""
    times: int | None = None


@dataclass(frozen=True)
class Call:
    """A request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def fields(self) -> dict[str, Any]:
        """The body's fields, of JSON or of a form; none where it is neither."""
        if self.headers.get("content-type", "").startswith("application/json"):
            try:
                data = json.loads(self.body)
            except ValueError:
                return {}
            return data if isinstance(data, dict) else {}
        return dict(parse_qsl(self.body.decode()))


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    body: JsonValue = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Taken:
    """A message that was accepted, and when (Unix time)."""

    key: str
    at: float
    content: dict[str, Any]
    identifier: str


class Fake:
    """The server. Subclasses say what the provider checks, accepts and answers."""

    def __init__(self, port: int = 0, log: Path | None = None) -> None:
        self.accepted: list[Taken] = []
        self.requests: list[tuple[str, str, float]] = []
        self.stopping = threading.Event()
        self.going = threading.Event()
        self._rules: list[Rule] = []
        self._weather: Weather | None = None
        self._like = Counter[tuple[str, str]]()
        self._lock = threading.Lock()
        self._log = log
        self._server = _Server(("127.0.0.1", port), partial(_Handler, self))
        self._thread = threading.Thread(target=partial(self._server.serve_forever, 0.05), daemon=True)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        """The base address for an adapter."""
        return self.address

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.let_go()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def script(self, *, path: str = "", key: str = "", times: int | None = None, **act: Any) -> None:
        """Add a rule; of those that match a request, the first one that is not used up counts."""
        self.add(Rule(act=Act(**act), path=path, key=key, times=times))

    def add(self, rule: Rule) -> None:
        """Add a rule."""
        with self._lock:
            self._rules.append(rule)

    def turn(self, weather: Weather) -> None:
        """Let requests that no rule is for go wrong at random from now on."""
        with self._lock:
            self._weather = weather

    def reset(self) -> None:
        """Forget the rules and the weather; what was accepted stays."""
        with self._lock:
            self._rules.clear()
            self._weather = None

    def let_go(self) -> None:
        """Let what is held go on, and hold nothing any more."""
        self.going.set()

    def counts(self) -> Counter[str]:
        """How often a message was accepted, by the ledger's key."""
        with self._lock:
            return Counter(one.key for one in self.accepted)

    def asked(self, path: str, key: str = "") -> int:
        """How many requests there were with these texts in the path and in the key."""
        with self._lock:
            return sum(path in one and key in other for one, other, _at in self.requests)

    def act_for(self, path: str, key: str) -> Act:
        """Note a request, and what is to be done with it."""
        with self._lock:
            before = self._like[path, key]
            self._like[path, key] += 1
            self.requests.append((path, key, time.time()))
            for place, rule in enumerate(self._rules):
                if rule.path in path and rule.key in key and rule.times != 0:
                    if rule.times is not None:
                        self._rules[place] = rule.model_copy(update={"times": rule.times - 1})
                    return rule.act
            return self._weather.act(path, key, before) if self._weather else Act()

    def accept(self, key: str, content: dict[str, Any], identifier: str, *, at: float | None = None) -> Taken:
        """Count a message, of now or of another moment (Unix time), in the log too, where there is one."""
        taken = Taken(key, time.time() if at is None else at, content, identifier)
        with self._lock:
            self.accepted.append(taken)
            if self._log:
                with self._log.open("a") as file:
                    file.write(json.dumps(vars(taken)) + "\n")
                    file.flush()
                    os.fsync(file.fileno())
        return taken

    def control(self, call: Call) -> Reply:
        """What another process asks.

        GET /_accepted, /_requests; POST /_script, /_weather, /_reset, /_let_go.
        """
        match call.method, call.path:
            case "GET", "/_accepted":
                messages: list[JsonValue] = [vars(one) for one in [*self.accepted]]
                return Reply(200, {"counts": {**self.counts()}, "messages": messages})
            case "GET", "/_requests":
                return Reply(200, [[*one] for one in [*self.requests]])
            case "POST", "/_script":
                self.add(Rule.model_validate_json(call.body))
                return Reply(200, {})
            case "POST", "/_weather":
                self.turn(Weather.model_validate_json(call.body))
                return Reply(200, {})
            case "POST", "/_reset":
                self.reset()
                return Reply(200, {})
            case "POST", "/_let_go":
                self.let_go()
                return Reply(200, {})
        return Reply(404, {})

    def key_of(self, call: Call) -> str:
        """The ledger's key in a request; "" where there is none."""
        raise NotImplementedError

    def refusal(self, call: Call) -> Reply | None:
        """What the provider finds wrong with a request; None where nothing is."""
        raise NotImplementedError

    def take(self, call: Call) -> Reply:
        """Do what a proper request asks, and answer as the provider does."""
        raise NotImplementedError

    def no(self, status: int) -> Reply:
        """How the provider puts it when it does not accept a request."""
        return Reply(status)


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    """Of 5 that wait, as is usual, a sixth would come in only when it tries again, a second later."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, fake: Fake, *given: Any) -> None:
        self.fake = fake
        super().__init__(*given)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        place = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(self.command, place.path, dict(parse_qsl(place.query)), headers, body)
        if call.path.startswith("/_"):
            self._answer(self.fake.control(call), Act())
            return
        act = self.fake.act_for(call.path, self.fake.key_of(call))
        self.fake.stopping.wait(act.wait_before)
        if act.held == "before":
            self.fake.going.wait()
        if act.close == "before":
            self._hang_up()
            return
        if act.takes:
            reply = self.fake.refusal(call) or self.fake.take(call)
        else:
            reply = self.fake.no(act.status or 200)
        self.fake.stopping.wait(act.wait_after)
        if act.held == "after":
            self.fake.going.wait()
        if act.close == "after":
            self._hang_up()
            return
        self._answer(reply, act)

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _answer(self, reply: Reply, act: Act) -> None:
        """Write the answer, by hand: a test may want each byte to take its time."""
        body = json.dumps(reply.body) if reply.body is not None else ""
        body = act.body if act.body is not None else body
        headers = {"Content-Type": "application/json", **reply.headers, **act.headers}
        status = act.status or reply.status
        lines = [f"HTTP/1.1 {status} {self.responses.get(status, ('Odd',))[0]}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body.encode())}", "Connection: close"]
        text = act.raw if act.raw is not None else "\r\n".join(lines) + f"\r\n\r\n{body}"
        self.close_connection = True
        try:
            if not act.per_byte:
                self.wfile.write(text.encode())
                return
            for byte in text.encode():
                self.fake.stopping.wait(act.per_byte)
                self.wfile.write(bytes([byte]))
        except OSError:
            # Who asked has gone.
            return
