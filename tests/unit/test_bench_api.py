"""The benchmark of the API with a few customers: it asks the real application, and notices errors."""

from __future__ import annotations

import pytest

from bench import api_asked, bench_api
from bench.api_client import Connections
from bench.portfolio_reads import bare, scope_of, values_of
from bench.portfolio_store import Size, fill
from keepwell.db.engine import Store
from tests.unit.db.world import real_moment

TINY = Size(customers=120, scores=360, metrics=1_200, events=600)


def _nothing(_path: str, _headers: object) -> bytes:
    return b'{"next": "cursor"}'


def test_every_function_and_its_sql_run_on_both_engines(store: Store) -> None:
    fill(store, TINY, real_moment())
    of = scope_of(store)
    given = values_of(store, of)
    asked = api_asked.asked(of, api_asked.let_in(store, of), _nothing)
    assert len(asked) > 10
    for one in asked:
        with store.read() as session:
            assert one.read(session) is not None, one
            bare(session.connection(), one.statements, given)


def test_every_address_is_asked_and_answers(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(sqlite_store, TINY, real_moment())
    monkeypatch.setattr(bench_api, "WARM", 0)
    found = bench_api.measure(sqlite_store, rounds=1)
    assert {"portfolio, second page", "statistics, 30 days", "page: Today", "page: customer"} <= set(found)
    for name, took in found.items():
        assert len(took.http) == len(took.read) == len(took.sql) == 1, name
        assert len(took.crowd) == bench_api.AT_ONCE * bench_api.BURST == took.answers, name
        assert min(*took.http, *took.crowd, took.together) > 0, name
    bench_api.show("tiny", found)
    assert "page: customer" in capsys.readouterr().out


def test_an_address_that_fails_ends_it(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(sqlite_store, TINY, real_moment())
    gone = [api_asked.Asked("gone", "/api/v1/nothing", {}, lambda _session: None, [])]
    monkeypatch.setattr(bench_api, "asked", lambda *_: gone)
    with pytest.raises(SystemExit, match="/api/v1/nothing answered 404"):
        bench_api.measure(sqlite_store, rounds=1)


def test_a_burst_asks_by_all_connections() -> None:
    with Connections(port=9, number=2) as nobody, pytest.raises(ConnectionRefusedError):
        nobody.burst("/", {}, 1)
