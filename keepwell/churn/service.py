"""Churn models of our own customers, as the scheduled runs and the command line use them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from keepwell.churn import own
from keepwell.churn.own import Own, lives, mapping_of, now_table, snapshots, time_mapping_of
from keepwell.churn.registry import Origin, Outcome, TimePart, train_and_keep
from keepwell.churn.saved import OWN, completed, open_model, open_time_model
from keepwell.churn.verdict import advice
from keepwell.churn.words import sayable
from keepwell.contracts.churn import ChurnCall, ChurnPredicted, ChurnTrained, Trained
from keepwell.db.engine import Store
from keepwell.db.repositories import churn_models, organisations
from keepwell.db.repositories.churn_predictions import keep
from keepwell.db.tables import ChurnModel
from keepwell.errors import NotFoundError, RefusedError
from keepwell.keys import new_id
from scoring.churn.errors import ChurnError, TableError
from scoring.churn.mapping import STANDARD, Settings
from scoring.churn.results import Finding, Prediction, Time

if TYPE_CHECKING:
    from pandas import DataFrame

WINDOW = timedelta(days=90)
"""Leaving is looked for in this time after a snapshot, unless the setting says otherwise."""

NO_MODEL = "no churn model of our own customers is in use"
OTHER_MODEL = (
    "Train a model of what is measured now: keepwell churn train\n"
    "Or go back to the one before: keepwell churn models rollback --why …"
)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CustomerPrediction:
    """A prediction with the customer's id in the store."""

    customer: str
    prediction: Prediction
    time: Time | None


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a model says of our customers. `left_out` counts those it says nothing of, by reason."""

    model: ChurnModel
    rows: tuple[CustomerPrediction, ...]
    findings: tuple[Finding, ...]
    left_out: dict[str, int]

    @property
    def in_use(self) -> bool:
        """Whether these are to be kept: only those of the model in use are."""
        return self.model.name == OWN and self.model.state == churn_models.IN_USE


class ChurnService:
    """Trains on our own customers and predicts for them. Implements `ports.Churn`."""

    def __init__(self, store: Store, window: timedelta = WINDOW, settings: Settings | None = None) -> None:
        self._store, self.window = store, window
        self._given = settings

    def train(self, call: ChurnCall) -> ChurnTrained:
        """Train as of a moment; the same moment again gives what was trained then."""
        with self._store.read() as session:
            done = churn_models.trained_as_of(session, call.organisation, OWN, call.as_of)
            current = churn_models.in_use(session, call.organisation, OWN)
        if done is not None:
            why = f"{done.why} {advice(done, current)}".strip()
            return ChurnTrained(state=_state(done.state), model=churn_models.label(done), why=why)
        try:
            outcome = self.train_now(call.organisation, call.as_of, call.by)
        except TableError as error:
            why = str(error)
            log.info("No churn model was trained: %s", why)
            with self._store.write() as session:
                churn_models.not_trained(session, call.organisation, OWN, call.as_of, call.by, why)
            return ChurnTrained(state="not_trained", model="", why=why)
        why = f"{outcome.why} {outcome.todo}".strip()
        return ChurnTrained(state=_state(outcome.state), model=outcome.label, why=why)

    def train_now(self, organisation: str, as_of: datetime, by: str) -> Outcome:
        """Train, judge and keep a model. TableError where the data do not allow one."""
        table = self.snapshots(organisation, as_of)
        origin = Origin(
            source=f"our own customers as of {as_of:%Y-%m-%d}",
            digest="",
            window_days=self.window.days,
            left_out=table.left_out,
        )
        return train_and_keep(
            self._store,
            organisation,
            OWN,
            table.frame,
            mapping_of(table, self.window),
            self._given or STANDARD,
            origin=origin,
            time_part=self._time_part(organisation, as_of),
            at=as_of,
            by=by,
        )

    def snapshots(self, organisation: str, as_of: datetime) -> Own:
        """The table that is learned from."""
        return snapshots(self._store, organisation, self._metrics(organisation, as_of), as_of, self.window)

    def _time_part(self, organisation: str, as_of: datetime) -> TimePart | None:
        """Rows for the time to churn, where enough customers have a known start."""
        from scoring.churn.table import describe  # noqa: PLC0415  (loads scikit-learn)

        table = lives(self._store, organisation, self._metrics(organisation, as_of), as_of, self.window)
        mapping = time_mapping_of(table)
        try:
            describe(table.frame, mapping)
        except ChurnError as error:
            log.info("No time to churn: %s", error)
            return None
        return TimePart(table.frame, mapping)

    def predict(self, call: ChurnCall) -> ChurnPredicted:
        """Predict for every active customer and keep it; says why where there is nothing to predict."""
        try:
            found = self.predict_now(call.organisation, call.as_of)
        except NotFoundError:
            return ChurnPredicted(model="", predicted=0, left_out=0, why=NO_MODEL)
        except (RefusedError, TableError) as error:
            return self._not_predicted(call, error)
        self.keep(call.organisation, call.as_of, found)
        return ChurnPredicted(
            model=churn_models.label(found.model),
            predicted=len(found.rows),
            left_out=sum(found.left_out.values()),
            why="; ".join(f"{count:,}: {reason}" for reason, count in found.left_out.items()),
        )

    def _not_predicted(self, call: ChurnCall, error: RefusedError | TableError) -> ChurnPredicted:
        """Tell of a model that cannot predict, where people look: the journal, the run and the log.

        An answer and no failure: another attempt would find the same, and the nights after go on.
        """
        said = (error.message, error.hint) if isinstance(error, RefusedError) else (str(error), OTHER_MODEL)
        why = "\n".join(said)
        log.error("No churn predictions for %s: %s", call.organisation, why)
        with self._store.write() as session:
            churn_models.not_predicted(session, call.organisation, OWN, call.as_of, call.by, why)
        return ChurnPredicted(model="", predicted=0, left_out=0, why=why)

    def predict_now(
        self, organisation: str, as_of: datetime, only: Sequence[str] = (), model: str | None = None
    ) -> Predicted:
        """What a model says of our customers (`only` some ids, or all); the one in use unless named.

        Raises:
            NotFoundError: there is no such model.
            RefusedError: the model was tampered with, or is one of a file.
            TableError: the model wants columns that are nothing of our customers'.
        """
        row = self.model(organisation, model)
        table = now_table(self._store, organisation, self._metrics(organisation, as_of), as_of)
        frame = table.frame
        if only:
            frame = frame[frame[own.CUSTOMER].isin(list(only))].reset_index(drop=True)
        rows, findings = _predicted(row, completed(frame, row))
        return Predicted(row, rows, findings, dict(table.left_out))

    def model(self, organisation: str, text: str | None) -> ChurnModel:
        """The model of our customers that is in use, or the one named.

        Raises:
            NotFoundError: there is none.
            RefusedError: the one named learned from a file: its columns are not what the store knows.
        """
        with self._store.read() as session:
            row = (
                churn_models.in_use(session, organisation, OWN)
                if text is None
                else churn_models.usable(session, organisation, text)
            )
        if row is None:
            raise NotFoundError(f"{NO_MODEL[:1].upper()}{NO_MODEL[1:]}.", hint="keepwell churn train")
        if row.name != OWN:
            raise RefusedError(
                f"{churn_models.label(row)} learned from a file and knows nothing of your own customers.",
                hint=f"Name a model called {OWN}@…, or none for the one in use: keepwell churn models list",
            )
        return row

    def customer_row(self, organisation: str, customer: str, as_of: datetime, row: ChurnModel) -> DataFrame:
        """What is known of one customer, as the model's table has it. NotFoundError where nothing is."""
        table = now_table(self._store, organisation, self._metrics(organisation, as_of), as_of)
        frame = table.frame[table.frame[own.CUSTOMER] == customer].reset_index(drop=True)
        if frame.empty:
            raise NotFoundError(
                "Of this customer nothing was measured lately, or it is not active.",
                hint="Import metrics: keepwell import metrics FILE",
            )
        return completed(frame, row)

    def keep(self, organisation: str, at: datetime, found: Predicted) -> None:
        """Keep predictions in the store; those of the same moment are replaced.

        Raises:
            RefusedError: the model is not in use. Priorities and alerts read the latest ones.
        """
        if not found.in_use:
            raise RefusedError(f"{churn_models.label(found.model)} is not in use: nothing was kept.")
        rows = [_stored(organisation, found.model.id, at, one) for one in found.rows]
        with self._store.write() as session:
            keep(session, rows)

    def _metrics(self, organisation: str, at: datetime) -> tuple[str, ...]:
        with self._store.write() as session:
            return organisations.scorecard_of(session, organisation, now=at)[1].metric_names


