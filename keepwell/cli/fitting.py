"""How a table fits a terminal: which columns it has room for, and how wide each of them is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

GAP = 2
"""Blanks after a column."""

NARROWEST = 8
"""Below this, a column of words becomes a tower."""

LONGEST_WORD = 30
"""A longer word is broken rather than given room for."""


@dataclass(frozen=True)
class Need:
    """What a column needs: its least width, and the one at which nothing in it is wrapped.

    `drop` says when it is left out where there is no room: 1 first, 0 never.
    """

    least: int
    most: int
    drop: int = 0


def need_of(texts: Iterable[str], *, unbroken: bool, drop: int = 0) -> Need:
    """The need of a column with these texts; an unbroken one is never wrapped."""
    most = longest = 0
    for text in texts:
        most = max([most, *map(cell_len, text.splitlines())])
        longest = max([longest, *map(cell_len, text.split())])
    least = most if unbroken else min(most, max(NARROWEST, min(longest, LONGEST_WORD)))
    return Need(least, most, drop)


def shown(needs: Sequence[Need], width: int) -> list[int]:
    """The indexes of the columns to show: the least important are left out until the others fit."""
    left = list(range(len(needs)))
    for index in sorted((i for i in left if needs[i].drop), key=lambda i: needs[i].drop):
        if sum(needs[i].least + GAP for i in left) <= width:
            break
        left.remove(index)
    return left


def widths(needs: Sequence[Need], width: int) -> list[int] | None:
    """A width for each column; what is left over goes to those that want more. None where none fits."""
    given = [need.least for need in needs]
    spare = width - sum(given) - GAP * len(needs)
    if spare < 0:
        return None
    wanting = sorted(range(len(needs)), key=lambda i: needs[i].most - needs[i].least)
    for place, index in enumerate(wanting):
        more = min(needs[index].most - needs[index].least, spare // (len(wanting) - place))
        given[index] += more
        spare -= more
    return given
