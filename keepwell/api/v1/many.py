"""Doing something to many things: each by itself, and what became of each is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal

from keepwell.api.problems import status_of
from keepwell.api.v1.asked import Outcome, Outcomes
from keepwell.errors import KeepwellError

State = Literal["done", "kept", "refused", "not_found", "invalid", "failed"]
STATES: Final[dict[int, State]] = {404: "not_found", 409: "refused", 422: "invalid"}


def failed(identity: str, error: KeepwellError) -> Outcome:
    """The outcome of what was not done."""
    status = status_of(error)
    return Outcome(id=identity, status=status, state=STATES.get(status, "failed"), text=error.message)


def outcomes(results: Sequence[Outcome]) -> Outcomes:
    """The answer for these."""
    states = [one.state for one in results]
    done, kept = states.count("done"), states.count("kept")
    return Outcomes(done=done, kept=kept, failed=len(states) - done - kept, results=tuple(results))


def each(ids: Sequence[str], work: Callable[[str], str]) -> Outcomes:
    """Do the work for each, which gives what was done in words. One named twice is done once."""
    results = []
    for one in dict.fromkeys(ids):
        try:
            results.append(Outcome(id=one, status=200, state="done", text=work(one)))
        except KeepwellError as error:
            results.append(failed(one, error))
    return outcomes(results)
