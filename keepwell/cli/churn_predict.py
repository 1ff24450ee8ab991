"""`keepwell churn predict` and `keepwell churn explain`: who will leave, when, and why."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from sqlmodel import Session

from keepwell.cli import words
from keepwell.cli.churn_options import name_of
from keepwell.cli.churn_rows import service_of, table_errors
from keepwell.cli.churn_view import show_explanation, show_findings, show_predictions
from keepwell.cli.desk import By, Desk, Json, Limit, open_desk, who
from keepwell.cli.files import write_text
from keepwell.cli.output import print_json, say
from keepwell.db.repositories import churn_models as models
from keepwell.db.repositories import journal
from keepwell.db.repositories.churn_rows import customer_dates
from keepwell.db.tables import ChurnModel
from keepwell.errors import InputError, NotFoundError
from keepwell.keys import new_id

if TYPE_CHECKING:
    from pandas import DataFrame

    from keepwell.churn.files import Source
    from scoring.churn.results import Finding, Prediction, Time

ALL = "all"
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", help="Such as telco@2 (unset: the one in use, for a file the one named like it)."
    ),
]


def register(commands: typer.Typer) -> None:
    """Add the commands of this module."""
    commands.command("predict")(predict)
    commands.command("explain")(explain)


@dataclass(frozen=True)
class Said:
    """A prediction with what the customer is called; `customer` is our id, "" for a row of a file."""

    name: str
    customer: str
    prediction: Prediction
    time: Time | None


def predict(
    what: Annotated[
        str, typer.Argument(metavar="[FILE|all]", help="A file, or all (the default): your own customers.")
    ] = ALL,
    customer: Annotated[str | None, typer.Option(help="Only this customer, by key or name.")] = None,
    model: ModelOption = None,
    out: Annotated[Path | None, typer.Option(help="Write all predictions to this CSV file.")] = None,
    limit: Limit = 25,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Who is likely to leave: probability with its interval, category, and the time it may take.

    Predictions for your own customers by the model in use are kept, for priorities and alerts.
    """
    with open_desk() as desk:
        if what == ALL or customer is not None:
            if what != ALL:
                raise InputError("give a FILE or --customer, not both", place="--customer")
            label, said, findings, left_out, kept = _of_our_own(desk, customer, model)
            if kept:
                _tell(desk, label, len(said), who(by))
        else:
            label, said, findings = _of_file(desk, Path(what), model)
            left_out, kept = {}, True
    ranked = sorted(said, key=lambda one: -one.prediction.probability)
    if out is not None:
        # The mark in front is for Excel, which takes a CSV file without one for Latin-1.
        write_text("\ufeff" + _csv(ranked), out, f"{len(ranked):,} predictions of {label}")
    if as_json:
        lines = [_line(one) for one in ranked]
        print_json({"model": label, "predictions": lines, "left_out": left_out})
        return
    if not ranked:
        say("There is nobody to predict for: nothing was measured of any active customer lately.")
    else:
        shown = [(one.name, one.prediction, one.time) for one in ranked[:limit]]
        show_predictions(shown, len(ranked), title=f"By {label}")
    show_findings(findings, left_out)
    if not kept:
        say(f"These are not kept, as {label} is not in use: priorities and alerts do not see them.")


def _tell(desk: Desk, label: str, count: int, by: str) -> None:
    """Predictions that are kept are a change of the store."""
    with desk.store.write() as session:
        journal.write(
            session,
            key=f"churn_model.predicted/{new_id()}",
            organisation=desk.organisation.id,
            kind="churn_model.predicted",
            text=f"{label} predicted for {words.count(count, 'customer')}",
            at=desk.now,
            by=by,
        )


def explain(
    what: Annotated[str, typer.Argument(metavar="CUSTOMER|FILE", help="A customer, or with --row a file.")],
    row: Annotated[int | None, typer.Option(min=1, help="Which row of the file, from 1.")] = None,
    model: ModelOption = None,
    as_json: Json = False,
) -> None:
    """Why one customer has its probability: which features push it up, and which down."""
    from keepwell.churn.plain import plain  # noqa: PLC0415
    from keepwell.churn.saved import open_model  # noqa: PLC0415
    from keepwell.churn.words import sayable  # noqa: PLC0415
    from scoring.churn.explain import explain as reasons  # noqa: PLC0415  (loads scikit-learn)

    with open_desk() as desk:
        if row is not None:
            name, frame, stored = _row_of_file(desk, Path(what), row, model)
            time = None
        elif Path(what).is_file():
            raise InputError(f"which row of {what}? Give its number, from 1: --row 1", place="--row")
        else:
            name, frame, stored, time = _row_of_ours(desk, what, model)
    opened = open_model(stored)
    with table_errors(name):
        prediction = opened.predict(frame).rows[0]
        found = reasons(opened, frame, 0)
    time = time or sayable(prediction.time)
    if as_json:
        shown = {"model": models.label(stored), "customer": name, "prediction": plain(prediction)}
        print_json({**shown, "time": plain(time), "explanation": plain(found)})
        return
    show_explanation(name, found, prediction, time)


