"""Single sign-on, with a provider of our own: who gets in, and what of its answers is not believed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from keepwell.api.access.oidc import STATE_COOKIE
from keepwell.api.door import Door
from keepwell.contracts.access import HOST_COOKIE, Role
from keepwell.db.tables import Account
from keepwell.web import create_app
from tests.fakes.oidc import CLIENT, OTHER_KEY, SECRET, FakeOidc
from tests.unit.api.conftest import PUBLIC
from tests.unit.api.people import EMAIL, person
from tests.unit.db.world import World


@pytest.fixture
def provider() -> Iterator[FakeOidc]:
    with FakeOidc() as fake:
        yield fake


@pytest.fixture
def door(door: Door, provider: FakeOidc) -> Door:
    settings = {
        "oidc_issuer": provider.address,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SecretStr(SECRET),
        "oidc_name": "Example Login",
    }
    return replace(door, settings=door.settings.model_copy(update=settings))


@pytest.fixture
def client(door: Door) -> Iterator[TestClient]:
    with TestClient(create_app(door), base_url=PUBLIC, follow_redirects=False) as asked:
        yield asked


@pytest.fixture
def account(door: Door) -> str:
    """Somebody without a password."""
    return person(door, World(door.store).organisation, role=Role.OPS, password="")


def at_the_provider(client: TestClient, wanted: str = "/console/alerts") -> str:
    """Go there and say yes; the address by which the browser comes back."""
    page = client.get("/sign-in", params={"next": wanted})
    assert "Continue with Example Login" in page.text
    sent = client.get("/sign-in/oidc", params={"next": wanted})
    assert sent.status_code == 303
    question = parse_qs(urlsplit(sent.headers["location"]).query)
    assert question["redirect_uri"] == [f"{PUBLIC}/sign-in/oidc/callback"]
    assert question["code_challenge_method"] == ["S256"]
    answered = httpx2.get(sent.headers["location"], trust_env=False)
    assert answered.status_code == 302
    return str(answered.headers["location"])


def test_who_has_an_account_gets_in(client: TestClient, account: str, door: Door) -> None:
    came = client.get(at_the_provider(client))
    assert (came.status_code, came.headers["location"]) == (303, "/console/alerts")
    assert client.get("/api/v1/me").json()["account_id"] == account
    with door.store.read() as session:
        assert session.get_one(Account, account).subject == "person-1"


def test_afterwards_the_person_counts_and_not_the_address(
    client: TestClient, account: str, door: Door, provider: FakeOidc
) -> None:
    client.get(at_the_provider(client))
    provider.person |= {"email": "robin.new@example.com", "email_verified": False}
    client.cookies.clear()
    assert client.get(at_the_provider(client)).status_code == 303
    assert client.get("/api/v1/me").json()["account_id"] == account
    # Somebody else who gets the old address at the provider is somebody else.
    provider.person = {"sub": "person-2", "email": EMAIL, "email_verified": True}
    client.cookies.clear()
    assert client.get(at_the_provider(client)).status_code == 401


@pytest.mark.parametrize(
    "said",
    [
        {"email": "nobody@example.com"},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": None},
        {"email": None},
        {"sub": ""},
    ],
)
def test_who_is_not_known_stays_out(
    client: TestClient, account: str, provider: FakeOidc, said: dict[str, object]
) -> None:
    provider.person |= said
    refused(client, at_the_provider(client))


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"aud": "another-client"},
        {"aud": "another-client", "azp": CLIENT},
        {"iss": "https://evil.example"},
        {"exp": 1_000_000_000},
    ],
)
def test_a_token_that_is_not_for_us_is_not_believed(
    client: TestClient, account: str, provider: FakeOidc, claims: dict[str, object]
) -> None:
    provider.claims = claims
    refused(client, at_the_provider(client))


def test_a_token_signed_by_somebody_else_is_not_believed(
    client: TestClient, account: str, provider: FakeOidc
) -> None:
    provider.signed_by = OTHER_KEY
    refused(client, at_the_provider(client))


def test_an_answer_counts_only_where_it_was_asked_for_and_once(client: TestClient, account: str) -> None:
    back = at_the_provider(client)
    kept = client.cookies[STATE_COOKIE]
    client.cookies.clear()
    refused(client, back)
    client.cookies.set(STATE_COOKIE, kept)
    refused(client, back.replace("state=", "state=x"))
    client.cookies.set(STATE_COOKIE, kept[:-2] + "xx")
    refused(client, back)
    client.cookies.clear()
    client.cookies.set(STATE_COOKIE, kept)
    assert client.get(back).status_code == 303
    client.cookies.clear()
    client.cookies.set(STATE_COOKIE, kept)
    refused(client, back)


def test_the_provider_may_say_no_or_be_away(client: TestClient, account: str, provider: FakeOidc) -> None:
    back = urlsplit(at_the_provider(client))
    state = parse_qs(back.query)["state"][0]
    refused(client, f"/sign-in/oidc/callback?error=access_denied&state={state}")
    back_again = at_the_provider(client)
    provider.script(path="/token", status=500, body="{}")
    refused(client, back_again)
    provider.reset()
    provider.script(path="/token", close="before")
    refused(client, at_the_provider(client))


def refused(client: TestClient, back: str) -> None:
    answer = client.get(back)
    assert answer.status_code == 401
    assert HOST_COOKIE not in answer.cookies
    assert 'role="alert"' in answer.text


def test_without_a_provider_there_is_no_way_to_it(door: Door) -> None:
    plain = replace(door, settings=door.settings.model_copy(update={"oidc_issuer": None}))
    with TestClient(create_app(plain), base_url=PUBLIC, follow_redirects=False) as client:
        assert "/sign-in/oidc" not in client.get("/sign-in").text
        assert client.get("/sign-in/oidc").status_code == 503
