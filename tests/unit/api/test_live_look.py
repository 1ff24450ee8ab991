"""A look that fails: nothing is lost, and nobody waits for what cannot be put into words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlmodel import Session

from keepwell.api.door import Door
from keepwell.api.sockets.look import Look
from keepwell.api.sockets.messages import Message, Said
from keepwell.api.sockets.topics import Topic
from keepwell.db.engine import Store
from keepwell.db.repositories.live import About, tell
from keepwell.db.repositories.views_live import Position
from keepwell.errors import StoreError
from tests.unit.db.world import World


@dataclass(eq=False)
class Ear:
    """A listener."""

    organisation: str
    topic: Topic = Topic.DASHBOARD
    customer: str | None = None
    since: Position | None = None


@pytest.fixture
def world(door: Door) -> World:
    world = World(door.store)
    world.customer("acme")
    return world


def kinds(messages: Any) -> list[str]:
    return [json.loads(one.text)["type"] for one in messages]


def changed(world: World) -> None:
    with world.store.write() as session:
        tell(session, world.organisation, About.SCORE, ["acme"])


def test_what_a_failed_look_should_have_told_the_next_one_tells(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, ear = Look(world.store), Ear(world.organisation)
    look.read([ear], [], 0.0)
    changed(world)

    asked = ["a database that is away"]

    @contextmanager
    def away(_store: Store) -> Iterator[Session]:
        if asked:
            raise StoreError("It does not answer.", retryable=True)
        yield Session()

    with monkeypatch.context() as broken:
        broken.setattr(Store, "read", away)
        with pytest.raises(StoreError):
            look.read([ear], [], 1.0)
    told = look.read([ear], [], 2.0)
    assert kinds(told.messages[world.organisation, Topic.DASHBOARD])[0] == "dashboard_update"


def test_who_cannot_be_told_something_reads_it_all_again_and_others_hear_theirs(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    look, ear, other = Look(world.store), Ear(world.organisation), Ear("org-2")
    look.read([ear, other], [], 0.0)
    changed(world)
    with world.store.write() as session:
        tell(session, "org-2", About.SCORE, ["theirs"])
    right = Said.of

    def wrong(said: Said, topic: Topic) -> list[Message]:
        if said._organisation == world.organisation:
            raise ZeroDivisionError
        return right(said, topic)

    monkeypatch.setattr(Said, "of", wrong)
    monkeypatch.setattr(Look, "_counts", lambda *_: {})
    told = look.read([ear, other], [], 1.0)
    assert kinds(told.messages[world.organisation, Topic.DASHBOARD]) == ["reset"]
    assert kinds(told.messages["org-2", Topic.DASHBOARD]) == ["dashboard_update"]
    assert "could not be put into words" in caplog.text
    assert look.read([ear, other], [], 2.0).messages == {}, "and not tried again for ever"


def test_figures_are_counted_as_seldom_as_they_may_be(world: World) -> None:
    look, ear = Look(world.store), Ear(world.organisation)
    look.read([ear], [], 0.0)
    counted = []
    for clock in range(1, 13):
        changed(world)
        told = look.read([ear], [], float(clock)).messages[world.organisation, Topic.DASHBOARD]
        counted += [clock for kind in kinds(told) if kind == "dashboard_stats"]
    assert counted == [1, 6, 11]
    assert look.figures_in(12.0) == 4.0, "the last change is counted too, when it is time"
    told = look.read([ear], [], 16.0).messages[world.organisation, Topic.DASHBOARD]
    assert kinds(told) == ["dashboard_stats"]
    assert look.figures_in(17.0) is None
