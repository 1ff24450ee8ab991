"""The option that takes a risk level, however it is spelt."""

from __future__ import annotations

from typing import Annotated

import typer

from scoring.levels import Level


def parse_level(text: str) -> Level:
    """A level from what a person types: "critical", "High risk", "AT-RISK"."""
    try:
        return Level(text.strip().upper().replace("-", "_").replace(" ", "_"))
    except ValueError:
        known = ", ".join(Level)
        raise typer.BadParameter(f"{text!r} is no level; there are {known}") from None


LevelOption = Annotated[
    Level | None,
    typer.Option("--level", "-l", parser=parse_level, metavar="LEVEL", help=f"One of {', '.join(Level)}."),
]
