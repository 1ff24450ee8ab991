"""Versions of a playbook: the newest number is in force, the others can be rehearsed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from keepwell.db.engine import Store
from keepwell.db.tables import Intervention
from keepwell.errors import ConfigurationError, NotFoundError, StoreError
from keepwell.playbooks import BUILT_IN, PlaybookRegistry
from keepwell.rehearsal.choose import choose
from scoring.levels import Level
from tests.unit.db.world import NOW, World
from workflows.at_risk import AT_RISK
from workflows.critical import CRITICAL

NEWER = CRITICAL.version + 5
SOURCE = f"""
from workflows.critical import CRITICAL
NEWER = CRITICAL.model_copy(update={{"version": {NEWER}, "title": "Newer"}})
NEW = CRITICAL.model_copy(update={{"version": {NEWER - 1}, "title": "New"}})
"""


@pytest.fixture
def drafts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A user's module with two versions of the critical playbook, the newest first."""
    (tmp_path / "drafts_of_mine.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "drafts_of_mine", raising=False)
    return "drafts_of_mine"


def test_the_newest_number_is_in_force_and_all_are_kept(drafts: str) -> None:
    registry = PlaybookRegistry((*BUILT_IN, drafts))
    assert registry.playbooks["critical"].version == NEWER
    assert registry.for_level(Level.CRITICAL) == registry.versions[f"critical@{NEWER}"]
    assert {CRITICAL.label, f"critical@{NEWER - 1}", f"critical@{NEWER}"} <= {*registry.versions}
    assert registry.versions[CRITICAL.label] == CRITICAL


def test_two_definitions_under_one_label_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "same_label.py").write_text(SOURCE.replace(f'"version": {NEWER}, ', ""))
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigurationError, match=f"has a {CRITICAL.label} that differs") as refused:
        PlaybookRegistry((*BUILT_IN, "same_label"))
    assert f"critical@{CRITICAL.version + 1}" in refused.value.hint


def test_given_playbooks_are_in_force_whatever_their_number() -> None:
    older = CRITICAL.model_copy(update={"title": "Older", "version": 1})
    registry = PlaybookRegistry(BUILT_IN, instead=(older,))
    assert registry.for_level(Level.CRITICAL) == older
    assert registry.for_level(Level.AT_RISK) == AT_RISK


def test_pinned_templates_of_the_past_stay_as_they_are() -> None:
    past = CRITICAL.model_copy(update={"templates": {"email/critical/executive_email": "a" * 64}})
    registry = PlaybookRegistry(
        BUILT_IN, lambda playbook: playbook.model_copy(update={"templates": {"x": "y"}}), (past,)
    )
    assert registry.for_level(Level.CRITICAL) == past
    at_risk = registry.for_level(Level.AT_RISK)
    assert at_risk is not None
    assert at_risk.templates == {"x": "y"}


def test_a_name_is_the_version_in_force_and_a_label_is_that_version(drafts: str, sqlite_store: Store) -> None:
    registry = PlaybookRegistry((*BUILT_IN, drafts))
    with sqlite_store.read() as session:
        assert choose(registry, session, "org-1", "Critical").version == NEWER
        assert choose(registry, session, "org-1", CRITICAL.label) == CRITICAL
        assert choose(registry, session, "org-1", f"critical@{NEWER - 1}").title == "New"


def test_a_version_that_ran_before_is_found_in_the_store(store: Store) -> None:
    world = World(store)
    world.customer("acme")
    world.score("acme", 12, NOW)
    past = CRITICAL.model_copy(
        update={"version": 77, "templates": {"email/critical/executive_email": "a" * 64}}
    )
    definition = past.model_dump(mode="json")
    world.intervention("one", "acme", version=77)
    world.change(Intervention, "one", definition=definition)
    registry = PlaybookRegistry(BUILT_IN)
    with store.read() as session:
        assert choose(registry, session, "org-1", "critical@77") == past
        with pytest.raises(NotFoundError, match="no playbook 'critical@78'") as refused:
            choose(registry, session, "org-1", "critical@78")
        assert "critical@77" in refused.value.hint
        assert CRITICAL.label in refused.value.hint
        with pytest.raises(NotFoundError, match="did you mean 'critical'"):
            choose(registry, session, "org-1", "critcal")


def test_a_version_that_nothing_can_play_any_more_says_so(sqlite_store: Store) -> None:
    world = World(sqlite_store)
    world.customer("acme")
    world.score("acme", 12, NOW)
    world.intervention("one", "acme", version=77)
    registry = PlaybookRegistry(BUILT_IN)
    with sqlite_store.read() as session, pytest.raises(StoreError, match="cannot read it"):
        choose(registry, session, "org-1", "critical@77")
    lost = CRITICAL.model_copy(update={"version": 77, "workflow": "LostPlaybook"})
    world.change(Intervention, "one", definition=lost.model_dump(mode="json"))
    with sqlite_store.read() as session, pytest.raises(StoreError, match="LostPlaybook, which no module has"):
        choose(registry, session, "org-1", "critical@77")
