"""A rehearsal says what a real run does, message by message, and leaves the real store as it was."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import SQLModel

import worker
from keepwell.contracts.commands import Acknowledge, CommandBase, Pause, Respond
from keepwell.contracts.playbook import Playbook
from keepwell.db.engine import Store
from keepwell.db.tables import InAppNotification
from keepwell.errors import InputError
from keepwell.playbooks import BUILT_IN, PlaybookRegistry
from keepwell.rehearsal.compare import compare
from keepwell.rehearsal.figures import move_to
from keepwell.rehearsal.play import Played, ScoreLine, wants_acknowledgement
from keepwell.rehearsal.reactions import PauseFor, Reaction, Reply, ScoreTo, Script, SkipStep
from keepwell.rehearsal.rehearse import full_minute, rehearse, rehearse_on
from keepwell.rehearsal.scratch import fill, read_excerpt, scratch_store
from keepwell.rehearsal.telling import tell
from keepwell.rehearsal.timeline import Entry, Timeline
from keepwell.settings import Settings
from keepwell.temporal import server_process
from tests.unit.db.world import CARD, World
from tests.workflows.stage import DAY, HOUR, Stage
from workflows.critical import CRITICAL

PLAYBOOKS = [one for one in PlaybookRegistry(BUILT_IN).playbooks.values() if one.level is not None]
ANSWERED = Script(reactions=(PauseFor(at=20 * HOUR, until=44 * HOUR), Reply(at=4 * DAY + HOUR)))
SILENT = Script(acknowledge=None)
_MOMENT = re.compile(r"\b\d{2}:\d{2}\b")
_ID = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b")


def furnish(world: World) -> str:
    """A customer with a past, and others like it, one of whom found its way up."""
    now = datetime.now(UTC)
    alike: dict[str, Any] = {"industry": "Retail", "segment": "small business"}
    world.customer("acme", owner_id="dana", monthly_revenue=1200.0, plan="Team", **alike)
    for number, role in enumerate(("decision_maker", "champion")):
        world.contact(f"acme-{number}", "acme", role=role, consent="granted")
    world.score("acme", 78, now - 40 * DAY)
    world.score("acme", 72, now - 3 * DAY)
    for number in range(6):
        peer = world.customer(f"peer-{number}", **alike)
        world.score(peer, 30 + 5 * number, now - 90 * DAY)
        world.score(peer, 70 + 3 * number, now - 2 * DAY)
    return "acme"


def plain(text: str) -> str:
    """A text without what may differ between two runs: ids, and times of day."""
    return _MOMENT.sub("<time>", _ID.sub("<id>", text))


async def rehearsed(scratch: Store, playbook: Playbook, script: Script) -> Timeline:
    """A rehearsal on a filled scratch store, beginning with the next minute as all of them do."""
    start = script.start or full_minute(datetime.now(UTC))
    script = script.model_copy(update={"start": start})
    return await rehearse_on(Settings(), scratch, "acme", playbook, script)


@contextmanager
def copied(stage: Stage) -> Iterator[Store]:
    """What a rehearsal copies from the stage's store, as it is before anything runs there."""
    real = Store(stage.store.url.render_as_string(hide_password=False), read_only=True)
    with scratch_store() as scratch:
        fill(scratch, read_excerpt(real, "acme", datetime.now(UTC), {}))
        real.dispose()
        yield scratch


async def both(stage: Stage, playbook: Playbook, script: Script) -> tuple[Timeline, Timeline]:
    """The rehearsal and the real run, side by side; each has a server of its own."""
    furnish(stage.world)
    with copied(stage) as scratch:
        points = middle(playbook)
        return await asyncio.gather(rehearsed(scratch, playbook, script), really(stage, points, script))


def middle(playbook: Playbook) -> float:
    """The middle of the level that a playbook is for."""
    tops = [100.0, *(band.lower for band in CARD.bands)]
    return next(
        (band.lower + top) / 2
        for band, top in zip(CARD.bands, tops, strict=False)
        if band.level is playbook.level
    )


async def really(stage: Stage, points: float, script: Script) -> Timeline:
    """The same with a real run: production parts on the real store, as the other tests play it."""
    stage.clocks["acme"] = datetime.now(UTC)
    await new_figures(stage, points)
    opened = await stage.opened("acme")
    played = Played(opened.started_at, opened.started_at)
    acts: list[tuple[timedelta, Reaction | None]] = [(one.at, one) for one in script.in_order]
    if script.acknowledge is not None and wants_acknowledgement(Playbook.model_validate(opened.definition)):
        acts.append((script.acknowledge, None))
    for at, reaction in sorted(acts, key=lambda act: act[0]):
        await stage.forward("acme", opened.started_at + at - stage.clocks["acme"] + timedelta(seconds=1))
        await act(stage, opened.started_at, reaction, played)
    await stage.until_end("acme")
    played.now = datetime.now(UTC) + timedelta(days=400)
    return tell(stage.store, "acme", played, (), script, ())


