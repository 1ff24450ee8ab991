"""What a look found: one finding each, and the report of all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from keepwell.contracts.base import Frozen
from keepwell.errors import Audience

Kind = Literal["ok", "warning", "problem", "skipped"]


class Finding(Frozen):
    """One thing that was looked at. `todo` and `who` (has to act) are empty where there is nothing to do.

    A `problem` keeps Keepwell from doing its work, a `warning` will or may; `skipped` was not looked at
    because something before it is down.
    """

    area: str
    check: str
    kind: Kind
    found: str
    todo: str = ""
    who: Audience | Literal[""] = ""


class Report(Frozen):
    """All findings of one look."""

    at: datetime
    findings: tuple[Finding, ...]

    def count(self, kind: Kind) -> int:
        """How many findings are of this kind."""
        return sum(one.kind == kind for one in self.findings)

    @property
    def healthy(self) -> bool:
        """Whether there is no problem; warnings do not count."""
        return self.count("problem") == 0


@dataclass(frozen=True)
class Note:
    """A finding without its place, as a check gives it back."""

    kind: Kind
    found: str
    todo: str = ""
    who: Audience | Literal[""] = ""


def ok(found: str) -> Note:
    """All is well."""
    return Note("ok", found)


def warning(found: str, todo: str, who: Audience = "ops") -> Note:
    """It works, but not as it should, or not for long."""
    return Note("warning", found, todo, who)


def problem(found: str, todo: str, who: Audience = "ops") -> Note:
    """It does not work."""
    return Note("problem", found, todo, who)
