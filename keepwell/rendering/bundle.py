"""A template together with every file it includes: what is pinned, stored and rendered."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path

from jinja2 import Environment, TemplateSyntaxError, meta
from pydantic import model_validator

from keepwell.contracts.base import Frozen
from keepwell.errors import ConfigurationError
from keepwell.rendering.limits import BUNDLE_FILES, FILE_CHARACTERS

OWN_TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
"""The templates Keepwell brings along; users' folders stand before it."""

PARTS: Mapping[str, tuple[str, ...]] = {
    "email": ("subject", "mjml", "txt"),
    "slack": ("txt",),
    "in_app": ("title", "txt", "action"),
    "task": ("title", "txt"),
    "document": ("title", "html", "txt"),
}
"""The files of a template by its kind, which is the first word of its name."""

_NAME = re.compile(r"[a-z0-9_]+(?:/[a-z0-9_]+)+")
_FILE = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)*\.j2")
_SYNTAX = Environment(autoescape=True)


class Bundle(Frozen):
    """A template and all it includes: sources by file name. Its hash is what a playbook pins."""

    name: str
    files: dict[str, str]

    @model_validator(mode="after")
    def _has_a_kind(self) -> Bundle:
        parts_of(self.name)
        return self

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) of the name and the files; equal content gives an equal hash on any machine."""
        content = {"name": self.name, "files": self.files}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def parts_of(name: str) -> tuple[str, ...]:
    """The parts of a template. Raises ConfigurationError for a name of no known kind."""
    kind = name.partition("/")[0]
    if kind not in PARTS or not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} is not the name of a template.",
            hint=f"A name is kind/playbook/step, say email/critical/final_offer; kinds: {', '.join(PARTS)}.",
        )
    return PARTS[kind]


def file_of(name: str, part: str) -> str:
    """The file that holds one part of a template."""
    return f"{name}.{part}.j2"


def load_bundle(name: str, folders: tuple[Path, ...] = (OWN_TEMPLATES,)) -> Bundle:
    """Read a template with everything it includes; of two files with one name, the first folder's wins.

    Raises ConfigurationError naming the file where one is missing, unreadable or not valid Jinja2.
    """
    files: dict[str, str] = {}
    waiting = [(file_of(name, part), "") for part in parts_of(name)]
    while waiting:
        file, wanted_by = waiting.pop()
        if file in files:
            continue
        files[file] = _read(file, wanted_by, folders)
        if len(files) > BUNDLE_FILES:
            raise ConfigurationError(
                f"Template {name} includes more than {BUNDLE_FILES} files.", hint="Include fewer."
            )
        waiting.extend((other, file) for other in _references(file, files[file]))
    return Bundle(name=name, files=dict(sorted(files.items())))


def _read(file: str, wanted_by: str, folders: tuple[Path, ...]) -> str:
    if not _FILE.fullmatch(file):
        raise ConfigurationError(
            f"Template {wanted_by} includes {file!r}, which is not a file of a template folder.",
            hint="Write the path from the template folder, with forward slashes, ending in .j2.",
        )
    for folder in folders:
        path = folder / file
        if not path.is_file():
            continue
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"Template file {path} cannot be read: {error}.", hint="Save it as UTF-8 text."
            ) from error
        if len(text) > FILE_CHARACTERS:
            raise ConfigurationError(
                f"Template file {path} has {len(text):,} characters.",
                hint=f"At most {FILE_CHARACTERS:,} are read; pictures belong on a server of yours.",
            )
        return text
    raise _missing(file, wanted_by, folders)


def _missing(file: str, wanted_by: str, folders: tuple[Path, ...]) -> ConfigurationError:
    because = f", which {wanted_by} includes," if wanted_by else ""
    parent = Path(file).parent
    found = sorted({path.name for folder in folders for path in (folder / parent).glob("*.j2")})
    there = f"{parent} holds: {', '.join(found)}." if found else f"There is nothing in {parent} there."
    return ConfigurationError(
        f"Template file {file}{because} is missing. Searched: {', '.join(map(str, folders)) or 'no folder'}.",
        hint=there,
    )


# Many templates include the same few files: each is read anew, and parsed once.
@lru_cache(maxsize=512)
def _references(file: str, source: str) -> tuple[str, ...]:
    try:
        names = list(meta.find_referenced_templates(_SYNTAX.parse(source)))
    except TemplateSyntaxError as error:
        raise ConfigurationError(
            f"Template file {file}, line {error.lineno}: {error.message}.",
            hint="Correct the Jinja2 syntax there.",
        ) from error
    except RecursionError as error:
        raise ConfigurationError(
            f"Template file {file} is nested too deep.", hint="Take it apart."
        ) from error
    if None in names:
        raise ConfigurationError(
            f"Template file {file} includes a file whose name is computed, so it cannot be pinned.",
            hint="Write the included file's name in quotes.",
        )
    return tuple(name for name in names if name is not None)
