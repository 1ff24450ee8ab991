"""The whole way of an offer: the button in the letter, the page, the answer, the run."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import Any

from fastapi.testclient import TestClient

from keepwell.api.door import Door
from keepwell.contracts.commands import Respond
from keepwell.db.repositories.pending import PendingRepository
from keepwell.db.tables import Event, Offer, PendingCommand, Task
from keepwell.links import make_links
from keepwell.settings import Settings
from keepwell.temporal.pending import Teller
from keepwell.web import create_app
from tests.workflows.stage import HOUR, Stage


async def offered(stage: Stage) -> tuple[str, str]:
    """A critical customer who has not answered for 73 hours, and the path of the offer's page."""
    key = stage.customer("acme")
    await stage.score(key, 12)
    await stage.opened(key)
    await stage.forward(key, 73 * HOUR)
    letter = stage.outbox(key)[-1]
    found = re.search(r"http://127\.0\.0\.1:8800(/offers/\S+)", letter.text)
    assert found is not None
    assert found[1] in letter.html
    return key, found[1]


async def visit(stage: Stage, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
    """Get the page, or send one of its forms; Temporal is not asked for that."""
    settings = Settings()
    door = Door(settings=settings, store=stage.store, links=make_links(settings))

    def ask() -> tuple[int, str]:
        with TestClient(create_app(door), follow_redirects=False) as client:
            answer = client.get(path) if form is None else client.post(path, data=form)
            return answer.status_code, answer.text

    return await asyncio.to_thread(ask)


async def tell(stage: Stage) -> None:
    """What `keepwell serve` and the monitor do with what waits."""
    await Teller(stage.skipper.client, PendingRepository(stage.store)).tell(datetime.now(UTC))


def only(stage: Stage, model: type[Any]) -> Any:
    """The one row of a table."""
    (row,) = stage.rows(model)
    return row


async def test_what_the_page_took_while_nobody_could_be_told_counts_later(sqlite_stage: Stage) -> None:
    stage = sqlite_stage
    key, path = await offered(stage)
    assert "Pause the billing" in (await visit(stage, path))[1]
    assert (await visit(stage, f"{path}/seen", {}))[0] == 204
    form = {"do": "accept", "option": "billing_pause", "months": "2", "note": "after the move"}
    assert (await visit(stage, path, form))[0] == 303
    assert only(stage, Offer).state == "offered"
    assert "You have accepted: billing pause, 2 months." in (await visit(stage, path))[1]
    await tell(stage)
    await stage.eventually(lambda: only(stage, Offer).state, lambda state: state == "accepted")
    row = only(stage, Offer)
    assert (row.terms["months"], row.decided_by, row.note) == (2, "Acme-0 Person", "after the move")
    closed = await stage.until_end(key)
    assert closed["outcome"] == "accepted"
    assert [task.step for task in stage.tasks(key) if task.state == "open"] == ["billing_pause"]
    assert {one.state for one in stage.rows(PendingCommand)} == {"told"}


async def test_an_answer_to_an_offer_that_is_over_meanwhile_reaches_a_person(sqlite_stage: Stage) -> None:
    stage = sqlite_stage
    key, path = await offered(stage)
    assert (await visit(stage, path, {"do": "accept", "option": "dedicated_support"}))[0] == 303
    # Before the answer is told the owner has heard from the customer by another way.
    await stage.command(key, Respond)
    await stage.handle(key).result()
    await tell(stage)
    task = only_of(stage.tasks(key), "offer")
    assert "has accepted dedicated support on the offer's page: see to it by hand" in task.title
    assert task.state == "open"
    refused = [row for row in stage.rows(Event) if row.kind == "command.refused"]
    assert len(refused) == 1
    assert "will get in touch" in (await visit(stage, path))[1]


def only_of(tasks: list[Task], kind: str) -> Task:
    """The one task of a kind."""
    (task,) = [task for task in tasks if task.kind == kind]
    return task
