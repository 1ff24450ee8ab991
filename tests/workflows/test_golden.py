"""Each playbook's timeline, line by line. A changed delay replays without complaint; this notices it.

After an intended change: KEEPWELL_UPDATE_GOLDEN=1 pytest tests/workflows/test_golden.py, then read the diff.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from keepwell.contracts.offers import Terms
from keepwell.db.tables import Intervention, Offer
from tests.workflows.recording import record
from tests.workflows.scenarios import SCENARIOS, WITHOUT_CONTACTS
from tests.workflows.stage import Stage, since

GOLDEN = Path(__file__).parent / "golden"
MOMENT = re.compile(r"\d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2} UTC")


@pytest.mark.parametrize("name", SCENARIOS)
async def test_timeline_is_as_recorded(name: str, sqlite_stage: Stage) -> None:
    stage = sqlite_stage
    key = stage.customer("acme", contacts=0 if name in WITHOUT_CONTACTS else 2)
    await SCENARIOS[name](stage, key)
    lines = [
        line
        for row in stage.interventions(key)
        for line in (f"{row.playbook}@{row.version} → {row.outcome}", *stage.timeline(row.id), "")
    ]
    lines += [f"task {task.kind} {task.state}: {task.title}" for task in stage.tasks(key)]
    lines += [_offer(stage, offer) for offer in stage.rows(Offer, customer_id=key)]
    lines = [MOMENT.sub("<moment>", line) for line in lines]
    path = GOLDEN / f"{name}.txt"
    await record(stage, name)
    if os.environ.get("KEEPWELL_UPDATE_GOLDEN"):
        path.write_text("\n".join(lines) + "\n")
    assert lines == path.read_text().splitlines()


def _offer(stage: Stage, offer: Offer) -> str:
    """What became of an offer, when and by whom: "offer trial accepted, day  3 00:00, by dana: trial"."""
    (row,) = stage.rows(Intervention, id=offer.intervention_id)
    assert offer.decided_at is not None, "its intervention's end decides it"
    when = since(offer.decided_at - row.started_at)
    agreed = f": {Terms.model_validate(offer.terms).words}" if offer.terms else ""
    return f"offer {offer.step} {offer.state}, {when}, by {offer.decided_by}{agreed}"
