"""Numbers as much of Europe writes them: a comma before the decimals, points between the thousands."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NUMBER = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?")
_SURE = re.compile(r"[+-]?(.*\..*,\d+|0,\d+|\d+,(\d{1,2}|\d{4,})|\d{4,},\d+)")
"""What cannot be a whole number with a comma between its thousands, as "1,234" can."""


def has_commas(cells: Sequence[object], odd: float, known: bool = False) -> bool:
    """Whether filled cells are numbers with decimal commas: all but a share of `odd` fit, and some of them
    cannot be anything else, unless it is `known` of the column. Numbers that are no text always fit."""
    texts = [cell.strip() for cell in cells if isinstance(cell, str)]
    wrong = sum(_NUMBER.fullmatch(text) is None for text in texts)
    if not texts or wrong > odd * len(cells):
        return False
    return known or sum(_SURE.fullmatch(text) is not None for text in texts) > odd * len(cells)


def with_point(cell: object) -> object:
    """A cell with a decimal comma as Python reads it; what is no such number stays as it is."""
    if not isinstance(cell, str) or _NUMBER.fullmatch(cell.strip()) is None:
        return cell
    return cell.strip().replace(".", "").replace(",", ".")
