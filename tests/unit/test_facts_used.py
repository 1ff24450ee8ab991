"""A message is the same whether all facts were gathered for it or only those that its template names."""

from __future__ import annotations

import pytest

from keepwell.contracts.rendering import ValueFigures
from keepwell.db.repositories.peers import NOBODY
from keepwell.errors import ConfigurationError
from keepwell.playbooks import BUILT_IN, PlaybookRegistry
from keepwell.rendering.bundle import Bundle, load_bundle
from keepwell.rendering.names import EVERYTHING, facts_used
from keepwell.rendering.render import render
from keepwell.rendering.sample import sample_contexts

NAMES = sorted({name for one in PlaybookRegistry(BUILT_IN).playbooks.values() for name in one.template_names})
LEFT_OUT = {"peers": NOBODY, "value": ValueFigures(), "offer": None, "opportunity": None}


@pytest.mark.parametrize("name", NAMES)
def test_what_a_template_does_not_name_changes_nothing(name: str) -> None:
    bundle = load_bundle(name)
    used = facts_used(bundle)
    missing = {fact: value for fact, value in LEFT_OUT.items() if fact not in used}
    for context in sample_contexts().values():
        assert render(bundle, context.model_copy(update=missing)) == render(bundle, context)


def test_what_a_template_names_is_found_in_included_files_too() -> None:
    page = "{% include 'slack/x/_part.txt.j2' %}"
    part = "{% if peers.count %}{{ peers.likeness }}{% endif %}{% set offer = 'ours' %}{{ offer }}"
    bundle = Bundle(name="slack/x/y", files={"slack/x/y.txt.j2": page, "slack/x/_part.txt.j2": part})
    assert facts_used(bundle) == {"peers"}


def test_of_a_broken_template_everything_counts() -> None:
    """So that rendering it, and not this, says what is wrong."""
    bundle = Bundle(name="slack/x/y", files={"slack/x/y.txt.j2": "{% if %}"})
    assert facts_used(bundle) == EVERYTHING
    with pytest.raises(ConfigurationError, match="line 1"):
        render(bundle, next(iter(sample_contexts().values())))
