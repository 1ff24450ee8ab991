"""The typed client: to the API and back, tried again where that is safe, errors as exceptions."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from sqlmodel import select

from keepwell import AsyncClient, Client
from keepwell.api.door import Door
from keepwell.api.v1.command_bodies import StopBody
from keepwell.client import (
    ApiError,
    ForbiddenError,
    InvalidError,
    NotReachedError,
    RateLimitedError,
    RefusedHereError,
    UnauthorizedError,
    UnknownError,
)
from keepwell.contracts.access import Permission
from keepwell.db.engine import Store
from keepwell.db.tables import PendingCommand
from keepwell.errors import KeepwellError
from keepwell.links import Links
from keepwell.settings import Settings
from keepwell.web import create_app
from tests.unit.api.callers import key_for
from tests.unit.api.settings_world import EVERYTHING
from tests.unit.db.world import World

PUBLIC = "https://keepwell.example"


@pytest.fixture
def world(sqlite_store: Store) -> World:
    return World(sqlite_store)


@pytest.fixture
def app(world: World, tmp_path: Any) -> Any:
    settings = Settings(home=tmp_path, public_url=PUBLIC)
    return create_app(Door(settings=settings, store=world.store, links=Links(SecretStr("k" * 40), PUBLIC)))


def key(world: World, *scopes: Permission) -> str:
    return key_for(world.store, world.organisation, *(scopes or EVERYTHING))["Authorization"][7:]


@pytest.fixture
def client(app: Any, world: World) -> Iterator[Client]:
    from starlette.testclient import TestClient

    with Client(PUBLIC, key=key(world), http=TestClient(app, base_url=PUBLIC)) as asked:
        yield asked


def test_records_go_in_and_come_back_typed(client: Client) -> None:
    report = client.ingest.customers([{"external_id": f"A-{one}", "name": f"Acme {one}"} for one in range(7)])
    assert (report.created, report.rejected) == (7, 0)
    assert client.ingest.customer("A-1", plan="pro").result == "updated"
    lines = list(client.customers.list(limit=3))
    assert sorted(line.external_id for line in lines) == [f"A-{one}" for one in range(7)]
    assert client.customers.page(limit=3).total == 7
    detail = client.customers.get("A-1")
    assert (detail.customer.plan, detail.contacts) == ("pro", ())
    event = client.ingest.event(customer="A-1", kind="login")
    assert event.result == "created"
    left = {"customer": "A-1", "outcome": "left", "at": "2026-11-01T09:00:00Z"}
    assert client.ingest.outcomes([left, {**left, "customer": "B-1"}], dry_run=True).rejected == 1
    assert client.customers.get("A-1").customer.active is True


def test_what_is_left_out_stays_and_null_empties(client: Client) -> None:
    client.organisation.change(product="Desk", daily_cap=40)
    assert client.organisation.change(daily_cap=None).organisation.product == "Desk"
    assert client.organisation.get().daily_cap is None


def test_a_name_with_slashes_and_marks_is_one_name(client: Client) -> None:
    made = client.ingest.customer("ä 7?&#", name="Odd")
    assert client.customers.get("ä 7?&#").customer.id == made.id


def test_problems_are_exceptions_with_their_fields(client: Client, app: Any, world: World) -> None:
    with pytest.raises(UnknownError) as unknown:
        client.customers.get("nobody")
    assert unknown.value.status == 404
    assert "nobody" in unknown.value.message
    with pytest.raises(InvalidError) as invalid:
        client.ingest.customer("new", plan="pro")
    assert invalid.value.wrong == (("name", "is missing; every row needs it"),)
    from starlette.testclient import TestClient

    stranger = Client(PUBLIC, key="kw_none", http=TestClient(app, base_url=PUBLIC))
    with pytest.raises(UnauthorizedError, match="unknown"):
        stranger.organisation.get()
    reader = key(world, Permission.READ)
    asked = Client(PUBLIC, key=reader, http=TestClient(app, base_url=PUBLIC))
    with pytest.raises(ForbiddenError):
        asked.organisation.change(product="x")
    assert issubclass(RefusedHereError, KeepwellError)


async def test_the_same_with_asyncio(app: Any, world: World) -> None:
    transport = httpx2.ASGITransport(app)
    http = httpx2.AsyncClient(transport=transport, base_url=PUBLIC)
    async with AsyncClient(PUBLIC, key=key(world), http=http) as client:
        await client.ingest.customers(
            [{"external_id": f"A-{one}", "name": f"Acme {one}"} for one in range(5)]
        )
        lines = [line async for line in client.customers.list(limit=2)]
        assert len(lines) == 5
        with pytest.raises(UnknownError):
            await client.customers.get("nobody")


class Answers(httpx2.BaseTransport):
    """Gives prepared answers in turn, and keeps what was asked."""

    def __init__(self, *answers: httpx2.Response | Exception) -> None:
        self.answers, self.asked = list(answers), list[httpx2.Request]()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def later(after: str = "7") -> httpx2.Response:
    return httpx2.Response(429, json={"title": "Too many", "retryable": True}, headers={"Retry-After": after})


STORED = {"kind": "events", "key": "a", "result": "created", "text": "", "notes": [], "alerts": []}
WAITS: list[tuple[list[Any], list[float]]] = [
    ([later()], [7.0]),
    ([later("0"), httpx2.Response(503, json={})], [0.0, 0.5]),
    ([httpx2.ConnectError("gone")], [0.5]),
    ([httpx2.ReadTimeout("slow"), httpx2.Response(503, text="proxy"), later("1")], [0.5, 1.0, 1.0]),
]


@pytest.mark.parametrize(("first", "waits"), WAITS)
def test_what_takes_a_key_is_tried_again_under_the_same_key(
    first: list[Any], waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    monkeypatch.setattr("random.uniform", lambda *_: 1.0)
    answers = Answers(*first, httpx2.Response(200, json=STORED))
    with Client(PUBLIC, key="kw_x", http=httpx2.Client(transport=answers, base_url=PUBLIC)) as client:
        assert client.ingest.event(customer="a", kind="login").result == "created"
    assert slept == waits
    keys = {one.headers["idempotency-key"] for one in answers.asked}
    assert (len(keys), len(answers.asked)) == (1, len(first) + 1)
    assert len({one.content for one in answers.asked}) == 1


NOTED = {"state": "done", "command": "c", "kind": "stop", "intervention": "i", "text": "Stopped."}
AT_WORK = {"title": "The first request is still at work.", "retryable": True}


def test_a_command_is_tried_again_under_the_same_key_also_while_the_first_is_at_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    done = httpx2.Response(200, json={**NOTED, "noted_at": "2026-11-01T09:00:00Z"})
    refused = httpx2.Response(409, json={"title": "It has ended.", "retryable": False})
    first = httpx2.ReadError("reset"), httpx2.Response(409, json=AT_WORK), httpx2.Response(503, json={})
    answers = Answers(*first, done, refused)
    with Client(PUBLIC, http=httpx2.Client(transport=answers, base_url=PUBLIC)) as client:
        assert client.interventions.stop("i", reason="Moved").text == "Stopped."
        assert (len(slept), len({one.headers["idempotency-key"] for one in answers.asked})) == (3, 1)
        with pytest.raises(RefusedHereError, match="ended"):
            client.interventions.stop("i", reason="Moved")
    assert len(slept) == 3, "what is refused for good is not asked again"
    keys = [one.headers["idempotency-key"] for one in answers.asked]
    assert keys[-1] != keys[0], "each call has a key of its own"


def test_a_named_command_to_many_has_its_name_as_key() -> None:
    answers = Answers(httpx2.Response(200, json={"done": 0, "kept": 0, "failed": 0, "results": []}))
    with Client(PUBLIC, http=httpx2.Client(transport=answers, base_url=PUBLIC)) as client:
        client.interventions.bulk(ids=["i"], command=StopBody(id="crm-1", reason="Moved"))
    assert answers.asked[0].headers["idempotency-key"] == "crm-1"


def test_a_command_whose_answer_was_lost_counts_once(app: Any, world: World) -> None:
    from starlette.testclient import TestClient

    class Loses(TestClient):
        """Does what is asked, and loses the first answer."""

        lost = 0

        def send(self, request: Any, **options: Any) -> Any:
            answer = super().send(request, **options)
            if not self.lost:
                self.lost += 1
                raise httpx2.ReadError("The connection was reset.")
            return answer

    world.customer("acme")
    world.score("acme", 12, datetime.now(UTC))
    run = world.intervention("run-1", "acme")
    http = Loses(app, base_url=PUBLIC)
    with Client(PUBLIC, key=key(world), http=http) as client:
        answer = client.interventions.acknowledge(run, note="On it")
    assert (http.lost, answer.state) == (1, "kept")
    with world.store.read() as session:
        (kept,) = session.exec(select(PendingCommand)).all()
    assert kept.intervention_id == run


def test_what_takes_no_key_is_tried_again_only_where_nothing_was_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    undone = later("1"), httpx2.ConnectError("refused"), later("2")
    for lost in (httpx2.Response(503, json={"title": "Busy", "retryable": True}), httpx2.ReadError("reset")):
        answers = Answers(*undone, lost)
        client = Client(PUBLIC, http=httpx2.Client(transport=answers, base_url=PUBLIC), retries=9)
        with pytest.raises(NotReachedError) as busy:
            client.organisation.change(product="x")
        assert busy.value.retryable is True
        assert (len(answers.asked), slept.pop(0), slept.pop()) == (4, 1.0, 2.0)
        slept.clear()


def test_it_gives_up_after_so_many_attempts_and_waits_no_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    for answers, waits in ((Answers(*[later("2")] * 3), [2.0, 2.0]), (Answers(later("3600")), [])):
        slept.clear()
        http = httpx2.Client(transport=answers, base_url=PUBLIC)
        with Client(PUBLIC, retries=2, http=http) as client, pytest.raises(RateLimitedError):
            client.organisation.get()
        assert slept == waits


def test_an_answer_of_another_version_is_told_in_a_sentence() -> None:
    answers = Answers(httpx2.Response(200, json={"items": [{"id": "1"}], "next": None}))
    http = httpx2.Client(transport=answers, base_url=PUBLIC)
    with Client(PUBLIC, http=http) as client, pytest.raises(ApiError) as told:
        list(client.customers.list())
    assert str(told.value).startswith("The API's answer is not what this client expects.")
    assert told.value.hint.startswith("At items.0.")
    assert "versions" in told.value.hint
    assert not told.value.retryable


def test_importing_keepwell_loads_no_http_and_no_database() -> None:
    code = (
        "import sys, keepwell, keepwell.contracts.intervention; "
        "heavy = {'httpx2', 'sqlalchemy', 'fastapi', 'keepwell.client'} & set(sys.modules); "
        "print(sorted(heavy)); keepwell.Client; print('httpx2' in sys.modules, 'sqlalchemy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "True False"]
