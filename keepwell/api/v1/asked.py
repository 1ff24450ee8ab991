"""What endpoints take and give alike: ids, texts, moments, pages, and how something is undone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from fastapi import Path, Query
from pydantic import AfterValidator, Field, StringConstraints

from keepwell.contracts.base import Frozen, Strict
from keepwell.contracts.ingestion import At

MOST: Final = 200
"""Things that one request may name."""

LONGEST: Final = 500
"""Letters of a note or reason."""


def storable(text: str) -> str:
    """A text that both databases can hold."""
    if "\x00" in text:
        raise ValueError("must not hold NUL characters")
    return text


def _storable_or_none(text: str | None) -> str | None:
    return None if text is None else storable(text)


def _near(at: datetime) -> datetime:
    if not 2000 <= at.year < 2200:
        raise ValueError("must be a moment of the years 2000 to 2199")
    return at.astimezone(UTC)


Text = Annotated[str, AfterValidator(storable)]
Note = Annotated[str, StringConstraints(max_length=LONGEST), AfterValidator(storable)]
LongText = Annotated[
    str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True), AfterValidator(storable)
]
Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST, strip_whitespace=True),
    AfterValidator(storable),
]
Moment = Annotated[At, AfterValidator(_near)]
"""With its distance from UTC: "2026-12-01T09:00:00+01:00"."""

OwnId = Annotated[str, StringConstraints(min_length=1, max_length=40), AfterValidator(storable)]
GivenId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,60}$")]
"""The id of a command, as its sender gives it."""

CustomerPath = Annotated[
    str,
    Path(max_length=200, description="The customer: our id, or its external id."),
    AfterValidator(storable),
]
StaffText = Annotated[
    str, StringConstraints(min_length=1, max_length=320, strip_whitespace=True), AfterValidator(storable)
]
CustomerFilter = Annotated[
    str | None,
    AfterValidator(_storable_or_none),
    Query(max_length=200, description="Only of this customer: our id, or its external id."),
]
OwnerFilter = Annotated[
    str | None,
    AfterValidator(_storable_or_none),
    Query(max_length=320, description="Only of this member of staff: an id, an email address, or `me`."),
]
InterventionFilter = Annotated[
    str | None,
    AfterValidator(_storable_or_none),
    Query(max_length=40, description="Only of this intervention: its id."),
]
PlaybookFilter = Annotated[
    str, AfterValidator(storable), Query(max_length=60, description="A playbook's name, or name@version.")
]
Limit = Annotated[int, Query(ge=1, le=MOST, description="At most so many on one page.")]
Cursor = Annotated[str, Query(max_length=1000, description="`next` of the page before, unchanged.")]


class Nothing(Strict):
    """A body without a field."""


class Undo(Frozen):
    """The call that takes back what was done."""

    method: Literal["POST", "DELETE"]
    path: str = Field(description="With `/api/v1`, to be called as it stands.")
    body: dict[str, Any] = Field(default_factory=dict)
    words: str = Field(description="What it does, for a button: “Resume”.")


class Outcome(Frozen):
    """What became of one of many. `status` is what it would have been answered alone."""

    id: str
    status: int = Field(description="200 done, 202 kept, 404, 409 refused, 422 wrong, 503 later.")
    state: Literal["done", "kept", "refused", "not_found", "invalid", "failed"]
    text: str
    command: str | None = None


class Outcomes(Frozen):
    """What became of each of many, in the order in which they were named; one that fails stops no other."""

    done: int
    kept: int = Field(description="To be told later, as no server or worker answers now.")
    failed: int
    results: tuple[Outcome, ...]
