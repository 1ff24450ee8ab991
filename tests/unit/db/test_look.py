"""A look at the store: one session for all that reads within it, and none after it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keepwell.adapters.gate import StoreGate
from keepwell.contracts.delivery import GoNow, Recipient
from keepwell.contracts.playbook import Sender
from keepwell.db.engine import Store
from keepwell.db.repositories.directory import DirectoryRepository
from keepwell.db.repositories.lookup import found
from keepwell.db.tables import Customer
from keepwell.errors import NotFoundError, StoreError
from tests.databases import statements
from tests.unit.db.facts_case import call_of
from tests.unit.db.world import NOW, World


@pytest.fixture
def world(store: Store) -> World:
    made = World(store)
    made.customer("acme", name="Acme")
    return made


def name_of(store: Store) -> str:
    with store.read() as session:
        return session.get_one(Customer, "acme").name


def test_within_a_look_a_row_is_fetched_once_and_after_it_anew(world: World) -> None:
    with world.store.look():
        with world.store.look():
            assert name_of(world.store) == "Acme"
        world.change(Customer, "acme", name="Apex")
        assert name_of(world.store) == "Acme"
        with ThreadPoolExecutor(1) as other:
            assert other.submit(name_of, world.store).result() == "Apex"
    assert name_of(world.store) == "Apex"


def test_what_two_repositories_ask_in_a_look_is_asked_once(world: World) -> None:
    """The gate and the letter's sender, as for each message that goes out."""
    world.contact("ann", "acme")
    world.score("acme", 12, NOW)
    world.intervention("i-1", "acme")
    ann = Recipient(id="ann", kind="contact", name="Ann", address="ann@customer.example", time_zone="UTC")
    call, gate, directory = call_of(), StoreGate(world.store), DirectoryRepository(world.store)
    with statements(world.store) as sent, world.store.look():
        assert gate.ask(call, ann, "email") == GoNow()
        assert directory.sender(call, Sender.COMPANY)
    read = [one.partition("FROM ")[2].split()[0] for one in sent if "FROM" in one]
    wishes = ["contact_preference", "suppression"]
    manners = ["closed_day", "kill_switch"]
    assert sorted(read) == sorted(["contact", "customer", "intervention", "organisation", *wishes, *manners])


def test_a_look_that_fails_is_over(world: World) -> None:
    with pytest.raises(NotFoundError), world.store.look(), world.store.read() as session:
        found(session, Customer, "nobody", "customer")
    assert name_of(world.store) == "Acme"
    world.change(Customer, "acme", name="Apex")
    assert name_of(world.store) == "Apex"


def test_who_finds_the_database_taken_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keepwell.db.engine.BUSY_SECONDS", 0.05)
    url = f"sqlite:///{tmp_path / 'taken.sqlite3'}"
    first, second = Store(url), Store(url)
    with first.write() as holding:
        holding.connection()
        with pytest.raises(StoreError, match="was locked for more than") as caught, second.write() as waiting:
            waiting.connection()
    assert caught.value.retryable
    with second.write() as session:
        session.connection()
    first.dispose()
    second.dispose()
