"""The journal through the API: pages, filters, and going on from where one has read, without a gap."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from keepwell.contracts.access import Permission
from keepwell.db.repositories import journal
from keepwell.db.repositories import views_journal_since as told
from keepwell.db.repositories.views_journal import EventFilter
from keepwell.db.repositories.views_journal_since import TURN, since
from keepwell.errors import InputError
from tests.unit.api.desk_world import HOUR, Desk

Desks = tuple[Desk, Desk]


def write(session: Session, desk: Desk, key: str, **more: Any) -> None:
    row = {"kind": "task.snoozed", "text": key, "at": desk.now, "by": "Dana Reyes", **more}
    journal.write(
        session, key=f"{desk.world.organisation}/{key}", organisation=desk.world.organisation, **row
    )


def written(desk: Desk, *keys: str, **more: Any) -> None:
    for key in keys:
        with desk.store.write() as session:
            write(session, desk, key, **more)


def texts(lines: list[dict[str, Any]]) -> list[str]:
    return [line["text"] for line in lines]


def test_pages_hold_each_line_once_the_newest_first(desks: Desks) -> None:
    ours, theirs = desks
    keys = [f"l{number}" for number in range(7)]
    written(ours, *keys[:4], kind="draft.approved", customer=ours.named("acme"))
    written(ours, *keys[4:], by="engine")
    written(theirs, "x", "y")
    for limit in (1, 3, 50):
        assert texts(ours.pages("/events", limit=limit)) == keys[::-1]
    for query, found in (
        ({"kind": "draft"}, keys[3::-1]),
        ({"kind": "draft.approved", "by": "Dana Reyes"}, keys[3::-1]),
        ({"kind": "dra"}, []),
        ({"by": "engine"}, keys[:3:-1]),
        ({"customer": "acme"}, keys[3::-1]),
        ({"customer": "acme", "kind": "task"}, []),
        ({"since": (ours.now + HOUR).isoformat()}, []),
        ({"until": (ours.now + HOUR).isoformat()}, keys[::-1]),
    ):
        assert texts(ours.pages("/events", limit=2, **query)) == found, query


def test_what_came_since_is_told_once(desks: Desks) -> None:
    ours, theirs = desks
    written(ours, "a", "b")
    first = ours.get("/events").json()
    assert texts(first["items"]) == ["b", "a"]
    nothing = ours.get("/events", after=first["after"]).json()
    assert (nothing["items"], nothing["more"]) == ([], False)
    written(ours, *"cdefg")
    written(theirs, "x")
    found: list[str] = []
    after, more = nothing["after"], True
    while more:
        page = ours.get("/events", after=after, limit=2).json()
        found, after, more = found + texts(page["items"]), page["after"], page["more"]
    assert found == [*"cdefg"]
    assert ours.get("/events", after=after).json()["items"] == []
    # The same cursor again gives the same: who lost the answer asks once more.
    again = ours.get("/events", after=first["after"], limit=50).json()
    assert texts(again["items"]) == [*"cdefg"]
    assert texts(ours.get("/events", after=first["after"], kind="no").json()["items"]) == []


# On SQLite there is one writer, so nothing overlaps, and rows are numbered without an end.
ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@ON_POSTGRESQL
def test_a_line_that_is_committed_late_is_not_lost(desks: Desks) -> None:
    ours, _ = desks
    written(ours, "a")
    after = ours.get("/events").json()["after"]
    with Session(ours.store.engine) as slow:
        write(slow, ours, "slow")
        with slow.begin_nested():
            # A savepoint has a number of its own, which is greater.
            write(slow, ours, "slow, in a savepoint")
        written(ours, "fast")
        meanwhile = ours.get("/events", after=after).json()
        listed = ours.get("/events").json()
        slow.commit()
    written(ours, "last")
    later = ours.get("/events", after=meanwhile["after"]).json()
    found = texts(meanwhile["items"]) + texts(later["items"])
    assert sorted(found) == ["fast", "last", "slow", "slow, in a savepoint"]
    # The same for who began to read in between.
    found = texts(listed["items"]) + texts(ours.get("/events", after=listed["after"]).json()["items"])
    assert sorted(found) == ["a", "fast", "last", "slow", "slow, in a savepoint"]


@ON_POSTGRESQL
@pytest.mark.parametrize("turn", [0, 1, 3])
def test_the_numbers_of_transactions_may_go_round(desks: Desks, turn: int) -> None:
    """What PostgreSQL's rows keep is the rest of a number that is greater."""
    ours, _ = desks
    written(ours, "a")
    with ours.store.read() as session:
        cursor = told.horizon(session).cursor
        place = told._place(cursor)
        edge = told._edge(session)
    moved = told._Place(place.seen + turn * TURN, place.moment - timedelta(seconds=1))
    written(ours, "b")
    with pytest.MonkeyPatch.context() as patch, ours.store.read() as session:
        now = told._edge(session)
        assert now > edge
        patch.setattr(told, "_edge", lambda _: now + turn * TURN)
        came = since(session, ours.world.organisation, EventFilter(), moved.cursor, 50)
    assert [line.text for line in came.items] == ["b"]


def test_cursors_that_are_none(desks: Desks) -> None:
    ours, _ = desks
    written(ours, "a", "b")
    first = ours.get("/events", limit=1).json()
    for query in (
        {"after": "x"},
        {"after": first["next"]},
        {"cursor": first["after"]},
        {"cursor": first["next"], "after": first["after"]},
        {"cursor": "bm9uZQ"},
        {"since": ours.now.isoformat(), "until": (ours.now - HOUR).isoformat()},
    ):
        assert ours.get("/events", **query).status_code == 422, query
    with ours.store.read() as session, pytest.raises(InputError, match="another database"):
        since(session, "org-1", EventFilter(), told._Place(2**60, ours.now).cursor, 1)


def test_who_has_it_already_gets_a_304_and_goes_on_from_where_they_were(desks: Desks) -> None:
    ours, theirs = desks
    written(ours, "a")
    first = ours.get("/events")
    written(theirs, "x")
    have = {**ours.headers, "If-None-Match": first.headers["etag"]}
    assert ours.client.get("/api/v1/events", headers=have).status_code == 304
    written(ours, "b")
    assert ours.client.get("/api/v1/events", headers=have).status_code == 200
    assert texts(ours.get("/events", after=first.json()["after"]).json()["items"]) == ["b"]


def test_the_export_is_a_line_each(desks: Desks) -> None:
    ours, theirs = desks
    written(ours, "a", "b")
    written(theirs, "x")
    found = ours.get("/events/export")
    assert found.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line)["text"] for line in found.text.splitlines()] == ["b", "a"]
    assert ours.get("/events/export", kind="none").text == ""


def test_the_whole_journal_is_for_those_who_operate(desks: Desks) -> None:
    ours, theirs = desks
    reader = ours.as_who(Permission.READ)
    assert reader.get("/events").status_code == 403
    assert reader.get("/events/export").status_code == 403
    assert reader.get("/events", customer="acme").status_code == 200
    run = theirs.intervention("i", theirs.named("acme"))
    assert ours.get("/events", intervention=run).status_code == 404
    assert ours.get("/events", customer=theirs.named("acme")).status_code == 404
    assert theirs.get("/events", intervention=run).status_code == 200
