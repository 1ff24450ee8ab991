"""A rehearsal leaves the real store as it was, sends nothing, and says what it has assumed."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import SQLModel
from temporalio.client import WorkflowHandle
from temporalio.testing import TimeSkipper

import worker
from keepwell.adapters.sendgrid import SendGrid
from keepwell.adapters.slack import Slack
from keepwell.contracts.playbook import Playbook
from keepwell.db.engine import Store
from keepwell.db.tables import Absence, Organisation
from keepwell.errors import InputError, KeepwellError
from keepwell.rehearsal.reactions import PauseFor, Reply, ScoreTo, Script, SkipStep
from keepwell.rehearsal.rehearse import full_minute, rehearse, rehearse_on, would_refuse
from keepwell.rehearsal.scratch import fill, read_excerpt, scratch_store
from keepwell.rehearsal.timeline import Timeline
from keepwell.settings import Settings
from keepwell.temporal import server_process
from tests.unit.db.world import World
from tests.workflows.rehearsal_world import furnish
from tests.workflows.stage import DAY, HOUR, Stage
from workflows.critical import CRITICAL
from workflows.expansion import TEAM, USAGE_LIMIT


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
    reason = f"No intervention runs any more: {CRITICAL.label} ended as responded."
    assert [entry.why for entry in refused] == [reason]
    assert found.refused == tuple(refused)
    # A pause that nobody ends has no end: what would still come is told, and the rehearsal is over.
    assert found.outcome == "still open"
    assert [entry.step for entry in found.ahead][:2] == ["unused_features", "success_story"]


@pytest.mark.parametrize(
    ("answer", "day", "title", "why"),
    [
        (None, 9, "The offer has expired", "Nobody has taken it"),
        (Reply(at=6 * DAY), 6, "The offer is withdrawn", f"{CRITICAL.label} ended: responded"),
    ],
    ids=["expired", "withdrawn"],
)
async def test_what_was_called_off_and_what_became_of_the_offer_stand_at_their_own_times(
    sqlite_stage: Stage, answer: Reply | None, day: int, title: str, why: str
) -> None:
    furnish(sqlite_stage.world)
    reactions = (PauseFor(at=2 * DAY, until=4 * DAY), *([answer] if answer else []))
    with copied(sqlite_stage) as scratch:
        found = await rehearsed(scratch, CRITICAL, Script(reactions=reactions))
    # Acknowledged at +30 min; the pause of the third day has nothing to do with it.
    chain = [(one.step, round(one.offset / HOUR)) for one in found.left_out]
    assert chain == [("tell_cover", 1), ("escalate", 2)]
    row, over = [one for one in found.entries if one.kind == "offer"]
    assert (row.step, round(row.offset / DAY)) == ("retention_offer", 5)
    assert row.offer is not None
    assert not row.offer.early
    assert (over.title, over.why, round(over.offset / DAY)) == (title, why, day)


async def test_a_clock_that_jumps_past_its_moment_ends_the_rehearsal(
    sqlite_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reaction that is played at another time than it was placed at would tell another story."""
    forward = TimeSkipper.fast_forward

    async def too_far(skipper: TimeSkipper, run: WorkflowHandle[Any, Any], length: timedelta) -> bool:
        return await forward(skipper, run, length + DAY)

    monkeypatch.setattr(TimeSkipper, "fast_forward", too_far)
    furnish(sqlite_stage.world)
    with copied(sqlite_stage) as scratch, pytest.raises(KeepwellError, match="should stop at") as jumped:
        await rehearsed(scratch, CRITICAL, Script(reactions=(PauseFor(at=2 * DAY, until=4 * DAY),)))
    assert jumped.value.retryable


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
    for sender in (SendGrid, Slack):
        monkeypatch.setattr(sender, "__init__", no_channel)
    yield folder
    assert [*folder.iterdir()] == []
    assert not (tmp_path / "home").exists()