async def new_figures(stage: Stage, points: float) -> ScoreLine:
    """Figures that give these points, scored and handed over as `keepwell metric` does."""
    now, world = stage.clocks["acme"], stage.world
    await asyncio.to_thread(move_to, stage.store, world.organisation, "acme", points, now)
    scored = await asyncio.to_thread(stage.parts.scores.score_customer, world.organisation, "acme", now)
    assert scored.transition is not None
    await stage.parts.hand_over.hand_over(scored.transition, now)
    rows = await stage.eventually(
        lambda: stage.transitions("acme"), lambda rows: rows[-1].decision is not None
    )
    return ScoreLine(now, scored, rows[-1])


async def act(stage: Stage, start: datetime, reaction: Reaction | None, played: Played) -> None:
    """What a person does, by the update that the command line uses."""
    kinds: dict[type, type[CommandBase]] = {Reply: Respond, PauseFor: Pause}
    match reaction:
        case None:
            await stage.command("acme", Acknowledge, by="Dana Reyes")
        case ScoreTo(points=points):
            played.scores.append(await new_figures(stage, points))
        case PauseFor(until=timedelta() as until):
            await stage.command("acme", Pause, by="Dana Reyes", until=start + until)
        case _:
            await stage.command("acme", kinds[type(reaction)], by="Dana Reyes")


def messages_of(timeline: Timeline) -> list[tuple[str, ...]]:
    """Every message of a timeline that went out, as texts."""
    return sorted(
        tuple(
            plain(part) for part in (one.channel, one.recipient, one.address, one.subject, one.text, one.html)
        )
        for entry in timeline.entries
        for one in entry.messages
        if one.state == "accepted"
    )


def messages_in(stage: Stage) -> list[tuple[str, ...]]:
    """Every message that the real run handed to a channel, straight from the channels' tables."""
    kept = [
        (row.channel, row.recipient_name, row.address, row.subject, row.text, row.html)
        for row in stage.outbox("acme")
    ]
    names = {"acme-0": "Acme-0 Person", "acme-1": "Acme-1 Person"}
    shown = [
        ("in_app", names[row.contact_id], "", row.title, row.body, "")
        for row in stage.rows(InAppNotification, customer_id="acme")
    ]
    return sorted(tuple(plain(part) for part in message) for message in (*kept, *shown))


def without_gate(timeline: Timeline) -> Timeline:
    """The timeline as the store alone tells it: the gate's answers are not kept there."""

    def bare(entries: Sequence[Entry]) -> tuple[Entry, ...]:
        return tuple(entry.model_copy(update={"gate": ()}) for entry in entries)

    lists = {name: bare(getattr(timeline, name)) for name in ("entries", "left_out", "ahead")}
    return timeline.model_copy(update=lists)


def differences(left: Timeline, right: Timeline) -> list[tuple[str, list[str]]]:
    """What differs, apart from the time of day at which either began."""
    found: list[tuple[str, list[str]]] = []
    for pair in compare(left, right).pairs:
        changes = [one.what for one in pair.changes if plain(one.left) != plain(one.right)]
        if changes or pair.left is None or pair.right is None:
            found.append((f"{pair.title}: {pair.state}", changes))
    return found


@pytest.mark.parametrize("script", [SILENT, ANSWERED], ids=["silent", "answered"])
@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda playbook: playbook.name)
async def test_a_rehearsal_is_what_a_real_run_does(
    sqlite_stage: Stage, playbook: Playbook, script: Script
) -> None:
    left, right = await both(sqlite_stage, playbook, script)
    assert messages_of(left) == messages_in(sqlite_stage)
    assert len(messages_of(left)) >= 2
    assert differences(without_gate(left), right) == []
    asked = [line.answer for entry in left.entries for line in entry.gate]
    assert asked.count("now") == len(messages_of(left))


async def test_a_take_over_is_told_in_one_timeline_as_it_really_goes(sqlite_stage: Stage) -> None:
    (at_risk,) = [one for one in PLAYBOOKS if one.name == "at_risk"]
    script = Script(
        reactions=(ScoreTo(at=5 * DAY, points=10), Reply(at=6 * DAY + 6 * HOUR)), acknowledge=None
    )
    left, right = await both(sqlite_stage, at_risk, script)
    assert [ending.outcome for ending in left.endings] == ["superseded", "responded"]
    assert [ending.playbook for ending in left.endings] == ["at_risk@1", CRITICAL.label]
    assert messages_of(left) == messages_in(sqlite_stage)
    assert differences(without_gate(left), right) == []
    scores = [entry for entry in left.entries if entry.kind == "score"]
    assert [round(one.offset / DAY) for one in scores] == [5]
    assert "CRITICAL" in scores[0].title


