"""A message is the same whether all facts were gathered for it or only those that its template names."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

import pytest

from keepwell.contracts.rendering import Context, HealthFigures, ValueFigures
from keepwell.contracts.shown import ShownFigures
from keepwell.db.repositories.peers import NOBODY
from keepwell.errors import ConfigurationError
from keepwell.playbooks import BUILT_IN, PlaybookRegistry
from keepwell.rendering.bundle import Bundle, load_bundle
from keepwell.rendering.names import COSTLY_PARTS, EVERYTHING, facts_used
from keepwell.rendering.render import render
from keepwell.rendering.sample import sample_contexts
from scoring.levels import Level

NAMES = sorted({name for one in PlaybookRegistry(BUILT_IN).playbooks.values() for name in one.template_names})
LEFT_OUT = {
    "health": HealthFigures(score=0, level=Level.THRIVING),
    "shown": ShownFigures(),
    "owner": None,
    "contact": None,
    "peers": NOBODY,
    "value": ValueFigures(),
    "offer": None,
    "opportunity": None,
}
EMPTY_PART: dict[str, Any] = {"history": [], "last_message": ""}


def without(value: Any, parts: Set[str]) -> Any:
    """Plain data with these parts empty, wherever they are."""
    if isinstance(value, dict):
        return {key: EMPTY_PART[key] if key in parts else without(one, parts) for key, one in value.items()}
    return [without(one, parts) for one in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("name", NAMES)
def test_what_a_template_does_not_name_changes_nothing(name: str) -> None:
    bundle = load_bundle(name)
    used = facts_used(bundle)
    missing = {fact: value for fact, value in LEFT_OUT.items() if fact not in used}
    for context in sample_contexts().values():
        less = context.model_copy(update=missing).model_dump()
        poor = Context.model_validate(without(less, COSTLY_PARTS - used))
        assert render(bundle, poor) == render(bundle, context)


def test_only_documents_show_histories() -> None:
    """A guard: a word in a template's comment would make every message gather them."""
    showing = {name for name in NAMES if "history" in facts_used(load_bundle(name))}
    assert showing == {"document/critical/roadmap", "document/high_risk/value_report"}


def test_what_a_template_names_is_found_in_included_files_too() -> None:
    page = "{% include 'slack/x/_part.txt.j2' %}"
    part = "{% if peers.count %}{{ peers.likeness }}{% endif %}{% set offer = 'ours' %}{{ offer }}"
    bundle = Bundle(name="slack/x/y", files={"slack/x/y.txt.j2": page, "slack/x/_part.txt.j2": part})
    assert facts_used(bundle) == {"peers", "offer"}, "one too many, as the file calls something offer"


def test_a_costly_part_counts_wherever_its_name_stands() -> None:
    page = "{{ health.costly|map(attribute='metric.history')|list|length }}"
    assert facts_used(Bundle(name="slack/x/y", files={"slack/x/y.txt.j2": page})) == {"health", "history"}


def test_of_a_broken_template_everything_counts() -> None:
    """So that rendering it, and not this, says what is wrong."""
    bundle = Bundle(name="slack/x/y", files={"slack/x/y.txt.j2": "{% if %}"})
    assert facts_used(bundle) == EVERYTHING
    with pytest.raises(ConfigurationError, match="line 1"):
        render(bundle, next(iter(sample_contexts().values())))