def rows_of(store: Store) -> dict[str, list[str]]:
    """Every row of every table."""
    with store.read() as session:
        connection = session.connection()
        return {
            name: sorted(repr(tuple(row)) for row in connection.execute(select(table)))
            for name, table in SQLModel.metadata.tables.items()
        }


def small_world(store: Store) -> None:
    world = World(store)
    world.staff("lena", role="lead")
    world.staff("dana", manager_id="lena")
    furnish(world)


@pytest.mark.parametrize("playbook", [CRITICAL, USAGE_LIMIT], ids=lambda one: one.name)
def test_nothing_is_written_or_sent_and_nothing_is_left(
    database_url: str, away: Path, monkeypatch: pytest.MonkeyPatch, playbook: Playbook
) -> None:
    whole = Store(database_url)
    small_world(whole)
    before = rows_of(whole)
    whole.dispose()
    assert sum(len(rows) for rows in before.values()) > 100
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
        (found,) = rehearse(settings, real, "acme", [playbook], script)
    finally:
        real.dispose()
    assert found.outcome == "responded"
    assert [server.ended() for server in servers] == [True]
    if file is not None:
        assert file.read_bytes() == content
        journal = file.with_name(f"{file.name}-wal")
        assert not journal.exists() or journal.read_bytes() == b""
    assert rows_of(whole) == before
    whole.dispose()


def test_nothing_is_left_after_a_rehearsal_that_fails(sqlite_url: str, away: Path) -> None:
    whole = Store(sqlite_url)
    small_world(whole)
    before = rows_of(whole)
    with pytest.raises(InputError, match="CRITICAL") as refused:
        rehearse(Settings(), whole, "acme", [CRITICAL], Script(from_score=55))
    assert refused.value.place == "from_score"
    assert rows_of(whole) == before
    whole.dispose()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left_when_the_process_is_told_to_end(
    sqlite_url: str, away: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    whole = Store(sqlite_url)
    small_world(whole)
    servers: list[server_process.ServerProcess] = []
    start, own = server_process.start, signal.signal(number, signal.SIG_DFL)

    def noted(*arguments: Any, **options: Any) -> server_process.ServerProcess:
        servers.append(start(*arguments, **options))
        return servers[-1]

    def end(text: str) -> None:
        if text.startswith("Playing"):
            assert [*away.glob("keepwell-rehearsal-*/rehearsal.sqlite3")]
            signal.raise_signal(number)

    monkeypatch.setattr(server_process, "start", noted)
    try:
        with pytest.raises(KeyboardInterrupt):
            rehearse(Settings(), whole, "acme", [CRITICAL], Script(), end)
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, own)
    assert [server.ended() for server in servers] == [True]
    whole.dispose()


def _away(world: World, who: str, *, cover: str) -> None:
    """Somebody is away this week."""
    world.staff(cover)
    today = datetime.now(UTC).date()
    absence = Absence(
        id="absence-1",
        organisation_id=world.organisation,
        staff_id=who,
        from_on=today - DAY,
        until_on=today + 7 * DAY,
        cover_id=cover,
        entered_by="lou",
        entered_at=datetime.now(UTC),
    )
    world.add(absence)


def test_what_would_prevent_it_today_is_told_and_prevents_nothing(sqlite_url: str, away: Path) -> None:
    whole = Store(sqlite_url)
    world = World(whole)
    world.staff("dana")
    world.customer("acme", owner_id="dana")
    world.contact("mara", "acme")
    world.score("acme", 12, datetime.now(UTC) - DAY)
    world.intervention("one", "acme", started_at=datetime.now(UTC) - DAY)
    world.change(Organisation, world.organisation, new_playbooks="draft")
    _away(world, "dana", cover="omar")
    (found,) = rehearse(Settings(), whole, "acme", [CRITICAL], Script(reactions=(Reply(at=3 * HOUR),)))
    assert found.outcome == "responded"
    # Its level fits, so it begins with the figures it has.
    assert any("begins with its own score, 12.0" in note for note in found.notes)
    assert any("Today it would not begin: critical is running" in note for note in found.notes)
    # Nobody is there who could approve drafts, so they go; but the absence counts.
    assert any("each message to a contact would wait for approval" in note for note in found.notes)
    told = [message for entry in found.entries for message in entry.messages]
    assert {one.recipient for one in told if not one.to_customer} == {"Omar Staff"}
    assert any(one.to_customer and one.state == "accepted" for one in told)
    whole.dispose()


