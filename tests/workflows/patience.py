"""Limits of the product that are for people, lifted for tests on a machine that may be busy."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.workflows.stage import PATIENCE

_WITHIN = {
    "keepwell.temporal.connect.CONNECT_SECONDS": PATIENCE,
    "keepwell.temporal.commands.PATIENCE": timedelta(seconds=PATIENCE),
    "keepwell.temporal.pending.PATIENCE": timedelta(seconds=PATIENCE),
    "keepwell.api.runs.ANSWER_WITHIN": timedelta(seconds=PATIENCE),
    "keepwell.api.v1.beginning.DECIDED_WITHIN": PATIENCE,
    "keepwell.api.v1.schedules.ANSWER_WITHIN": PATIENCE,
}


def have_patience(patch: pytest.MonkeyPatch) -> None:
    """Wait long for a server or a worker that answers in milliseconds; who is not there is known at once.

    After its limit a command is kept instead of done: an answer as right as the other, and one that a busy
    machine may bring about.
    """
    for name, within in _WITHIN.items():
        patch.setattr(name, within)
