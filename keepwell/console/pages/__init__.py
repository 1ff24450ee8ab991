"""Renders templates. Everything in them is escaped; a missing value is an error, not an empty place."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from keepwell.console import words

STATIC = "/console/static"


def render(template: str, values: Mapping[str, Any]) -> str:
    """A template of this folder."""
    return environment().get_template(template).render(values)


@cache
def environment() -> Environment:
    """One for the process."""
    made = Environment(
        loader=PackageLoader("keepwell.console", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["static"] = static
    made.filters.update(words.FILTERS)
    return made


@cache
def static(name: str) -> str:
    """The address of a static file; it changes with the file, so browsers may keep it."""
    content = files("keepwell.console").joinpath("static", name).read_bytes()
    return f"{STATIC}/{name}?v={sha256(content).hexdigest()[:12]}"
