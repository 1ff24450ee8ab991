"""Versions of the past that are kept to be rehearsed are what they were."""

from __future__ import annotations

from keepwell.playbooks import BUILT_IN, PlaybookRegistry
from tests.unit.playbooks.test_fingerprints import fingerprint, known
from workflows.critical import CRITICAL

REGISTRY = PlaybookRegistry(BUILT_IN)


def test_every_version_there_ever_was_can_be_rehearsed_and_is_unchanged() -> None:
    assert {label: fingerprint(one) for label, one in REGISTRY.versions.items()} == known()


def test_a_version_of_the_past_is_not_in_force() -> None:
    assert REGISTRY.playbooks["critical"] == CRITICAL
    assert REGISTRY.versions["critical@1"].offer is None
