"""`keepwell churn`: who is likely to leave, how far that can be trusted, when, and why."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keepwell.cli import churn_models, churn_predict
from keepwell.cli.churn_options import (
    Churned,
    Drop,
    Duration,
    Folds,
    Group,
    Id,
    Jobs,
    Keep,
    Measured,
    Quick,
    Said,
    Seed,
    Target,
    Time,
    Window,
    WindowStart,
    command_of,
    is_quick,
    name_of,
    said,
    settings_of,
)
from keepwell.cli.churn_rows import Rows, rows_of, service_of, table_errors
from keepwell.cli.churn_view import evaluation_json, show_evaluation
from keepwell.cli.desk import By, Json, open_desk, who
from keepwell.cli.files import replace_text
from keepwell.cli.output import Progress, print_json, say
from keepwell.errors import InputError

if TYPE_CHECKING:
    from keepwell.churn.registry import Outcome
    from scoring.churn.mapping import Settings
    from scoring.churn.results import Evaluation

File = Annotated[
    Path | None, typer.Argument(help="A .csv file with a header, or .jsonl (unset: your own customers).")
]

commands = typer.Typer(help="Who is likely to leave, when, and why.", no_args_is_help=True)
commands.add_typer(churn_models.commands, name="models")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(commands, name="churn")


@commands.command("evaluate")
def evaluate(
    file: File = None,
    target: Target = None,
    churned: Churned = None,
    customer: Id = None,
    duration: Duration = None,
    drop: Drop = None,
    keep: Keep = None,
    group: Group = None,
    time: Time = None,
    window: Window = None,
    measured: Measured = None,
    window_start: WindowStart = None,
    folds: Folds = 5,
    seed: Seed = 42,
    jobs: Jobs = 1,
    quick: Quick = False,
    html: Annotated[Path | None, typer.Option(help="Write the report with pictures to this file.")] = None,
    as_json: Json = False,
) -> None:
    """How well leaving can be told beforehand: judged on customers that the model has not seen.

    keepwell churn evaluate telco.csv --target Churn --churned Yes --id customerID --duration tenure
    --html report.html
    """
    from keepwell.churn.plain import plain  # noqa: PLC0415
    from scoring.churn.evaluate import evaluate as judge  # noqa: PLC0415  (loads scikit-learn)

    options = said(
        target, churned, customer, duration, drop, keep, group, time, window, measured, window_start
    )
    settings = settings_of(folds=folds, seed=seed, jobs=jobs, quick=quick)
    progress = Progress(stderr=True)
    with rows_of(file, options) as rows, table_errors(rows.origin.source):
        progress(f"{rows.origin.source}: {len(rows.frame):,} rows read")
        found = judge(rows.frame, rows.mapping, settings, progress=progress)
    if html is not None:
        replace_text(_page(rows, found, settings), html)
    if as_json:
        shown = evaluation_json(found, rows.origin.left_out)
        print_json({"source": rows.origin.source, "mapping": plain(rows.mapping), **shown})
        return
    show_evaluation(found, rows.origin.source, rows.origin.left_out)
    if html is not None:
        say(f"The report with pictures: {html}")


@commands.command("train")
def train(
    file: File = None,
    target: Target = None,
    churned: Churned = None,
    customer: Id = None,
    duration: Duration = None,
    drop: Drop = None,
    keep: Keep = None,
    group: Group = None,
    time: Time = None,
    window: Window = None,
    measured: Measured = None,
    window_start: WindowStart = None,
    seed: Seed = 42,
    quick: Quick = False,
    name: Annotated[
        str | None, typer.Option(help="What the models of this file are called (unset: as the file is).")
    ] = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Train a model, judge it on customers held out, and take it into use if it is better than the last."""
    options = said(
        target, churned, customer, duration, drop, keep, group, time, window, measured, window_start
    )
    settings = settings_of(seed=seed, quick=quick)
    if file is None:
        options.refuse_without_file()
        if name is not None:
            raise InputError("the models of your own customers are called 'customers'", place="--name")
        made = _train_own(settings, who(by))
    else:
        made = _train_file(file, options, settings, name_of(file, name), who(by))
    if as_json:
        print_json(
            {
                "model": made.label,
                "state": made.state,
                "why": made.why,
                "todo": made.todo,
                "card": made.card,
            }
        )
        return
    churn_models.show_card(made.label, made.state, made.why, made.card)
    if made.state == "in_use":
        say(f"{made.label} is in use. Predict with it: {_predicting(file, name)}", style="green")
    else:
        say(f"{made.label} is kept and not in use. {made.todo}")


def _predicting(file: Path | None, name: str | None) -> str:
    """The command that predicts with what was trained."""
    words = ["keepwell churn predict", *([shlex.quote(str(file))] if file else [])]
    return " ".join([*words, *(["--model", name] if name else [])])


def _train_own(settings: Settings, by: str) -> Outcome:
    progress = Progress(stderr=True)
    with open_desk() as desk, table_errors("our own customers"):
        progress(f"{desk.organisation.name}: gathering what was known of customers")
        return service_of(desk, settings).train_now(desk.organisation.id, desk.now, by)


def _train_file(file: Path, options: Said, settings: Settings, name: str, by: str) -> Outcome:
    from keepwell.churn.registry import train_and_keep  # noqa: PLC0415

    progress = Progress(stderr=True)
    with open_desk() as desk, rows_of(file, options) as rows, table_errors(rows.origin.source):
        progress(f"{rows.origin.source}: {len(rows.frame):,} rows read; training {name}")
        return train_and_keep(
            desk.store,
            desk.organisation.id,
            name,
            rows.frame,
            rows.mapping,
            settings,
            origin=rows.origin,
            time_part=None,
            at=desk.now,
            by=by,
        )


def _page(rows: Rows, found: Evaluation, settings: Settings) -> str:
    """The report, with the command that makes it again."""
    from keepwell.churn.report import Made, page_of  # noqa: PLC0415  (loads matplotlib)

    made = Made(
        source=rows.origin.source,
        digest=rows.origin.digest,
        at=datetime.now(UTC),
        seed=settings.seed,
        folds=settings.folds,
        command=command_of(rows.origin.source if rows.origin.digest else None, rows.mapping, settings),
        left_out=rows.origin.left_out,
        window_days=rows.origin.window_days,
        quick=is_quick(settings),
    )
    return page_of(found, made, duration=rows.duration)


churn_predict.register(commands)
