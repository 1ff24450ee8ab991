"""Who guesses at a known address keeps nobody out of a browser in which they have signed in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from keepwell.api.door import Door
from keepwell.contracts.access import BROWSER_COOKIE, HOST_COOKIE, Role
from keepwell.db.repositories.keys_and_sessions import hashed
from keepwell.db.repositories.known_browsers import MOST
from keepwell.db.repositories.organisations import get_or_create
from keepwell.db.repositories.signing_in import FREE_TRIES, LONGEST_REST
from keepwell.db.tables import Account, Event, KnownBrowser
from keepwell.passwords import hash_password
from keepwell.web import create_app
from tests.unit.api.conftest import PUBLIC
from tests.unit.api.people import EMAIL, PASSWORD, come_in, csrf, person
from tests.unit.db.world import World

WRONG = "not the password at all"
NEW = "another three unlikely words"


@pytest.fixture
def world(door: Door) -> World:
    return World(door.store)


@pytest.fixture
def account(door: Door, world: World) -> str:
    return person(door, world.organisation)


@pytest.fixture
def stranger(door: Door) -> Iterator[TestClient]:
    """Another browser, which knows the address."""
    with TestClient(create_app(door), base_url=PUBLIC, follow_redirects=False) as asked:
        yield asked


def row_of(door: Door, account: str) -> Account:
    with door.store.read() as session:
        return session.get_one(Account, account)


def rows(door: Door) -> list[KnownBrowser]:
    with door.store.read() as session:
        return list(session.exec(select(KnownBrowser).order_by(col(KnownBrowser.expires_at))).all())


def leave(client: TestClient) -> None:
    """End the session, as time does; the browser stays known."""
    client.cookies.delete(HOST_COOKIE)


def lock(stranger: TestClient, door: Door) -> None:
    for _ in range(FREE_TRIES):
        assert come_in(stranger, door, password=WRONG).status_code == 401


def test_who_is_locked_out_by_strangers_gets_in_where_they_have_been(
    client: TestClient, stranger: TestClient, door: Door, account: str
) -> None:
    came = come_in(client, door)
    given = next(one for one in came.headers.get_list("set-cookie") if one.startswith(BROWSER_COOKIE))
    for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=15552000"):
        assert part in given
    leave(client)
    lock(stranger, door)
    assert come_in(stranger, door).status_code == 401, "the account rests for those elsewhere"
    before = row_of(door, account)
    assert come_in(client, door).status_code == 303
    after = row_of(door, account)
    assert (after.failed, after.locked_until) == (FREE_TRIES, before.locked_until), "and rests on for them"
    assert come_in(stranger, door).status_code == 401


def test_a_known_browser_has_tries_of_its_own_and_rests_alone(
    client: TestClient, stranger: TestClient, door: Door, account: str, world: World
) -> None:
    come_in(client, door)
    leave(client)
    for _ in range(FREE_TRIES):
        assert come_in(client, door, password=WRONG).status_code == 401
    assert come_in(client, door).status_code == 401, "it rests"
    (row,) = rows(door)
    assert row.failed == FREE_TRIES
    assert row.locked_until is not None
    assert (row_of(door, account).failed, row_of(door, account).locked_until) == (0, None)
    with door.store.read() as session:
        (line,) = session.exec(select(Event.text).where(Event.kind == "account.locked")).all()
    assert line.startswith(f"{EMAIL} rests in a browser that it knows until ")
    assert come_in(stranger, door).status_code == 303, "elsewhere the account does not rest"
    with door.store.write() as session:
        mine = session.exec(select(KnownBrowser).where(KnownBrowser.id == row.id)).one()
        mine.locked_until = datetime.now(UTC) - timedelta(seconds=1)
        session.add(mine)
    assert come_in(client, door).status_code == 303
    assert {one.failed for one in rows(door)} == {0}


def test_the_right_password_at_the_last_free_try_begins_no_rest(
    client: TestClient, door: Door, account: str
) -> None:
    for _ in range(FREE_TRIES - 1):
        come_in(client, door, password=WRONG)
    assert come_in(client, door).status_code == 303
    assert (row_of(door, account).failed, row_of(door, account).locked_until) == (0, None)


def test_a_rest_never_lasts_longer_than_an_hour(client: TestClient, door: Door, account: str) -> None:
    for failed in (20, 10_000, 2**31 - 2):
        with door.store.write() as session:
            row = session.get_one(Account, account)
            row.failed, row.locked_until = failed, datetime.now(UTC) - timedelta(seconds=1)
            session.add(row)
        assert come_in(client, door, password=WRONG).status_code == 401
        until = row_of(door, account).locked_until
        assert until is not None
        assert until - datetime.now(UTC) <= LONGEST_REST


def test_a_cookie_counts_for_its_own_account_only(
    client: TestClient, stranger: TestClient, door: Door, account: str, world: World
) -> None:
    person(door, world.organisation, "mallory@example.com", role=Role.CSM, name="Mallory")
    assert come_in(client, door, "mallory@example.com").status_code == 303
    leave(client)
    lock(client, door)
    assert row_of(door, account).locked_until is not None, "counted for the account, as a stranger's"
    for made_up in ("x" * 43, "", "a;b", hashed("x")):
        stranger.cookies.clear()
        stranger.cookies.set(BROWSER_COOKIE, made_up)
        assert come_in(stranger, door).status_code == 401


def test_a_token_that_somebody_put_into_a_browser_is_worth_nothing_after_the_sign_in(
    client: TestClient, stranger: TestClient, door: Door, account: str, world: World
) -> None:
    person(door, world.organisation, "mallory@example.com", role=Role.CSM, name="Mallory")
    planted = come_in(stranger, door, "mallory@example.com").cookies[BROWSER_COOKIE]
    client.cookies.set(BROWSER_COOKIE, planted)
    mine = come_in(client, door).cookies[BROWSER_COOKIE]
    assert mine != planted
    assert {one.id for one in rows(door)} == {hashed(mine)}
    leave(stranger)
    lock(stranger, door)
    assert row_of(door, account).locked_until is not None


def test_two_people_at_one_browser_are_both_known(client: TestClient, door: Door, world: World) -> None:
    first = person(door, world.organisation)
    other = person(door, world.organisation, "dana@example.com", role=Role.CSM, name="Dana Reyes")
    for email in (EMAIL, "dana@example.com", EMAIL):
        assert come_in(client, door, email).status_code == 303
        leave(client)
    assert {one.account_id for one in rows(door)} == {first, other}
    jar = {one.value for one in client.cookies.jar if one.name == BROWSER_COOKIE}
    assert {one.id for one in rows(door)} == {hashed(str(value)) for value in jar}


def test_a_new_password_forgets_the_browsers_but_the_one_where_it_was_chosen(
    client: TestClient, stranger: TestClient, door: Door, account: str
) -> None:
    come_in(stranger, door)
    come_in(client, door)
    asked = {"current": PASSWORD, "new": NEW}
    changed = client.post("/api/v1/me/password", json=asked, headers=csrf(client))
    assert changed.status_code == 204
    assert [one.id for one in rows(door)] == [hashed(changed.cookies[BROWSER_COOKIE])]
    leave(client)
    stranger.cookies.delete(HOST_COOKIE)
    lock(stranger, door)
    assert row_of(door, account).locked_until is not None
    assert come_in(client, door, password=NEW).status_code == 303


def test_who_is_signed_out_everywhere_is_known_nowhere(
    client: TestClient, stranger: TestClient, door: Door, account: str, world: World
) -> None:
    come_in(stranger, door)
    person(door, world.organisation, "admin@example.com")
    come_in(client, door, "admin@example.com")
    ended = client.delete(f"/api/v1/accounts/{account}/sessions", headers=csrf(client))
    assert ended.json() == {"ended": 1}
    assert account not in {one.account_id for one in rows(door)}


def test_the_two_organisations_of_a_person_know_the_browser_each_for_itself(
    client: TestClient, stranger: TestClient, door: Door, account: str
) -> None:
    with door.store.write() as session:
        get_or_create(session, "second", now=datetime.now(UTC))
    other = person(door, "second", password=hash_password(NEW))
    assert come_in(client, door).status_code == 303
    leave(client)
    lock(stranger, door)
    assert (row_of(door, account).failed, row_of(door, other).failed) == (FREE_TRIES, FREE_TRIES)
    assert come_in(client, door, password=NEW).status_code == 401, "it has been in the one only"
    assert come_in(client, door).status_code == 303


def test_who_comes_without_cookies_leaves_no_more_than_some(door: Door, account: str) -> None:
    often = replace(door, settings=door.settings.model_copy(update={"rate_sign_in": 0}))
    with TestClient(create_app(often), base_url=PUBLIC, follow_redirects=False) as client:
        for _ in range(MOST + 2):
            client.cookies.clear()
            assert come_in(client, door).status_code == 303
        assert len(rows(door)) == MOST
        assert hashed(client.cookies[BROWSER_COOKIE]) in {one.id for one in rows(door)}
        with door.store.write() as session:
            for row in session.exec(select(KnownBrowser)).all():
                row.expires_at = datetime.now(UTC) - timedelta(seconds=1)
                session.add(row)
        client.cookies.clear()
        come_in(client, door)
        assert len(rows(door)) == 1, "those whose time is over go"
