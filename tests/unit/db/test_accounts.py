"""Accounts, sessions and keys on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from keepwell.contracts.access import Permission, Role
from keepwell.db.engine import Store
from keepwell.db.repositories import accounts, demo_accounts, keys, sessions, signing_in
from keepwell.db.repositories.keys_and_sessions import caller_with_key, caller_with_session
from keepwell.db.tables import Account, Organisation
from keepwell.errors import NotFoundError, RefusedError
from tests.unit.db.world import NOW, World


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def made(session: Session, email: str, role: Role = Role.ADMIN) -> Account:
    return accounts.add_account(
        session, "org-1", email=email, name="Robin", role=role, by="a test", now=NOW, password="hash"
    )


def test_an_account_its_sessions_and_its_end(world: World) -> None:
    world.staff("robin", email="Robin@Example.com")
    with world.store.write() as session:
        row = made(session, "robin@example.com")
        made(session, "other@example.com")
        tokens = [signing_in.enter(session, row, NOW, how="password") for _ in range(3)]
    with world.store.read() as session:
        line = accounts.account_line(session, "org-1", row.id)
        assert (line.staff_id, line.staff, line.sessions) == ("robin", "Robin Staff", 3)
        assert [one.id for one in accounts.with_email(session, " ROBIN@example.com")] == [row.id]
        assert [one.current for one in sessions.sessions_of(session, row.id, tokens[0], NOW)].count(True) == 1
        (first, *_) = sessions.sessions_of(session, row.id, tokens[0], NOW)
    with world.store.write() as session:
        sessions.end_session_of(session, row.id, first.id)
        with pytest.raises(NotFoundError):
            sessions.end_session_of(session, row.id, "%" * sessions.SHOWN)
        assert accounts.end_sessions(session, row.id, keep="none") == 2
        assert accounts.change_account(
            session, session.get_one(Account, row.id), by="x", now=NOW, active=False
        )
    with world.store.read() as session:
        assert not any(caller_with_session(session, token, NOW) for token in tokens)


def test_tries_are_counted_and_the_account_rests(world: World) -> None:
    with world.store.write() as session:
        row = made(session, "robin@example.com")
    for _ in range(signing_in.FREE_TRIES):
        with world.store.write() as session:
            assert signing_in.count_try(session, row, NOW)
    with world.store.write() as session:
        assert not signing_in.count_try(session, row, NOW)
        assert not signing_in.count_try(session, None, NOW)
        assert session.get_one(Account, row.id).locked_until == NOW + signing_in.FIRST_REST
    with world.store.write() as session:
        assert signing_in.count_try(session, row, NOW + timedelta(minutes=2))
    with world.store.read() as session:
        after = session.get_one(Account, row.id)
        assert after.locked_until == NOW + timedelta(minutes=2) + 2 * signing_in.FIRST_REST


def test_a_key_lets_in_until_it_is_taken_back(world: World) -> None:
    scopes = {Permission.READ, Permission.ACT}
    with world.store.write() as session:
        key = keys.new_key(session, "org-1", name="a", scopes=scopes, by="x", now=NOW)
    with world.store.write() as session:
        found = caller_with_key(session, key.key, NOW)
        assert found is not None
        assert found.permissions == scopes
        assert keys.revoke_key(session, "org-1", key.prefix, by="y", now=NOW).revoked_by == "y"
        with pytest.raises(RefusedError):
            keys.revoke_key(session, "org-1", key.id, by="y", now=NOW)
        assert caller_with_key(session, key.key, NOW) is None
        assert keys.keys(session, "org-1") == []


def test_a_demo_is_entered_as_its_busiest_people(world: World) -> None:
    for name in ("anna", "dana"):
        world.staff(name)
    with world.store.write() as session:
        assert demo_accounts.demo_account(session, "org-1", Role.CSM, NOW) is None
    world.change(Organisation, "org-1", demo=True)
    with world.store.write() as session:
        first = demo_accounts.demo_account(session, "org-1", Role.CSM, NOW)
        again = demo_accounts.demo_account(session, "org-1", Role.CSM, NOW)
        assert first is not None
        assert again is not None
        assert (first.id, first.staff_id) == (again.id, "anna")
        assert demo_accounts.demo_account(session, "org-1", Role.CLIENT, NOW) is None
