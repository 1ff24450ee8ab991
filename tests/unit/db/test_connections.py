"""Connections to PostgreSQL notice that the server is gone without a word."""

from __future__ import annotations

import traceback

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from keepwell.db.engine import REACHABLE, Store
from keepwell.errors import StoreError


def parameters(url: str) -> dict[str, str]:
    """What a store's connection was opened with."""
    store = Store(url)
    try:
        with store.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            return driver.info.get_parameters()
    finally:
        store.dispose()


def test_a_server_that_is_gone_is_noticed(postgresql_url: str) -> None:
    found = parameters(postgresql_url)
    assert {name: found[name] for name in REACHABLE} == {
        name: str(value) for name, value in REACHABLE.items()
    }


@pytest.mark.parametrize("name", REACHABLE)
def test_what_the_url_says_counts_more(name: str, postgresql_url: str) -> None:
    url = make_url(postgresql_url).update_query_dict({name: "7"})
    assert parameters(url.render_as_string(hide_password=False))[name] == "7"


def test_an_error_does_not_show_the_values_of_its_statement(store: Store) -> None:
    """They are names and addresses, and errors end up in logs."""
    given = {"name": "pat@customer.example"}
    with pytest.raises((SQLAlchemyError, StoreError)) as caught, store.read() as session:
        session.connection().execute(text("SELECT :name FROM nowhere"), given)
    whole = "".join(traceback.format_exception(caught.value))
    assert "FROM nowhere" in whole
    assert given["name"] not in whole
