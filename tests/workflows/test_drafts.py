"""Messages under approval: what people decide by the command line is what goes out, once, or does not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from keepwell.cli.app import run
from keepwell.contracts.commands import Pause, Respond, Resume, Skip, Stop
from keepwell.db.engine import Store
from keepwell.db.repositories.pending import PendingRepository
from keepwell.db.tables import Contact, Delivery, Draft, Event, Organisation, Task
from keepwell.keys import new_id
from keepwell.settings import Settings
from keepwell.temporal.pending import Teller
from tests.workflows.recording import record
from tests.workflows.resetting import reset
from tests.workflows.stage import DAY, HOUR, Stage
from tests.workflows.stage import stage as open_stage
from worker import THREADS, compose, make_worker

FIRST = "executive_email"


class Desk:
    """A stage whose playbooks need approval, and the command line on its store."""

    def __init__(self, stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
        self.stage = stage
        self._capsys = capsys

    async def __call__(self, *arguments: str, code: int = 0) -> Any:
        """Carry out `keepwell drafts … --json` as Dana, and tell the runs what was decided."""
        self._capsys.readouterr()
        by = () if arguments[0] in ("list", "show") else ("--by", "Dana Reyes")
        got = await asyncio.to_thread(run, ["drafts", *arguments, *by, "--json"])
        printed = self._capsys.readouterr()
        assert got == code, printed
        teller = Teller(self.stage.skipper.client, PendingRepository(self.stage.store))
        await teller.tell(datetime.now(UTC))
        return json.loads(printed.out)

    def draft(self, key: str, step: str = FIRST) -> Draft:
        """The draft of a customer's step."""
        found: list[Draft] = self.stage.rows(Draft, customer_id=key, step=step)
        (one,) = found
        return one

    def mail(self, key: str, step: str = FIRST) -> list[Any]:
        """What of the step is in the outbox."""
        return [row for row in self.stage.outbox(key) if f"/{step}/" in row.key]

    def row(self, key: str, step: str = FIRST) -> Delivery:
        """The step's row in the send ledger."""
        (found,) = [row for row in self.stage.deliveries(key) if row.step == step]
        return found

    def lines(self, key: str, kind: str) -> list[Event]:
        """The journal's lines of a kind."""
        return self.stage.rows(Event, customer_id=key, kind=kind)

    def tasks(self, key: str, kind: str) -> list[Task]:
        """The tasks of a kind."""
        return self.stage.rows(Task, customer_id=key, kind=kind)

    async def begun(self, key: str = "acme") -> str:
        """A customer whose first message waits as a draft; the intervention's id."""
        self.stage.customer(key)
        await self.stage.score(key, 12)
        opened = await self.stage.opened(key)
        await self.stage.eventually(lambda: self.stage.rows(Draft, customer_id=key), bool)
        return opened.id

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait, in real time, for what a run does at once."""
        await self.stage.eventually(true, bool)


@pytest.fixture
async def desk(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Desk:
    stage.world.change(Organisation, stage.world.organisation, new_playbooks="draft")
    monkeypatch.setenv("KEEPWELL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KEEPWELL_DATABASE_URL", stage.store.url.render_as_string(hide_password=False))
    monkeypatch.setenv("KEEPWELL_ORGANISATION", "brightdesk")
    return Desk(stage, capsys)


async def test_what_is_edited_and_approved_goes_out_exactly_so_and_once(desk: Desk, tmp_path: Path) -> None:
    await desk.begun()
    assert desk.mail("acme") == []
    assert (desk.row("acme").state, desk.draft("acme").state) == ("draft", "waiting")
    (task,) = desk.tasks("acme", "approval")
    assert (task.owner_id, task.state) == ("dana", "open")
    assert "Acme-0 Person" in task.title
    assert task.due_at < desk.draft("acme").decide_by

    (listed,) = (await desk("list"))["drafts"]
    shown = await desk("show", listed["id"][-8:])
    assert "You get this email because" in shown["text"]
    assert "You get this email because" not in shown["own_text"]
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear <b>Ann</b>,\r\n\r\nmay I call you?\nhttps://example.com/book?a=1&b=2.\n\nDana\n")
    edited = await desk("edit", listed["id"], "--subject", "A call & a coffee", "--text-file", str(letter))
    assert "+A call & a coffee" in edited["changes"]
    assert edited["text"].startswith("Dear <b>Ann</b>,\n\nmay I call you?\n")
    assert edited["text"].endswith(shown["text"].partition(shown["own_text"])[2].strip())
    assert desk.mail("acme") == [], "changed is not approved"

    assert (await desk("approve", listed["id"]))["approved"] == [listed["id"]]
    await desk.until(lambda: bool(desk.mail("acme")))
    await desk.stage.forward("acme", 2 * DAY)
    (mail,) = desk.mail("acme")
    assert (mail.subject, mail.text, mail.html) == (
        edited["draft"]["subject"],
        edited["text"],
        edited["html"],
    )
    assert "Dear &lt;b&gt;Ann&lt;/b&gt;," in mail.html
    assert "may I call you?<br />" in mail.html
    assert '<a href="https://example.com/book?a=1&amp;b=2">' in mail.html
    assert "1 Example Street" in mail.html
    assert desk.row("acme").state == "accepted"
    assert desk.tasks("acme", "approval")[0].state == "done"
    assert [line.by for line in desk.lines("acme", "draft.approved")] == ["Dana Reyes"]
    assert len(desk.lines("acme", "draft.written")) == len(desk.stage.rows(Draft, customer_id="acme"))
    refused = await desk("approve", listed["id"], code=4)
    assert "Dana Reyes has approved the draft" in refused["failed"][0]["why"]
    await record(desk.stage, "draft_approved")


async def test_the_others_go_on_while_a_draft_waits_and_staff_hear_at_once(desk: Desk) -> None:
    intervention = await desk.begun()
    await desk.stage.forward("acme", timedelta(minutes=10))
    steps = desk.stage.steps(intervention)
    assert (steps[FIRST], steps["assign_csm"], steps["alert_csm"]) == ("deferred", "done", "done")


async def test_approved_unchanged_keeps_the_layout_of_the_template(desk: Desk) -> None:
    await desk.begun()
    draft = desk.draft("acme")
    await desk("approve", "--all")
    await desk.until(lambda: bool(desk.mail("acme")))
    assert desk.mail("acme")[0].html == draft.html == draft.original["text"]["html"]


async def test_what_is_rejected_is_left_out_and_nobody_is_asked_to_do_it(desk: Desk) -> None:
    intervention = await desk.begun()
    draft = desk.draft("acme")
    await desk("reject", draft.id, "--reason", "they are on holiday")
    await desk.stage.forward("acme", 2 * HOUR)
    assert desk.mail("acme") == []
    assert desk.stage.steps(intervention)[FIRST] == "skipped"
    assert (desk.row("acme").state, desk.row("acme").reason) == (
        "skipped",
        "Rejected by Dana Reyes: they are on holiday",
    )
    assert [task for task in desk.tasks("acme", "fallback") if task.step == FIRST] == []
    assert desk.tasks("acme", "approval")[0].state == "done"


async def test_what_nobody_decides_upon_in_time_is_missed(desk: Desk) -> None:
    intervention = await desk.begun()
    draft = desk.draft("acme")
    assert draft.decide_by - draft.created_at == HOUR, "the step's own window"
    await desk.stage.forward("acme", 3 * HOUR)
    assert desk.stage.steps(intervention)[FIRST] == "missed"
    assert desk.draft("acme").state == "withdrawn"
    (task,) = [task for task in desk.tasks("acme", "fallback") if task.step == FIRST]
    assert task.state == "open"
    assert "Nobody had approved it by" in task.detail
    missed = [line for line in desk.lines("acme", "alert.missed") if line.data["step"] == FIRST]
    assert len(missed) == 1
    assert desk.tasks("acme", "approval")[0].state == "withdrawn"
    refused = await desk("approve", draft.id, code=4)
    assert "was withdrawn" in refused["failed"][0]["why"]
    assert desk.mail("acme") == []


async def test_a_pause_gives_the_time_that_it_takes(desk: Desk) -> None:
    intervention = await desk.begun()
    before = desk.draft("acme").decide_by
    await desk.stage.command("acme", Pause, reason="talks")
    await desk.stage.forward("acme", 5 * HOUR)
    await desk.stage.command("acme", Resume)
    await desk.until(lambda: desk.draft("acme").decide_by > before)
    assert timedelta(hours=5) <= desk.draft("acme").decide_by - before < timedelta(hours=5, minutes=2)
    (asked,) = desk.tasks("acme", "approval")
    assert asked.due_at > before
    assert asked.overdue_alert is None
    await desk.stage.forward("acme", timedelta(minutes=20))
    assert desk.stage.steps(intervention)[FIRST] == "deferred"
    await desk("approve", "--all")
    await desk.until(lambda: bool(desk.mail("acme")))


async def test_who_opts_out_after_the_approval_hears_nothing(desk: Desk) -> None:
    await desk.begun()
    desk.stage.world.change(Contact, "acme-0", consent="denied")
    await desk("approve", "--all")
    await desk.until(lambda: desk.row("acme").state == "skipped")
    assert "withdrawn consent" in desk.row("acme").reason
    (withdrawn,) = desk.lines("acme", "draft.withdrawn")
    assert "It was approved by Dana Reyes" in withdrawn.text
    assert desk.draft("acme").state == "withdrawn"
    assert desk.mail("acme") == []


@pytest.mark.parametrize("how", ["stop", "answer", "skip", "recovery"])
async def test_what_is_not_needed_any_more_is_withdrawn(desk: Desk, how: str) -> None:
    await desk.begun()
    if how == "stop":
        await desk.stage.command("acme", Stop, reason="wrong alarm")
    elif how == "skip":
        await desk.stage.command("acme", Skip, step=FIRST, reason="I call them")
    elif how == "recovery":
        await desk.stage.score("acme", 75)
    else:
        # The first message goes out whatever they answer; the CSM's does not.
        await desk("approve", "--all")
        await desk.stage.forward("acme", HOUR + timedelta(minutes=5))
        await desk.stage.command("acme", Respond)
    step = "csm_outreach" if how == "answer" else FIRST
    await desk.until(lambda: desk.draft("acme", step).state == "withdrawn")
    assert desk.row("acme", step).state == "cancelled"
    refused = await desk("approve", desk.draft("acme", step).id, code=4)
    assert "was withdrawn" in refused["failed"][0]["why"]
    await desk.until(lambda: all(task.state != "open" for task in desk.tasks("acme", "approval")))
    assert desk.mail("acme", step) == []


async def test_switched_to_automatic_new_messages_go_and_drafts_go_on_waiting(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    await desk.begun()
    assert await asyncio.to_thread(run, ["playbooks", "mode", "critical", "automatic"]) == 0
    assert "1 draft of before still wait" in capsys.readouterr().out
    await desk.stage.forward("acme", HOUR - timedelta(minutes=5))
    assert desk.mail("acme") == []
    await desk("approve", "--all", "--playbook", "critical")
    await desk.stage.forward("acme", timedelta(minutes=20))
    assert [len(desk.mail("acme", step)) for step in (FIRST, "csm_outreach")] == [1, 1]
    assert len(desk.stage.rows(Draft, customer_id="acme")) == 1


async def test_a_reset_sends_nothing_again_and_asks_nobody_again(desk: Desk) -> None:
    await desk.begun()
    await desk("approve", "--all")
    await desk.until(lambda: bool(desk.mail("acme")))
    await desk.stage.forward("acme", HOUR + timedelta(minutes=10))
    before = {row.key: row.state for row in desk.stage.rows(Draft, customer_id="acme")}
    await reset(desk.stage.skipper.client, desk.stage.handle("acme").id, 0)
    await desk.stage.forward("acme", timedelta(minutes=20))
    assert {row.key: row.state for row in desk.stage.rows(Draft, customer_id="acme")} == before
    assert before[desk.draft("acme").key] == "approved"
    assert len(desk.mail("acme")) == 1
    assert len(desk.tasks("acme", "approval")) == len(before)


async def test_a_decision_while_no_worker_runs_counts_when_one_comes(
    sqlite_store: Store,
    temporal_address: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("KEEPWELL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KEEPWELL_DATABASE_URL", sqlite_store.url.render_as_string(hide_password=False))
    monkeypatch.setenv("KEEPWELL_ORGANISATION", "brightdesk")
    async with open_stage(sqlite_store, temporal_address, works=False) as idle:
        idle.world.change(Organisation, idle.world.organisation, new_playbooks="draft")
        desk = Desk(idle, capsys)
        settings = Settings(task_queue=f"test-{new_id()}", partition_size=50)
        parts = idle.parts = compose(settings, sqlite_store, idle.skipper.client)
        with ThreadPoolExecutor(THREADS) as executor:
            async with make_worker(settings, idle.skipper.client, parts, executor):
                await desk.begun()
        await desk("approve", "--all")
        assert desk.mail("acme") == []
        with ThreadPoolExecutor(THREADS) as executor:
            async with make_worker(settings, idle.skipper.client, parts, executor):
                await desk.until(lambda: bool(desk.mail("acme")))
        assert len(desk.mail("acme")) == 1
