"""docker-compose.yml as Compose would read it, for tests that run its commands without Docker."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from dotenv import dotenv_values

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / "compose.env.example"
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?:(:?[-?])([^}]*))?\}")
PASSWORDS = {
    "POSTGRES_PASSWORD": "3f9b1c62a7e84d05",
    "KEEPWELL_DB_PASSWORD": "9c4e7a15d2b86f30",
    "TEMPORAL_DB_PASSWORD": "b71d05e94c3a8f26",
}
"""What must be set, with values that are good."""


def compose_file() -> dict[str, Any]:
    """The file with its anchors merged, variables as they are written."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return found


def services() -> dict[str, dict[str, Any]]:
    """The services by name."""
    found: dict[str, dict[str, Any]] = compose_file()["services"]
    return found


def filled(text: str, variables: Mapping[str, str]) -> str:
    """A value with its variables filled in. KeyError for one that must be set and is not."""

    def fill(hit: re.Match[str]) -> str:
        name, sign, word = hit.groups()
        value = variables.get(name, "")
        if value or not sign:
            return value
        if sign.endswith("?"):
            raise KeyError(name)
        return str(word)

    return VARIABLE.sub(fill, text).replace("$$", "$")


def environment(service: str, variables: Mapping[str, str]) -> dict[str, str]:
    """A service's environment, with the example file's values beneath these variables."""
    example = {name: value or "" for name, value in dotenv_values(EXAMPLE).items()}
    given = services()[service]["environment"]
    return {name: filled(str(value), {**example, **variables}) for name, value in given.items()}


def command(service: str) -> list[str]:
    """What a service runs: its entrypoint and its command, with `$$` as the container sees it."""
    found = services()[service]
    return [part.replace("$$", "$") for part in (*found.get("entrypoint", ()), *found.get("command", ()))]
