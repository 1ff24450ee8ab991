"""What the pages say of settings and commands is what the code has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
import yaml
from dotenv import dotenv_values

from keepwell.cli.app import app
from keepwell.doctor.sending import NEEDED_IN_SLACK
from keepwell.settings import PREFIX, Settings, unknown_variables
from keepwell.web import ROUTERS
from tests.unit.test_names import OTHER_WORKFLOWS, PLAYBOOK_WORKFLOWS, SIGNALS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
COMMANDS = typer.main.get_command(app)


def _default(name: str) -> str:
    if name == "home":
        return "`~/.keepwell`"
    value = Settings.model_fields[name].default
    return f"`{value}`" if value not in (None, "", ()) else "–"


def test_the_table_of_settings_is_complete() -> None:
    page = (ROOT / "docs" / "guide" / "admin.md").read_text()
    rows = {
        row[0]: row[1:]
        for row in re.findall(r"^\| `(KEEPWELL_\w+)` \| (.+?) \| (.+?) \|$", page, flags=re.MULTILINE)
    }
    expected = {
        f"{PREFIX}{name.upper()}": (field.description, _default(name))
        for name, field in Settings.model_fields.items()
    }
    expected["KEEPWELL_DATABASE_URL"] = (
        Settings.model_fields["database_url"].description,
        "`keepwell.sqlite3` in the home",
    )
    assert rows == expected


TOLD_BY_ITSELF = ("/console", "/success", "/api/", "/ws/")
"""Pages that people find by their links, what /openapi.json describes, and sockets (docs/api-sockets.md)."""


def test_the_table_of_endpoints_is_complete() -> None:
    page = (ROOT / "docs" / "guide" / "serve.md").read_text()
    rows = re.findall(r"^\| `(/[^`]*)` \| [^|]+: ([A-Za-z, ]+) \| .+ \|$", page, flags=re.MULTILINE)
    expected: dict[str, set[str]] = {}
    for router in ROUTERS:
        for route in router.routes:
            path = getattr(route, "path", "")
            if path.startswith(TOLD_BY_ITSELF) and "/feed" not in path:
                continue
            methods = getattr(route, "methods", None) or {"WebSocket"}
            # Who may GET may HEAD.
            expected.setdefault(getattr(route, "path", ""), set()).update(methods - {"HEAD"})
    assert {path: set(methods.split(", ")) for path, methods in rows} == expected


def test_workflows_and_signals_are_in_the_guide_for_operations() -> None:
    page = (ROOT / "docs" / "guide" / "ops.md").read_text()
    runs = page.partition("## What runs there")[2].partition("\n\n`<")[0]
    shown = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", runs, flags=re.MULTILINE)))
    assert {*shown} == PLAYBOOK_WORKFLOWS | OTHER_WORKFLOWS
    signals = page.partition("## Signals from the UI")[2].partition("\n## ")[0]
    rows = " ".join(re.findall(r"^\| (`.*?) \|", signals, flags=re.MULTILINE))
    own = re.findall(r"^The signals (.*?) are the engine's own", signals, flags=re.MULTILINE)
    assert {*re.findall(r"`(\w+)`", f"{rows} {own}")} == SIGNALS


def test_the_slack_manifest_has_what_the_doctor_asks_for() -> None:
    page = (ROOT / "docs" / "guide" / "admin.md").read_text()
    (block,) = re.findall(r"^```yaml\n(display_information:.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    manifest = yaml.safe_load(block)
    assert set(NEEDED_IN_SLACK) <= set(manifest["oauth_config"]["scopes"]["bot"])
    assert manifest["settings"]["interactivity"]["is_enabled"]
    paths = {getattr(route, "path", "") for router in ROUTERS for route in router.routes}
    assert (
        manifest["settings"]["interactivity"]["request_url"].removeprefix("https://keepwell.example.com")
        in paths
    )


def test_the_example_of_an_environment_names_settings_only() -> None:
    path = ROOT / ".env.example"
    # Every line but the explanations is commented out: a copy of the file changes nothing.
    assert dotenv_values(path) == {}
    names = re.findall(r"^#(\w+)=", path.read_text(), flags=re.MULTILINE)
    ours = {name for name in names if name.startswith(PREFIX)}
    assert ours == {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    assert unknown_variables(dict.fromkeys(ours, "")) == ()


def _calls(page: Path) -> list[str]:
    """What the page shows after `keepwell` in its code, one call each."""
    text = page.read_text()
    blocks = re.findall(r"^```(?:bash|sh|console)\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    pieces = [line for block in blocks for line in block.splitlines()] + re.findall(r"`([^`\n]+)`", prose)
    found = (re.match(r"\$?\s*(?:\S*/)?keepwell (\S.*)", piece) for piece in pieces)
    return [hit[1].split("  #")[0] for hit in found if hit]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_on_the_pages_exist(page: Path) -> None:
    wrong = [call for call in _calls(page) if not _exists(call)]
    assert wrong == []


def _exists(call: str) -> bool:
    command, words = COMMANDS, call.split()
    while (known := getattr(command, "commands", None)) and words and not words[0].startswith("-"):
        name = words.pop(0)
        if name not in known:
            return False
        command = known[name]
    options = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help"}
    return all(word.split("=")[0] in options for word in words if re.match(r"--?[a-z]", word))


def test_commands_in_messages_exist() -> None:
    """What a task or a Slack message tells people to type."""
    found = {
        (path.name, call.strip())
        for path in sorted((ROOT / "templates").rglob("*.txt.j2"))
        for call in re.findall(r"keepwell ([^`\n·]+)", re.sub(r"\{\{.*?\}\}", "X", path.read_text()))
    }
    assert len(found) > 10
    assert [one for one in found if not _exists(one[1])] == []
