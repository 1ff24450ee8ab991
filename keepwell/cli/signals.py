"""The option that takes an expansion signal, however it is spelt."""

from __future__ import annotations

import typer

from keepwell.db.repositories.views import did_you_mean
from scoring.signal import Signal


def parse_signal(text: str) -> Signal:
    """A signal from what a person types: "consistent overage", "USAGE-LIMIT-APPROACHING"."""
    try:
        return Signal(text.strip().upper().replace("-", "_").replace(" ", "_"))
    except ValueError:
        near, known = did_you_mean(text, [one.value for one in Signal]), ", ".join(Signal)
        raise typer.BadParameter(f"{text!r} is no signal{near}; there are {known}") from None
