"""`keepwell accounts` and `keepwell keys`, as people type them."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from sqlmodel import select

from keepwell.db.repositories.keys_and_sessions import begin_session, caller_with_key, caller_with_session
from keepwell.db.tables import Account, Event
from keepwell.passwords import is_password
from tests.unit.cli.conftest import Cli
from tests.unit.db.world import World

PASSWORD = "four unlikely words together"
ADD = ("accounts", "add", "dana@brightdesk.example", "--name", "Dana Reyes", "--by", "olga")


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def account(world: World) -> Account:
    with world.store.read() as session:
        return session.exec(select(Account)).one()


def test_an_account_is_added_by_stdin_and_tied_to_the_staff(
    cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.staff("dana")
    typed(monkeypatch, f"{PASSWORD}\n")
    added = cli(*ADD, "--role", "ops", "--password-stdin")
    assert added.code == 0
    assert "Dana Reyes may sign in at http://127.0.0.1:8800/sign-in as ops." in added.out
    row = account(world)
    assert is_password(row.password, PASSWORD)
    assert (row.staff_id, row.created_by) == ("dana", "olga")
    with world.store.read() as session:
        (line,) = session.exec(select(Event).where(Event.kind == "account.added")).all()
    assert (line.by, PASSWORD in str(line.model_dump())) == ("olga", False)
    assert cli(*ADD, "--no-password").code == 4
    shown = cli("accounts", "list").out
    assert "dana@brightdesk.example" in shown
    assert PASSWORD not in shown
    assert cli("accounts", "list", "--json").json["accounts"][0]["role"] == "ops"


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "it has 5 characters"),
        ("password1234!", "one of those that are tried first"),
        ("qwertyuiop[]12", "one of those that are tried first"),
        ("abcabcabcabcabc", "the same again and again"),
        ("dana reyes 2026", "little more than the name"),
        ("x" * 201, "it has 201 characters"),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused(
    cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch, password: str, why: str
) -> None:
    typed(monkeypatch, f"{password}\n")
    refused = cli(*ADD, "--password-stdin")
    assert refused.code == 2
    assert why in " ".join(refused.err.split())
    assert cli("accounts", "list", "--json").json == {"accounts": []}


def test_without_a_terminal_nobody_is_asked(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "")
    refused = cli(*ADD)
    assert (refused.code, "--password-stdin" in refused.err) == (2, True)


def test_a_client_has_a_customer_and_nobody_else(cli: Cli, world: World) -> None:
    world.customer("acme")
    assert cli(*ADD, "--no-password", "--role", "client").code == 2
    assert cli(*ADD, "--no-password", "--customer", "acme").code == 2
    assert cli(*ADD, "--no-password", "--role", "client", "--customer", "Acme").code == 0
    assert account(world).customer_id == "acme"
    assert cli("accounts", "role", "dana@brightdesk.example", "csm").code == 0
    assert account(world).customer_id is None


def test_roles_passwords_and_goodbyes(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    cli(*ADD, "--no-password", "--role", "admin")
    alone = cli("accounts", "deactivate", "dana@brightdesk.example")
    assert (alone.code, "the only admin left" in alone.err) == (4, True)
    cli("accounts", "add", "erin@brightdesk.example", "--name", "Erin", "--role", "admin", "--no-password")
    with world.store.write() as session:
        row = session.exec(select(Account).where(Account.name == "Dana Reyes")).one()
        token = begin_session(session, row, datetime.now(UTC))
    typed(monkeypatch, PASSWORD)
    assert cli("accounts", "password", "dana@brightdesk.example", "--password-stdin").code == 0
    with world.store.read() as session:
        assert caller_with_session(session, token, datetime.now(UTC)) is None
    assert "dana@brightdesk.example is csm now." in cli("accounts", "role", row.id, "csm").out
    assert "may not sign in any more" in cli("accounts", "deactivate", "DANA@brightdesk.example").out
    assert "Nothing has changed." in cli("accounts", "deactivate", "dana@brightdesk.example").out
    assert "may sign in." in cli("accounts", "activate", "dana@brightdesk.example").out
    unknown = cli("accounts", "role", "dana@brightdesk.exmple", "csm")
    assert (unknown.code, "did you mean 'dana@brightdesk.example'" in unknown.err) == (3, True)


def test_a_key_is_shown_once_and_taken_back(cli: Cli, world: World) -> None:
    made = cli(
        "keys", "make", "nightly import", "-s", "ingest", "-s", "read", "--expires", "90d", "--json"
    ).json
    now = datetime.now(UTC)
    with world.store.read() as session:
        caller = caller_with_key(session, made["key"], now)
    assert caller is not None
    assert sorted(caller.permissions) == ["ingest", "read"]
    shown = cli("keys", "list")
    assert "nightly import" in shown.out
    assert made["key"] not in shown.out + cli("keys", "list", "--json").out + cli("audit", "--json").out
    assert cli("keys", "revoke", made["id"][-8:].lower(), "--by", "olga").code == 0
    with world.store.read() as session:
        assert caller_with_key(session, made["key"], now) is None
    assert cli("keys", "revoke", made["prefix"]).code == 4
    assert "nightly import" not in cli("keys", "list").out
    assert cli("keys", "list", "--all", "--json").json["keys"][0]["revoked_by"] == "olga"


@pytest.mark.parametrize(
    "arguments",
    [
        ("make", "x"),
        ("make", "x", "-s", "everything"),
        ("make", "x", "-s", "own"),
        ("make", "x", "-s", "read", "--customer", "acme"),
        ("make", "x", "-s", "read", "--expires", "soon"),
        ("make", "x", "-s", "read", "--expires", "2020-01-01"),
        ("make", " ", "-s", "read"),
        ("revoke", "nothing"),
    ],
)
def test_a_key_that_cannot_be_is_refused(cli: Cli, world: World, arguments: tuple[str, ...]) -> None:
    world.customer("acme")
    assert cli("keys", *arguments).code == 2
    assert cli("keys", "list", "--json").json == {"keys": []}


def test_a_key_for_a_customer(cli: Cli, world: World) -> None:
    world.customer("acme")
    made = cli("keys", "make", "their page", "-s", "own", "--customer", "Acme", "--json").json
    assert made["customer_id"] == "acme"