async def test_a_customer_without_the_signal_gets_figures_that_are_said_to_be_assumed(
    sqlite_stage: Stage,
) -> None:
    furnish(sqlite_stage.world)
    sqlite_stage.world.score("acme", 12, datetime.now(UTC) - DAY)
    with copied(sqlite_stage) as scratch:
        found = await rehearsed(scratch, TEAM, Script())
    notes = " ".join(found.notes)
    assert "The score of Acme is 12.0 (CRITICAL), and campaigns are for customers who are well" in notes
    assert "shows no sign of TEAM_EXPANSION_OPPORTUNITY today; for the rehearsal this is assumed: " in notes
    assert "active users 8, team size estimate 20" in notes
    assert found.score == pytest.approx(70, abs=0.2)
    assert found.opportunity.startswith("8 people use it, of a team of about 20, worth about ")
    assert found.outcome == "completed"


async def test_a_campaign_for_a_customer_who_was_never_scored_begins_as_by_enrolment(
    sqlite_stage: Stage,
) -> None:
    world, now = sqlite_stage.world, datetime.now(UTC)
    world.customer("acme", name="Acme", owner_id="dana")
    world.contact("acme-0", "acme", consent="granted")
    world.at_points("acme", 72, now - DAY)
    world.measure("acme", {"usage_percentage": 88.0}, now - DAY)
    with copied(sqlite_stage) as scratch:
        found = await rehearsed(scratch, USAGE_LIMIT, Script(reactions=(Reply(at=DAY),)))
    notes = " ".join(found.notes)
    assert "Acme shows USAGE_LIMIT_APPROACHING with its first score, which starts nothing by itself" in notes
    assert "It begins with Acme's own figures: usage is at 88 % of the plan's limit" in notes
    assert found.outcome == "responded"


async def test_a_baseline_and_a_rest_are_told_as_what_would_prevent_it_today(sqlite_stage: Stage) -> None:
    world, now = sqlite_stage.world, datetime.now(UTC)
    world.customer("acme", name="Acme")
    world.at_points("acme", 72, now - DAY)
    world.measure("acme", {"usage_percentage": 88.0}, now - DAY)
    world.rescore("acme", now - DAY)
    ended: dict[str, Any] = {"outcome": "converted", "ended_at": now - DAY, "playbook": "team"}
    world.intervention("one", "acme", family="expansion", **ended)
    with sqlite_stage.store.read() as session:
        rests, baseline = would_refuse(session, "acme", USAGE_LIMIT, now)
    assert rests.startswith("Today it would not begin: team ended on ")
    assert baseline == (
        "Today it would not begin: USAGE_LIMIT_APPROACHING was there at the first score, a baseline: "
        "keepwell enrol --signal"
    )


async def test_a_held_campaign_is_told_with_the_playbook_that_holds_it(sqlite_stage: Stage) -> None:
    furnish(sqlite_stage.world)
    script = Script(reactions=(ScoreTo(at=DAY, points=12), Reply(at=2 * DAY)))
    with copied(sqlite_stage) as scratch:
        found = await rehearsed(scratch, USAGE_LIMIT, script)
    assert [(one.playbook, one.outcome) for one in found.endings] == [
        (USAGE_LIMIT.label, ""),
        (CRITICAL.label, "responded"),
    ]
    # Answered, and still critical: what would come if the customer were well again is told as lying ahead.
    assert (found.outcome, found.ended_at) == ("still open", None)
    assert [entry.step for entry in found.ahead][:2] == ["worth_it", "final_reminder"]
