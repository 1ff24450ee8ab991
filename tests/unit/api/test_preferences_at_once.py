"""An opt-out is not lost where others write to the same contacts at the same moment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlmodel import Session, select, text

from keepwell.api.door import Door
from keepwell.contracts.people import Purpose
from keepwell.db.engine import Store
from keepwell.db.repositories.wishes import unwanted
from keepwell.db.tables import Contact
from keepwell.links import Links, unsubscribe_url
from keepwell.settings import Settings
from keepwell.web import create_app
from tests.unit.api.conftest import PUBLIC
from tests.unit.db.world import World


@pytest.fixture
def busy(postgresql_url: str, tmp_path: Path) -> Iterator[Door]:
    """A store in which several write at once, with two contacts of one address."""
    store = Store(postgresql_url)
    world = World(store)
    for number, customer in enumerate(("acme", "other")):
        world.customer(customer)
        world.contact(f"pat{number}", customer, email="pat@acme.example")
    settings = Settings(home=tmp_path, public_url=PUBLIC)
    yield Door(settings=settings, store=store, links=Links(SecretStr("k" * 40), PUBLIC))
    store.dispose()


def hold(session: Session, contact: str) -> None:
    session.exec(select(Contact).where(Contact.id == contact).with_for_update()).one()


def waits(store: Store) -> None:
    """Until a transaction waits for a row that another has."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with store.read() as session:
            if session.connection().execute(query).scalar_one():
                return
        time.sleep(0.02)
    raise AssertionError("nobody waits")


def test_one_click_gets_past_an_import_that_takes_the_contacts_in_another_order(busy: Door) -> None:
    path = unsubscribe_url(busy.links, "pat0", Purpose.TIPS).removeprefix(PUBLIC)
    with TestClient(create_app(busy), base_url=PUBLIC) as client, ThreadPoolExecutor(1) as other:
        with busy.store.write() as session:
            hold(session, "pat1")
            answer = other.submit(client.post, path, data={"List-Unsubscribe": "One-Click"})
            waits(busy.store)
            # Now each waits for the other, and PostgreSQL ends the one that has waited for longer.
            hold(session, "pat0")
        assert answer.result(timeout=20).status_code == 200
    with busy.store.read() as session:
        assert set(unwanted(session, session.exec(select(Contact)).all())) == {"pat0", "pat1"}
