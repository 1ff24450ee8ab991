"""A template that would take all the time or memory there is: a person gets the task, the run goes on."""

from __future__ import annotations

from pathlib import Path

from keepwell.contracts.commands import Stop
from keepwell.db.engine import Store
from tests.workflows.stage import HOUR, stage


def bomb(folder: Path) -> None:
    doubling = "".join("{% set a = a ~ a %}" for _ in range(60))
    subject = folder / "email/critical/csm_outreach.subject.j2"
    subject.parent.mkdir(parents=True)
    subject.write_text(f"{{% set a = 'xxxxxxxx' %}}{doubling}{{{{ a|length }}}}")


async def test_a_template_that_is_stopped_becomes_a_task(
    sqlite_store: Store, temporal_address: str, tmp_path: Path
) -> None:
    bomb(tmp_path)
    async with stage(sqlite_store, temporal_address, templates=tmp_path) as opened:
        key = opened.customer("acme")
        await opened.score(key, 12)
        await opened.opened(key)
        await opened.forward(key, 90 * HOUR / 60)
        (task,) = [one for one in opened.tasks(key) if one.step == "csm_outreach"]
        assert task.kind == "fallback"
        assert "email/critical/csm_outreach was stopped: it needed more than 256 MiB" in task.detail
        subjects = [row.subject for row in opened.outbox(key)]
        assert subjects[0] == "Can we make Brightdesk work for Acme?", "the others went as ever"
        await opened.command(key, Stop)
