"""The project's own rules: sizes, links that resolve, nothing of somebody's machine in the tree."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
WRITTEN = ROOT / "keepwell" / "client" / "calls"
"""Code that a program writes: one method for each endpoint, and one line for each of its parameters."""

LONGEST_FILE = 400
LONGEST_FUNCTION = 50

MIGRATIONS = ROOT / "keepwell" / "db" / "migrations" / "versions"
"""Written once by Alembic and never edited again, so no size applies."""


def _ours() -> list[Path]:
    """Every file of the project, committed or about to be."""
    ignored = {line.rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines()} | {".git"}
    found: list[Path] = []
    folders = [ROOT]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            if path.name in ignored or path.name == ".env":
                continue
            if path.is_dir():
                folders.append(path)
            elif not any(path.match(pattern) for pattern in ignored):
                found.append(path)
    return found


OURS = _ours()
CODE = [path for path in OURS if path.suffix == ".py" and MIGRATIONS not in path.parents]
PAGES = [path for path in OURS if path.suffix == ".md"]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_file_is_too_long() -> None:
    migrations = {path for path in OURS if MIGRATIONS in path.parents}
    written = [path for path in OURS if path.suffix in {".py", ".md", ".j2"} and path not in migrations]
    long = {_name(path): len(path.read_text().splitlines()) for path in written}
    assert {name: lines for name, lines in long.items() if lines > LONGEST_FILE} == {}


def test_no_function_is_too_long() -> None:
    long = {}
    for path in CODE:
        if path.parent == WRITTEN:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    long[f"{_name(path)}:{node.lineno} {node.name}"] = lines
    assert long == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        _name(path)
        for path in CODE
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


# What only one machine has: home folders of people, and a checkout at the root of the disk.
_MACHINE = re.compile(
    r"(?<![\w.~:/\\-])(?:/(?:root|work|workspace|Users/\w+|home/(?!user\b|keepwell\b)\w+)/|[A-Z]:\\Users\\)"
)
_INDEX = re.compile(
    r"--(?:extra-)?index-url|\bindex-url\s*=|\bPIP_INDEX_URL\b|\bUV_(?:DEFAULT_)?INDEX(?:_URL)?\b"
)
_PUBLIC = {"pypi.org", "files.pythonhosted.org"}


def _texts() -> list[tuple[str, str]]:
    found = []
    for path in OURS:
        raw = path.read_bytes()
        if path != Path(__file__) and b"\0" not in raw:
            found.append((_name(path), raw.decode()))
    return found


def test_no_path_of_a_machine_is_committed() -> None:
    found = [f"{name}: {hit[0]}" for name, text in _texts() for hit in [_MACHINE.search(text)] if hit]
    assert found == []


def test_no_registry_is_named_outside_the_lock_file() -> None:
    locked = tomllib.loads((ROOT / "uv.lock").read_text())
    registries = {package["source"].get("registry", "") for package in locked["package"]}
    hosts = {urlsplit(registry).netloc for registry in registries} - {""}
    # The lock file itself names the public registry: another one would be out of reach for others.
    assert hosts <= _PUBLIC
    texts = [(name, text) for name, text in _texts() if name != "uv.lock"]
    found = [f"{name}: {hit[0]}" for name, text in texts for hit in [_INDEX.search(text)] if hit]
    assert found == []


def _anchor(heading: str) -> str:
    plain = re.sub(r"[`*\[\]]|\(.*?\)(?=\W|$)" if "](" in heading else r"[`*]", "", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def _without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def _anchors(page: Path) -> set[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return {_anchor(heading) for heading in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_resolve(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", _without_code(page.read_text())):
        if urlsplit(target).scheme:
            continue
        file, _, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        if not path.exists() or (anchor and anchor not in _anchors(path)):
            broken.append(target)
    assert broken == []
