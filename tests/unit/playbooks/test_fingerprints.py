"""A playbook's data does not change under an unchanged version number.

`fingerprints.json` keeps the fingerprint of every version there ever was. After a new version:
KEEPWELL_UPDATE_GOLDEN=1 pytest tests/unit/playbooks, which adds what is missing and replaces nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from keepwell.contracts.playbook import Playbook
from keepwell.playbooks import BUILT_IN, PlaybookRegistry

FILE = Path(__file__).parent / "fingerprints.json"
PLAYBOOKS = PlaybookRegistry(BUILT_IN).playbooks


def fingerprint(playbook: Playbook) -> str:
    """The SHA-256 of a playbook's canonical JSON, without its templates' hashes.

    Fields at their default are left out, so that a new field of the schema, whose default means what
    playbooks meant before it, changes no version.
    """
    data = playbook.model_dump(mode="json", exclude={"templates"}, exclude_defaults=True)
    steps = [
        *data["steps"],
        *(step for follow_up in data.get("follow_ups", ()) for step in follow_up["steps"]),
    ]
    for step, written in zip(playbook.all_steps, steps, strict=True):
        written["kind"] = step.kind
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def known() -> dict[str, str]:
    found: dict[str, str] = json.loads(FILE.read_text()) if FILE.exists() else {}
    return found


@pytest.fixture(scope="module", autouse=True)
def _add_new_versions() -> None:
    if os.environ.get("KEEPWELL_UPDATE_GOLDEN"):
        found = {one.label: fingerprint(one) for one in PLAYBOOKS.values()} | known()
        FILE.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_the_version_was_raised_with_the_data(name: str) -> None:
    playbook = PLAYBOOKS[name]
    recorded = known().get(playbook.label)
    assert recorded is not None, (
        f"{playbook.label} is new. Add it: KEEPWELL_UPDATE_GOLDEN=1 pytest tests/unit/playbooks"
    )
    assert fingerprint(playbook) == recorded, (
        f"The data of {playbook.label} has changed. Running interventions carry {playbook.label} as it was: "
        f"raise the version to {playbook.version + 1}, then add its fingerprint "
        "(KEEPWELL_UPDATE_GOLDEN=1 pytest tests/unit/playbooks)"
    )


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_older_versions_are_kept(name: str) -> None:
    expected = {f"{name}@{number}" for number in range(1, PLAYBOOKS[name].version + 1)}
    assert {label for label in known() if label.startswith(f"{name}@")} == expected


def test_the_fingerprint_notices_a_change_and_nothing_else() -> None:
    critical = PLAYBOOKS["critical"]
    first, *rest = critical.steps
    later = critical.model_copy(
        update={"steps": (first.model_copy(update={"within": timedelta(hours=2)}), *rest)}
    )
    pinned = critical.model_copy(update={"templates": {"email/critical/executive_email": "0" * 64}})
    assert fingerprint(later) != fingerprint(critical)
    assert fingerprint(pinned) == fingerprint(critical)
