"""Coming and going with a password: what the page, the cookie and the journal say, and who stays out."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select
from starlette.requests import Request

from keepwell.api.access.signing_in import own_path
from keepwell.api.door import Door
from keepwell.contracts.access import COOKIE, HOST_COOKIE, Role
from keepwell.db.repositories.signing_in import FREE_TRIES
from keepwell.db.tables import Account, Event, WebSession
from keepwell.web import create_app
from tests.unit.api.callers import sign_in
from tests.unit.api.people import EMAIL, PASSWORD, come_in, csrf, page_of, person
from tests.unit.db.world import World

WRONG = "not the password at all"


@pytest.fixture
def world(door: Door) -> World:
    return World(door.store)


@pytest.fixture
def account(door: Door, world: World) -> str:
    return person(door, world.organisation)


def journal_of(world: World, kind: str) -> list[str]:
    with world.store.read() as session:
        return list(session.exec(select(Event.text).where(Event.kind == kind).order_by(Event.id)).all())


def test_who_signs_in_goes_where_they_wanted(
    client: TestClient, door: Door, account: str, world: World
) -> None:
    page = client.get("/sign-in?next=/console/portfolio%3Flevel%3DCRITICAL")
    assert 'name="next" value="/console/portfolio?level=CRITICAL"' in page.text
    came = come_in(client, door, next="/console/portfolio?level=CRITICAL")
    assert (came.status_code, came.headers["location"]) == (303, "/console/portfolio?level=CRITICAL")
    cookie = came.headers["set-cookie"]
    for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/", f"{HOST_COOKIE}="):
        assert part in cookie
    # A browser keeps a cookie of this name only so, and for this host alone.
    assert "domain" not in cookie.lower()
    me = client.get("/api/v1/me").json()
    assert (me["account_id"], me["role"], me["organisation"]) == (account, "admin", "Brightdesk Ltd")
    assert client.get("/sign-in").headers["location"] == "/console"
    assert journal_of(world, "account.signed_in") == ["Robin Clarke signed in by password"]


def test_without_https_the_cookie_goes_without_it(door: Door, world: World, account: str) -> None:
    plain = replace(door, settings=door.settings.model_copy(update={"public_url": "http://127.0.0.1:8800"}))
    with TestClient(create_app(plain), base_url="http://127.0.0.1:8800", follow_redirects=False) as client:
        cookie = come_in(client, plain).headers["set-cookie"]
        assert "Secure" not in cookie
        assert cookie.startswith(f"{COOKIE}=")
        assert client.get("/api/v1/me").json()["account_id"] == account
        assert "strict-transport-security" not in client.get("/health").headers


def test_with_https_a_session_comes_by_the_host_s_cookie_alone(
    client: TestClient, door: Door, account: str
) -> None:
    """One that a page beside or above this host could have set lets nobody in."""
    token = come_in(client, door).cookies[HOST_COOKIE]
    client.cookies.clear()
    client.cookies.set(COOKIE, token)
    assert client.get("/api/v1/me").status_code == 401
    assert client.get("/console").status_code in (303, 401)
    client.cookies.set(HOST_COOKIE, token)
    assert client.get("/api/v1/me").json()["account_id"] == account


OTHERS = (
    *(
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
    ),
    *(
        "/\t/evil.example",
        "console",
        "http:///evil.example",
        "/\x00",
        "///evil.example",
        "/" + "x" * 3000,
        "",
    ),
)


def test_only_our_own_paths_are_gone_to(client: TestClient, door: Door, account: str) -> None:
    assert [path for path in OTHERS if own_path(path)] == []
    assert own_path("/console/portfolio?level=CRITICAL#top") == "/console/portfolio?level=CRITICAL#top"
    for path in OTHERS[:3]:
        came = come_in(client, door, next=path)
        assert (came.status_code, came.headers["location"]) == (303, "/console")
        assert "evil" not in client.get("/sign-in", params={"next": path}).text
        client.cookies.clear()


def test_a_client_is_led_to_their_own_page(client: TestClient, door: Door, world: World) -> None:
    person(door, world.organisation, role=Role.CLIENT, customer=world.customer("acme"))
    assert come_in(client, door, next="/console/settings").headers["location"] == "/success"


def test_every_wrong_answer_is_the_same(client: TestClient, door: Door, world: World, account: str) -> None:
    person(door, world.organisation, "gone@example.com", role=Role.CSM)
    world.change(Account, account, active=True)
    with door.store.write() as session:
        gone = session.exec(select(Account).where(Account.email == "gone@example.com")).one()
        gone.active = False
        session.add(gone)
    answers = set()
    for email, password in (
        (EMAIL, WRONG),
        ("nobody@example.com", WRONG),
        ("gone@example.com", PASSWORD),
        ("a\x00b", WRONG),
    ):
        answer = come_in(client, door, email, password)
        assert answer.status_code == 401
        assert HOST_COOKIE not in answer.cookies
        answers.add(answer.text.replace(email, "").replace("a\ufffdb", ""))
    assert len(answers) == 1


def test_who_is_unknown_takes_as_long_as_who_is_known(
    client: TestClient, door: Door, account: str, world: World
) -> None:
    def took(email: str) -> float:
        # Seconds of this process's work: those on the clock say what else the machine does.
        began = time.process_time()
        come_in(client, door, email, WRONG)
        return time.process_time() - began

    took("nobody@example.com")
    known, unknown = [], []
    for number in range(4):
        known.append(took(EMAIL))
        unknown.append(took(f"nobody{number}@example.com"))
    # A password is looked at in both cases, which is nearly all of the time.
    assert 0.5 < statistics.median(known) / statistics.median(unknown) < 2


def test_too_many_wrong_passwords_let_the_account_rest_longer_each_time(
    client: TestClient, door: Door, account: str, world: World
) -> None:
    def rest() -> timedelta | None:
        with door.store.read() as session:
            until = session.get_one(Account, account).locked_until
        return None if until is None else until - datetime.now(UTC)

    for _ in range(FREE_TRIES - 1):
        assert come_in(client, door, password=WRONG).status_code == 401
        assert rest() is None
    come_in(client, door, password=WRONG)
    first = rest()
    assert first is not None
    assert timedelta(seconds=50) < first <= timedelta(minutes=1)
    assert come_in(client, door).status_code == 401, "also the right one, while it rests"
    assert journal_of(world, "account.locked") == [
        line for line in journal_of(world, "account.locked") if f"after {FREE_TRIES} wrong passwords" in line
    ]
    world.change(Account, account, locked_until=datetime.now(UTC) - timedelta(seconds=1))
    come_in(client, door, password=WRONG)
    second = rest()
    assert second is not None
    assert timedelta(seconds=110) < second <= timedelta(minutes=2)
    world.change(Account, account, locked_until=datetime.now(UTC) - timedelta(seconds=1))
    assert come_in(client, door).status_code == 303
    with door.store.read() as session:
        row = session.get_one(Account, account)
        assert (row.failed, row.locked_until) == (0, None)


def test_many_wrong_ones_at_once_are_counted_all(door: Door, account: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from keepwell.api.access.signing_in import check_password_of

    with door.store.read() as session:
        row = session.get_one(Account, account)
    asked = Request({"type": "http", "client": ("192.0.2.7", 1), "headers": []})
    with ThreadPoolExecutor(8) as pool:
        tries = pool.map(lambda _: check_password_of(door, asked, [row], WRONG), range(12))
        assert list(tries) == [[]] * 12
    with door.store.read() as session:
        assert session.get_one(Account, account).failed == FREE_TRIES


def test_a_session_that_was_there_before_is_not_taken_over(
    client: TestClient, door: Door, account: str, world: World
) -> None:
    client.cookies.set(HOST_COOKIE, "a-token-that-somebody-else-knows")
    came = come_in(client, door)
    mine = came.cookies[HOST_COOKIE]
    assert mine != "a-token-that-somebody-else-knows"
    client.cookies.clear()
    client.cookies.set(HOST_COOKIE, mine)
    again = come_in(client, door)
    assert again.cookies[HOST_COOKIE] != mine
    client.cookies.clear()
    client.cookies.set(HOST_COOKIE, mine)
    assert client.get("/api/v1/me").status_code == 401, "the one before has ended"
    with door.store.read() as session:
        assert len(session.exec(select(WebSession)).all()) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://keepwell.example"},
        {"Origin": "https://keepwell.example.evil.example"},
        {"Origin": "https://keepwell.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://keepwell.example", "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_another_site_signs_nobody_in(
    client: TestClient, account: str, headers: dict[str, str], door: Door
) -> None:
    refused = client.post("/sign-in", data={"email": EMAIL, "password": PASSWORD}, headers=headers)
    assert refused.status_code == 403
    assert HOST_COOKIE not in refused.cookies


def test_signing_out_ends_the_session_and_takes_the_token_of_the_page(
    client: TestClient, door: Door, account: str
) -> None:
    token = come_in(client, door).cookies[HOST_COOKIE]
    for given in ({}, {"csrf": "x" * 64}):
        assert client.post("/sign-out", data=given, headers=page_of(door)).status_code == 403
    assert client.get("/api/v1/me").status_code == 200
    out = client.post("/sign-out", data={"csrf": csrf(client)["X-CSRF-Token"]}, headers=page_of(door))
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert "Max-Age=0" in out.headers["set-cookie"]
    client.cookies.clear()
    client.cookies.set(HOST_COOKIE, token)
    assert client.get("/api/v1/me").status_code == 401


def test_what_a_session_changes_takes_its_own_token(client: TestClient, door: Door, world: World) -> None:
    own = sign_in(client, door.store, world.organisation, Role.ADMIN)
    asked = {"name": "a", "scopes": ["read"]}
    assert client.post("/api/v1/keys", json=asked).status_code == 403
    foreign = {"X-CSRF-Token": "0" * 64}
    assert client.post("/api/v1/keys", json=asked, headers=foreign).status_code == 403
    mine = dict(client.cookies)
    client.cookies.clear()
    other = sign_in(client, door.store, world.organisation, Role.ADMIN)
    client.cookies.clear()
    client.cookies.set(HOST_COOKIE, mine[HOST_COOKIE])
    assert client.post("/api/v1/keys", json=asked, headers=other).status_code == 403
    assert client.post("/api/v1/keys", json=asked, headers=own).status_code == 201


def test_the_page_says_how_the_first_account_is_made(client: TestClient, door: Door, world: World) -> None:
    assert "keepwell accounts add" in client.get("/sign-in").text
    person(door, world.organisation)
    page = client.get("/sign-in")
    assert "keepwell accounts add" not in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


def test_the_same_person_in_two_organisations_chooses(client: TestClient, door: Door, world: World) -> None:
    with door.store.write() as session:
        from keepwell.db.repositories.organisations import get_or_create

        get_or_create(session, "second", now=datetime.now(UTC))
    person(door, world.organisation)
    person(door, "second")
    asked = come_in(client, door)
    assert asked.status_code == 409
    assert "<option>second</option>" in asked.text
    assert come_in(client, door, organisation="second").status_code == 303
    assert client.get("/api/v1/me").json()["organisation_id"] == "second"


def test_the_page_of_ones_own_account_shows_where_one_is_signed_in(
    client: TestClient, door: Door, account: str, world: World
) -> None:
    agent = {**page_of(door), "User-Agent": "<b>Elsewhere</b>"}
    client.post("/sign-in", data={"email": EMAIL, "password": PASSWORD}, headers=agent)
    elsewhere = client.get("/api/v1/me/sessions").json()["items"][0]["id"]
    client.cookies.clear()
    come_in(client, door)
    page = client.get("/console/me", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert f"DELETE /api/v1/me/sessions/{elsewhere}" in page.text
    assert "&lt;b&gt;Elsewhere" in page.text
    assert "POST /api/v1/me/password" in page.text
    assert 'href="/console/me"' in page.text
    client.cookies.clear()
    led = client.get("/console/me?x=1", headers={"Accept": "text/html"})
    assert (led.status_code, led.headers["location"]) == (303, "/sign-in?next=/console/me%3Fx%3D1")
