"""Scorecards and churn models: how metrics become a score, and which model says who may leave."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import ConfigDict, Field

from keepwell.api.access import Configurer, Principal, Reader
from keepwell.api.door import AtDoor, Door
from keepwell.api.problems import problems
from keepwell.api.v1.asked import Text
from keepwell.contracts.base import Frozen, Strict
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.scorecards import store_scorecard
from keepwell.db.repositories.scorecards_chosen import (
    choose,
    label,
    own_scorecards,
    put_beside,
    scorecard_named,
)
from keepwell.db.repositories.views_churn_models import ChurnModelLine, churn_models
from keepwell.db.repositories.views_scorecards import ScorecardLine
from keepwell.errors import InputError
from scoring.describe import in_full
from scoring.errors import ScorecardError
from scoring.load import parse_scorecard
from scoring.scorecard import Scorecard

router = APIRouter(prefix="/api/v1", tags=["scorecards"], responses=problems(404))

FILE = "content"
Named = Annotated[Text, Path(max_length=100, description="Its name, name@version or hash.")]


class ScorecardIn(Strict):
    """A scorecard's text, in TOML."""

    content: Annotated[Text, Field(min_length=1, max_length=500_000)]


class ScorecardShown(Frozen):
    """A scorecard in full; each metric with its direction, its rule in words and its source."""

    model_config = ConfigDict(extra="allow")

    hash: str
    name: str
    version: int
    title: str
    description: str
    categories: list[dict[str, Any]]
    metrics: list[dict[str, Any]]
    bands: list[dict[str, Any]]


class ScorecardAnswer(Frozen):
    """A scorecard, and what was done with it."""

    hash: str
    name: str
    version: int
    title: str
    categories: int
    metrics: int
    bands: int
    text: str


@router.get("/scorecards")
def list_scorecards(who: Reader, door: AtDoor) -> Page[ScorecardLine]:
    """Those that come with Keepwell, and those the organisation uses or has used."""
    with door.store.read() as session:
        return Page[ScorecardLine](items=own_scorecards(session, who.organisation_id))


@router.post("/scorecards/check")
def check_scorecard(wanted: ScorecardIn, who: Reader) -> ScorecardAnswer:  # noqa: ARG001  (who asks is checked)
    """Check a scorecard's text; nothing is kept. A mistake is told with its line and key."""
    card = _parsed(wanted.content)
    return _answer(card, f"{label(card)} is sound.")


@router.post("/scorecards", status_code=201)
def keep_scorecard(wanted: ScorecardIn, who: Configurer, door: AtDoor) -> ScorecardAnswer:  # noqa: ARG001
    """Keep a scorecard under the hash of its content, by which it can be used; it is not in use yet."""
    _parsed(wanted.content)
    with door.store.write() as session:
        _, card = store_scorecard(session, wanted.content, FILE, datetime.now(UTC))
    return _answer(card, f"{label(card)} is kept. Use it by its hash.")


@router.get("/scorecards/{scorecard}")
def get_scorecard(scorecard: Named, who: Reader, door: AtDoor) -> ScorecardShown:
    """One in full: metrics, how values become points, bands, levels, and where the numbers come from."""
    with door.store.read() as session:
        _, card = scorecard_named(session, who.organisation_id, scorecard)
    return ScorecardShown(**in_full(card))


@router.post("/scorecards/{scorecard}/use")
def use_scorecard(scorecard: Named, who: Configurer, door: AtDoor) -> ScorecardAnswer:
    """Score with this one from now on. A customer's first score by it is a baseline and starts nothing."""
    with door.store.write() as session:
        stored, _ = scorecard_named(session, who.organisation_id, scorecard)
        card, changed = choose(session, who.organisation_id, stored, by=who.name, now=datetime.now(UTC))
    text = (
        f"{label(card)} is in use from the next scoring on."
        if changed
        else f"{label(card)} is in use already."
    )
    return _answer(card, text)


@router.post("/scorecards/{scorecard}/beside")
def put_scorecard_beside(scorecard: Named, who: Configurer, door: AtDoor) -> ScorecardAnswer:
    """Compute this one too from the next daily run on, to look at; it starts no playbook."""
    card = _beside(door, who, scorecard, remove=False)
    return _answer(card, f"{label(card)} is computed too from the next daily run on.")


@router.delete("/scorecards/{scorecard}/beside")
def remove_scorecard_beside(scorecard: Named, who: Configurer, door: AtDoor) -> ScorecardAnswer:
    """Compute it no longer; what it has scored stays."""
    card = _beside(door, who, scorecard, remove=True)
    return _answer(card, f"{label(card)} is computed no longer; what it has scored stays.")


@router.get("/churn-models")
def list_churn_models(who: Reader, door: AtDoor) -> Page[ChurnModelLine]:
    """Every churn model, with the one in use and its figures on customers that it has not seen."""
    with door.store.read() as session:
        return Page[ChurnModelLine](items=churn_models(session, who.organisation_id))


def _beside(door: Door, who: Principal, scorecard: str, *, remove: bool) -> Scorecard:
    with door.store.write() as session:
        stored, _ = scorecard_named(session, who.organisation_id, scorecard)
        return put_beside(
            session, who.organisation_id, stored, remove=remove, by=who.name, now=datetime.now(UTC)
        )


def _parsed(content: str) -> Scorecard:
    try:
        return parse_scorecard(content, FILE)
    except ScorecardError as error:
        raise InputError(str(error), place=FILE) from error


def _answer(card: Scorecard, text: str) -> ScorecardAnswer:
    return ScorecardAnswer(
        hash=card.fingerprint(),
        name=card.name,
        version=card.version,
        title=card.title,
        categories=len(card.categories),
        metrics=len(card.metrics),
        bands=len(card.bands),
        text=text,
    )
