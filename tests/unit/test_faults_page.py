"""docs/faults.md says what the tests play: the same rows, and tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.fakes.faults import FAULTS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "faults.md").read_text()
SECTIONS = {
    "SendGrid": "SendGrid, without its activity search",
    "SendGrid with search": "SendGrid, with its activity search",
    "Slack": "Slack",
    "mail server": "A mail server (SMTP)",
}
BROKEN = ("hangs before", "hangs after", "closes before", "closes after", "wrong content type")


def _rows(section: str) -> list[str]:
    """The rows of a section's table, without its head."""
    found = re.search(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert found is not None, section
    return re.findall(r"^\|.*\|$", found[1], flags=re.MULTILINE)[2:]


def test_the_rows_of_providers_are_what_is_played() -> None:
    expected: dict[str, list[str]] = {name: [] for name in SECTIONS}
    for fault in FAULTS:
        expected[fault.asked if fault.provider == "SendGrid" else fault.provider].append(fault.row)
    assert {name: _rows(title) for name, title in SECTIONS.items()} == expected


def test_every_answer_has_its_row() -> None:
    for provider in ("SendGrid", "Slack"):
        names = " / ".join(fault.name for fault in FAULTS if fault.provider == provider)
        answers = ("200", "400", "401", "403", "413", "429 with Retry-After", "500", *BROKEN)
        assert [one for one in answers if one not in names] == [], provider
    assert any(fault.name.startswith("202") for fault in FAULTS if fault.provider == "SendGrid")
    assert len({fault.id for fault in FAULTS}) == len(FAULTS)


def test_no_row_has_more_than_one_message() -> None:
    assert {fault.taken for fault in FAULTS} == {0, 1}


def test_the_tests_that_are_named_exist() -> None:
    rows = _rows("Our own side") + _rows("What comes in")
    unnamed = [row for row in rows if not re.search(r"\| `tests/\S+\.py::test_\w+` \|$", row)]
    assert unnamed == []
    named = re.findall(r"`(tests/\S+?\.py)::(test_\w+)`", PAGE)
    assert len(named) > len(rows)
    assert [f"{path}::{name}" for path, name in named if name not in _tests_of(ROOT / path)] == []


def _tests_of(path: Path) -> set[str]:
    if not path.is_file():
        return set()
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, kinds)}
