"""The page on importing names every column and every mapping key, and its examples are mappings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from keepwell.contracts.people import Consent, ContactRole, StaffRole
from keepwell.ingest.cells import Kind
from keepwell.ingest.mapping import Mapping, Source, YesNo, parse_mapping
from keepwell.ingest.rows import fields_of, required_of
from keepwell.ingest.sources import UNITS

PAGE = (Path(__file__).parents[2] / "docs" / "guide" / "import.md").read_text()
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
MAPPING_PART = PAGE[PAGE.index("\n## The mapping file\n") :]


def _section(kind: Kind) -> str:
    return PAGE.split(f"\n### {kind.value.capitalize()}\n", 1)[1].split("\n#", 1)[0]


@pytest.mark.parametrize("kind", Kind)
def test_the_table_of_columns_is_complete(kind: Kind) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (yes|no) \| .+ \| .+ \|$", _section(kind), flags=re.MULTILINE)
    needed = required_of(kind)
    assert rows == [(name, "yes" if name in needed else "no") for name in fields_of(kind)]


@pytest.mark.parametrize(
    ("kind", "words"),
    [(Kind.CONTACTS, ContactRole), (Kind.CONTACTS, Consent), (Kind.STAFF, StaffRole)],
)
def test_allowed_words_are_those_of_the_code(
    kind: Kind, words: type[ContactRole] | type[Consent] | type[StaffRole]
) -> None:
    assert f"one of {', '.join(f'`{word}`' for word in words)} |" in _section(kind)


def test_every_key_of_a_mapping_is_explained_and_shown() -> None:
    keys = {
        name
        for model in (Mapping, Source, YesNo)
        for name, field in model.model_fields.items()
        if not field.exclude
    }
    shown = "\n".join(EXAMPLES)
    missing = [key for key in keys if not re.search(rf"^\[?{key}\b|\b{key} = ", shown, flags=re.MULTILINE)]
    assert missing == []
    unexplained = [key for key in keys - {"yes", "no"} if not re.search(rf"\b{key}\b", _prose())]
    assert unexplained == []


def _prose() -> str:
    return re.sub(r"^```.*?^```", "", MAPPING_PART, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_mapping(example: str) -> None:
    mapping = parse_mapping(example, "example.toml")
    assert mapping.model_fields_set - {"file", "lines"}


def test_units_that_are_converted_are_listed() -> None:
    section = MAPPING_PART.split("\n### unit\n", 1)[1].split("\n#", 1)[0]
    listed = set(re.findall(r"`(\w+)`", section)) - {"scale", "offset"}
    assert listed <= set(UNITS)
    # What is left has no other unit to be converted from.
    assert set(UNITS) - listed == {
        "count",
        "money",
        "per_month",
        "percent_change",
        "rating",
        "sentiment",
        "yes_no",
    }
