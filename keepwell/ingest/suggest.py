"""Suggestions for names that were mistyped."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was likely meant, or None. Case does not count."""
    by_fold = {candidate.casefold(): str(candidate) for candidate in known}
    found = get_close_matches(name.casefold(), by_fold, n=1, cutoff=0.6)
    return by_fold[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """' (did you mean X?)', or nothing where no known name is near."""
    near = nearest(name, known)
    return f" (did you mean {near!r}?)" if near else ""
