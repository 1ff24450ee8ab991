"""The model store: saved with its card and hash, judged on what it has not seen, promoted if better."""

from __future__ import annotations

import logging
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from sqlmodel import Session

from keepwell.churn.plain import plain
from keepwell.churn.saved import packed
from keepwell.churn.verdict import Verdict, advice, judge, obstacle
from keepwell.churn.verdict_time import Timed, TimeVerdict, judge_time, tells_time, together
from keepwell.db.engine import Store
from keepwell.db.repositories import churn_models
from keepwell.db.repositories.churn_models import State
from keepwell.db.tables import ChurnModel
from keepwell.db.tables.base import Json
from scoring.churn.errors import TableError
from scoring.churn.mapping import Mapping, Settings

if TYPE_CHECKING:
    from pandas import DataFrame

    from scoring.churn.held_out import HeldOut
    from scoring.churn.model import ChurnModel as Model


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the rows of a training come from. `digest` is the SHA-256 of a file, "" for our own tables."""

    source: str
    digest: str
    window_days: int
    left_out: MappingOf[str, int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a training: the model's label, its state and why; its card as it is stored.

    `todo` says what a person can do about a model that is not in use; "" for one that is.
    """

    label: str
    state: State
    why: str
    todo: str
    card: Json


@dataclass(frozen=True, slots=True)
class TimePart:
    """Rows of their own for the time to churn."""

    frame: DataFrame
    mapping: Mapping


def train_and_keep(
    store: Store,
    organisation: str,
    name: str,
    frame: DataFrame,
    mapping: Mapping,
    settings: Settings,
    *,
    origin: Origin,
    time_part: TimePart | None,
    at: datetime,
    by: str,
) -> Outcome:
    """Train without the customers held out, judge on them, and keep the model; take it into use if better.

    No model of a name ever learns from the customers held out, so the one in use and the new one are judged
    on rows that neither has seen. Probability and time to churn are judged each by its own figures: the pair
    comes into use only if the one is better and the other not worse.

    Raises:
        TableError: the rows do not allow a model. Nothing is stored.
    """
    from scoring.churn.held_out import hold_out  # noqa: PLC0415  (loads scikit-learn)
    from scoring.churn.model import train  # noqa: PLC0415

    with store.read() as session:
        current = churn_models.in_use(session, organisation, name)
    parts = hold_out(frame, mapping, current.card["held_out_by"] if current else ())
    stamp = at.isoformat()
    model = train(parts.learned, mapping, settings, trained_at=stamp)
    pair = _judged(current, model, parts, _trained_time(time_part, settings, stamp))
    card: Json = {**_figures(pair), **_given(parts, origin, mapping, settings, by)}
    content, time_content = packed(pair.model), packed(pair.time_model) if pair.time_model else None
    with store.write() as session:
        row = churn_models.add(
            session,
            organisation=organisation,
            name=name,
            card=card,
            content=content,
            time_content=time_content,
            at=at,
            by=by,
        )
        return _settle(session, row, pair.verdict, at, by)


def _given(parts: HeldOut, origin: Origin, mapping: Mapping, settings: Settings, by: str) -> Json:
    """What a model was made from, for its card."""
    return {
        "held_out_by": list(parts.by),
        "origin": plain(origin),
        "mapping": plain(mapping),
        "settings": plain(settings),
        "by": by,
        "keepwell": version("keepwell"),
    }


@dataclass(frozen=True, slots=True)
class _Pair:
    """What was trained, and whether it comes into use. `time_model` has rows of its own."""

    model: Model
    time_model: Model | None
    verdict: Verdict
    time: TimeVerdict


def _judged(current: ChurnModel | None, model: Model, parts: HeldOut, own_time: Timed | None) -> _Pair:
    timed = own_time or (Timed(model, parts.judged) if model.survival is not None else None)
    time, told_before = judge_time(current, timed), tells_time(current)
    if time.better is False and not told_before:
        # Nobody knew the time before: the probability need not wait for it.
        own_time, model = None, model.without_time()
    verdict = together(judge(current, model, parts), time, told_before=told_before)
    return _Pair(model, own_time.model if own_time else None, verdict, time)


def _trained_time(part: TimePart | None, settings: Settings, stamp: str) -> Timed | None:
    """A model of the time to churn from rows of its own, without the customers held out."""
    from scoring.churn.held_out import hold_out  # noqa: PLC0415
    from scoring.churn.model import train  # noqa: PLC0415

    if part is None:
        return None
    try:
        parts = hold_out(part.frame, part.mapping)
        # Its probability is never asked for, so nor is the interval of that.
        lean = replace(settings, refits=0)
        return Timed(train(parts.learned, part.mapping, lean, trained_at=stamp), parts.judged)
    except TableError as error:
        log.info("No time to churn: %s", error)
        return None


def _figures(pair: _Pair) -> Json:
    """The part of the card that says what was learned, and how it was judged."""
    verdict, time = pair.verdict, pair.time
    return {
        "model": plain(pair.model.card),
        "time_model": plain(pair.time_model.card) if pair.time_model else None,
        "held_out": plain(verdict.figures),
        "comparison": plain(verdict.comparison) if verdict.comparison else None,
        "compared_with": verdict.other,
        "time_held_out": plain(time.figures) if time.figures else None,
        "time_comparison": plain(time.comparison) if time.comparison else None,
    }


def _settle(session: Session, row: ChurnModel, verdict: Verdict, at: datetime, by: str) -> Outcome:
    """Take the model into use or not, as was judged."""
    # Read anew: a person may have changed it while the training went on.
    current = churn_models.in_use(session, row.organisation_id, row.name)
    why, label = verdict.why, churn_models.label(row)
    waits = obstacle(current, verdict)
    state: State = churn_models.IN_USE
    if verdict.better is False:
        state = churn_models.REJECTED
    elif verdict.better is None or waits:
        state, why = churn_models.CANDIDATE, f"{why} {waits}".strip()
    if state == churn_models.IN_USE:
        churn_models.promote(session, row, at=at, by=by, why=why)
    else:
        churn_models.leave(session, row, state, at=at, by=by, why=why)
    return Outcome(label, state, why, advice(row, current), row.card)