async def test_what_follows_an_end_begins_at_its_own_time(sqlite_stage: Stage) -> None:
    furnish(sqlite_stage.world)
    script = Script(
        reactions=(
            Reply(at=3 * HOUR),
            ScoreTo(at=4 * DAY, points=70),
            SkipStep(at=5 * DAY, step="phone_call"),
            ScoreTo(at=9 * DAY, points=50),
            PauseFor(at=11 * DAY),
        ),
        start=datetime.now(UTC) + 2 * DAY,
    )
    with copied(sqlite_stage) as scratch:
        found = await rehearsed(scratch, CRITICAL, script)
    assert script.start is not None
    assert abs(found.started_at - script.start) < timedelta(minutes=1)
    begins = [(entry.playbook, round(entry.offset / DAY)) for entry in found.entries if entry.kind == "begin"]
    assert begins == [(CRITICAL.label, 0), ("at_risk@1", 9)]
    refused = [entry for entry in found.entries if entry.kind == "refused"]
    assert [entry.why for entry in refused] == ["No intervention runs any more."]
    # A pause that nobody ends has no end: what would still come is told, and the rehearsal is over.
    assert found.outcome == "still open"
    assert [entry.step for entry in found.ahead][:2] == ["unused_features", "success_story"]


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Production elsewhere: a remote cluster that does not answer, sending switched to live, no home yet."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("KEEPWELL_HOME", str(tmp_path / "home"))

    def no_channel(*_: object) -> None:
        raise AssertionError("a rehearsal asked for the channels to the outside")

    monkeypatch.setattr(worker, "channels", no_channel)
    yield folder
    assert [*folder.iterdir()] == []
    assert not (tmp_path / "home").exists()


def counts(store: Store) -> dict[str, int]:
    """How many rows each table has."""
    with store.read() as session:
        connection = session.connection()
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in SQLModel.metadata.tables.items()
        }


def small_world(store: Store) -> None:
    world = World(store)
    world.staff("lena", role="lead")
    world.staff("dana", manager_id="lena")
    furnish(world)


def test_nothing_is_written_or_sent_and_nothing_is_left(
    database_url: str, away: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Store(database_url)
    small_world(whole)
    before = counts(whole)
    whole.dispose()
    file = Path(whole.url.database or "") if whole.url.get_backend_name() == "sqlite" else None
    content = file.read_bytes() if file else b""
    servers: list[server_process.ServerProcess] = []
    start = server_process.start

    def noted(*arguments: Any, **options: Any) -> server_process.ServerProcess:
        servers.append(start(*arguments, **options))
        return servers[-1]

    monkeypatch.setattr(server_process, "start", noted)
    real = Store(database_url, read_only=True)
    settings = Settings(sending="live", database_url=database_url)
    script = Script(reactions=(Reply(at=3 * HOUR),))
    try:
        (found,) = rehearse(settings, real, "acme", [CRITICAL], script)
    finally:
        real.dispose()
    assert found.outcome == "responded"
    assert [server.ended() for server in servers] == [True]
    if file is not None:
        assert file.read_bytes() == content
        journal = file.with_name(f"{file.name}-wal")
        assert not journal.exists() or journal.read_bytes() == b""
    assert counts(whole) == before
    whole.dispose()


def test_nothing_is_left_after_a_rehearsal_that_fails(sqlite_url: str, away: Path) -> None:
    whole = Store(sqlite_url)
    small_world(whole)
    before = counts(whole)
    with pytest.raises(InputError, match="CRITICAL") as refused:
        rehearse(Settings(), whole, "acme", [CRITICAL], Script(from_score=55))
    assert refused.value.place == "--from-score"
    assert counts(whole) == before
    whole.dispose()


def test_what_would_prevent_it_today_is_told_and_prevents_nothing(sqlite_url: str, away: Path) -> None:
    whole = Store(sqlite_url)
    world = World(whole)
    world.staff("dana")
    world.customer("acme", owner_id="dana")
    world.contact("mara", "acme")
    world.score("acme", 12, datetime.now(UTC) - DAY)
    world.intervention("one", "acme", started_at=datetime.now(UTC) - DAY)
    (found,) = rehearse(Settings(), whole, "acme", [CRITICAL], Script(reactions=(Reply(at=3 * HOUR),)))
    assert found.outcome == "responded"
    # Its level fits, so it begins with the figures it has.
    assert any("begins with its own score, 12.0" in note for note in found.notes)
    assert any("Today it would not begin: critical is running" in note for note in found.notes)
    whole.dispose()
