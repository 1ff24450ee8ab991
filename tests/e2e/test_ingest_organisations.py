"""Organisations and their scorecards in the store, on both engines."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from keepwell.db.engine import Store
from keepwell.db.repositories import organisations
from keepwell.db.repositories.scorecards import store_scorecard
from keepwell.errors import InputError, NotFoundError
from scoring.errors import ScorecardError

NOW = datetime(2026, 11, 21, tzinfo=UTC)
TEXT = (Path(__file__).parents[2] / "examples" / "telco" / "scorecard.toml").read_text(encoding="utf-8")


def test_an_organisation_is_made_once(store: Store) -> None:
    with store.write() as session:
        first = organisations.get_or_create(session, "main", now=NOW, name="Main Inc")
    with store.write() as session:
        again = organisations.get_or_create(session, "main", now=NOW, name="Other")
    assert (again.id, again.name) == (first.id, "Main Inc")
    with store.read() as session:
        assert organisations.find(session, "other") is None


def test_a_key_that_does_not_fit_is_refused(store: Store) -> None:
    with pytest.raises(InputError, match="longer than 40"), store.write() as session:
        organisations.get_or_create(session, "x" * 41, now=NOW)


def test_a_scorecard_is_chosen_and_given_up(store: Store) -> None:
    with store.write() as session:
        own = organisations.get_or_create(session, "main", now=NOW).id
        default = organisations.scorecard_of(session, own, now=NOW)[1]
        content_hash, card = store_scorecard(session, TEXT, "scorecard.toml", NOW)
        assert organisations.use_scorecard(session, own, content_hash) == card
    assert (default.name, card.name) == ("intervention", "telco")
    with store.write() as session:
        assert organisations.scorecard_of(session, own, now=NOW) == (content_hash, card)
        organisations.use_scorecard(session, own, None)
        assert organisations.scorecard_of(session, own, now=NOW)[1] == default
        assert organisations.use_scorecard(session, own, "intervention") == default
        assert organisations.use_scorecard(session, own, content_hash) == card


def test_an_unknown_scorecard_or_organisation_is_refused(store: Store) -> None:
    with store.write() as session:
        own = organisations.get_or_create(session, "main", now=NOW).id
        with pytest.raises(NotFoundError, match="nonsense"):
            organisations.use_scorecard(session, own, "nonsense")
        with pytest.raises(NotFoundError, match="no organisation"):
            organisations.use_scorecard(session, "nobody", None)
        with pytest.raises(ScorecardError, match=r"bad\.toml"):
            store_scorecard(session, "name = 1", "bad.toml", NOW)