def _predicted(
    row: ChurnModel, frame: DataFrame
) -> tuple[tuple[CustomerPrediction, ...], tuple[Finding, ...]]:
    if frame.empty:
        return (), ()
    said = open_model(row).predict(frame)
    times = _times(row, frame)
    rows = [
        CustomerPrediction(str(customer), one, sayable(times.get(str(customer), one.time)))
        for customer, one in zip(frame[own.CUSTOMER], said.rows, strict=True)
    ]
    return tuple(rows), said.findings


def _times(row: ChurnModel, frame: DataFrame) -> dict[str, Time | None]:
    """The time to churn by customer, from now on."""
    model = open_time_model(row)
    # One that counts from another beginning was trained by an earlier version: it would say wrong months.
    if model is None or model.mapping.duration != own.SINCE:
        return {}
    said = model.predict(frame).rows
    return {str(customer): one.time for customer, one in zip(frame[own.CUSTOMER], said, strict=True)}


def _state(state: str) -> Trained:
    """A stored state as the run tells it: one that was in use is told as not."""
    match state:
        case churn_models.IN_USE:
            return "in_use"
        case churn_models.CANDIDATE:
            return "candidate"
        case _:
            return "rejected"


def _stored(organisation: str, model: str, at: datetime, one: CustomerPrediction) -> dict[str, Any]:
    time = one.time
    return {
        "id": new_id(),
        "organisation_id": organisation,
        "customer_id": one.customer,
        "model_id": model,
        "at": at,
        "probability": one.prediction.probability,
        "low": one.prediction.low,
        "high": one.prediction.high,
        "category": one.prediction.category.value,
        "months": time.months if time else None,
        "months_low": time.low if time else None,
        "months_high": time.high if time else None,
    }