def _of_our_own(
    desk: Desk, customer: str | None, model: str | None
) -> tuple[str, list[Said], Sequence[Finding], dict[str, int], bool]:
    """Predictions for our own customers; the last says whether they are kept in the store."""
    service, ours = service_of(desk, None), desk.organisation.id
    with desk.store.read() as session:
        only = desk.customer(session, customer)
        names = _names(session, ours)
    with table_errors("your own customers"):
        found = service.predict_now(ours, desk.now, only=[only] if only else (), model=model)
    if only and not found.rows:
        raise InputError(
            "nothing was measured of it lately, or it is not active; there is nothing to go by",
            place=names.get(only, customer),
        )
    if found.in_use:
        service.keep(ours, desk.now, found)
    said = [Said(names.get(one.customer, ""), one.customer, one.prediction, one.time) for one in found.rows]
    left_out = {} if only else found.left_out
    return models.label(found.model), said, found.findings, left_out, found.in_use


def _of_file(desk: Desk, path: Path, model: str | None) -> tuple[str, list[Said], Sequence[Finding]]:
    from keepwell.churn.saved import open_model  # noqa: PLC0415
    from keepwell.churn.words import sayable  # noqa: PLC0415

    source, stored = _file_and_model(desk, path, model)
    opened = open_model(stored)
    with table_errors(source.file):
        found = opened.predict(source.frame)
    said = [Said(one.customer, "", one, sayable(one.time)) for one in found.rows]
    return models.label(stored), said, found.findings


def _file_and_model(desk: Desk, path: Path, model: str | None) -> tuple[Source, ChurnModel]:
    from keepwell.churn.files import read_table  # noqa: PLC0415

    source = read_table(path)
    named = model or name_of(path, None)
    with desk.store.read() as session:
        known = models.all_models(session, desk.organisation.id)
        if model is None and all(one.name != named for one in known):
            others = ", ".join(models.label(one) for one in known[:10])
            raise NotFoundError(
                f"There is no churn model {named!r}, as the file is called.",
                hint=(f"There are: {others}. Name one with --model.\n" if known else "")
                + f"Train one of this file: keepwell churn train {path} --target COLUMN",
            )
        stored = models.usable(session, desk.organisation.id, named)
    return source, stored


def _row_of_file(desk: Desk, path: Path, row: int, model: str | None) -> tuple[str, DataFrame, ChurnModel]:
    from keepwell.churn.files import row_at  # noqa: PLC0415

    source, stored = _file_and_model(desk, path, model)
    place = row_at(source, row)
    return f"{source.file}, row {row}", source.frame.iloc[[place]].reset_index(drop=True), stored


def _row_of_ours(desk: Desk, text: str, model: str | None) -> tuple[str, DataFrame, ChurnModel, Time | None]:
    service, ours = service_of(desk, None), desk.organisation.id
    with desk.store.read() as session:
        customer = desk.customer(session, text) or ""
        name = _names(session, ours)[customer]
    stored = service.model(ours, model)
    frame = service.customer_row(ours, customer, desk.now, stored)
    with table_errors(name):
        found = service.predict_now(ours, desk.now, only=[customer], model=model)
    return name, frame, stored, found.rows[0].time if found.rows else None


def _names(session: Session, organisation: str) -> dict[str, str]:
    return {one.id: one.name for one in customer_dates(session, organisation)}


_HEADER = (
    "customer",
    "probability",
    "low",
    "high",
    "category",
    "months",
    "months_low",
    "months_high",
    "months_beyond",
)


def _csv(rows: Sequence[Said]) -> str:
    from keepwell.ingest.report import harmless  # noqa: PLC0415

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADER)
    for one in rows:
        line = _line(one)
        cells = [harmless(one.name), *(line[name] for name in _HEADER[1:])]
        writer.writerow(["" if cell is None else cell for cell in cells])
    return text.getvalue()


def _line(one: Said) -> dict[str, Any]:
    """One prediction. `months_beyond`: a missing one of the months lies beyond this many."""
    said, time = one.prediction, one.time
    shown = {"customer": one.name, **({"id": one.customer} if one.customer else {})}
    return {
        **shown,
        "probability": round(said.probability, 6),
        "low": round(said.low, 6),
        "high": round(said.high, 6),
        "category": said.category.value,
        "months": _rounded(time.months if time else None),
        "months_low": _rounded(time.low if time else None),
        "months_high": _rounded(time.high if time else None),
        "months_beyond": _rounded(time.horizon if time else None),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
