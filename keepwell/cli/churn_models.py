"""`keepwell churn models`: which models there are, what they are made of, which one is in use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.text import Text

from keepwell.cli.desk import By, Desk, Json, open_desk, who
from keepwell.cli.output import Column, print_fields, print_json, print_table, say
from keepwell.db.repositories import churn_models as models
from keepwell.db.repositories.views_churn_models import line_of
from keepwell.db.tables import ChurnModel
from keepwell.errors import InputError

PINNED = "brought back by a person; models trained later wait until a person promotes one"
STATE_STYLES = {"in_use": "green", "rejected": "yellow", "retired": "dim", "candidate": ""}

commands = typer.Typer(help="Models: list, show, promote, roll back.", invoke_without_command=True)

Model = Annotated[str, typer.Argument(metavar="MODEL", help="Such as customers@3, or a name alone.")]
Why = Annotated[str, typer.Option("--why", help="The reason, for the journal.")]


@commands.callback()
def _all(context: typer.Context, as_json: Json = False) -> None:
    """Models: list, show, promote, roll back."""
    if context.invoked_subcommand is None:
        list_models(as_json=as_json)


@commands.command("list")
def list_models(as_json: Json = False) -> None:
    """Every model, with the one in use marked."""
    with open_desk() as desk, desk.store.read() as session:
        rows = models.all_models(session, desk.organisation.id)
        if as_json:
            print_json({"models": [line_of(row) for row in rows]})
            return
        if not rows:
            say("There is no churn model yet. Train one: keepwell churn train")
            return
        print_table(_COLUMNS, [_cells(desk, row) for row in rows])
        say()
        say(desk.times, style="dim")


@commands.command("show")
def show_model(model: Model, as_json: Json = False) -> None:
    """The card of a model: its data, its figures, and how it came to its state."""
    with open_desk() as desk, desk.store.read() as session:
        row = models.find(session, desk.organisation.id, model)
        if as_json:
            print_json({**line_of(row).model_dump(mode="json"), "card": row.card})
            return
        show_card(models.label(row), row.state, row.why, row.card)
        print_fields(
            [
                ("trained", f"{desk.clock.moment(row.trained_at)} by {row.trained_by}"),
                ("in use since", f"{desk.clock.moment(row.promoted_at)}, {row.promoted_by}".strip(", ")),
                ("retired", desk.clock.moment(row.retired_at)),
                ("pinned", PINNED if row.pinned else ""),
                ("SHA-256", row.sha256),
            ]
        )


@commands.command("promote")
def promote(model: Model, why: Why, by: By = None, as_json: Json = False) -> None:
    """Take a model into use, whatever its figures; the one in use is retired.

    Of the one in use after a rollback: let better ones take its place by themselves again.
    """
    _need(why)
    with open_desk() as desk:
        row = _sound(desk, model)
        with desk.store.write() as session:
            before = models.promote(session, session.merge(row), at=desk.now, by=who(by), why=why.strip())
            instead = models.label(before) if before else ""
        _told(models.label(row), instead, as_json=as_json)


@commands.command("rollback")
def roll_back(
    why: Why,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which models.")] = "customers",
    by: By = None,
    as_json: Json = False,
) -> None:
    """Go back to the model that was in use before, and stay with it; the one in use is retired.

    Models trained from then on are kept and wait, until a person promotes one.
    """
    _need(why)
    with open_desk() as desk:
        with desk.store.write() as session:
            target, _ = models.before(session, desk.organisation.id, name.partition("@")[0])
        row = _sound(desk, models.label(target))
        with desk.store.write() as session:
            current = models.promote(
                session, session.merge(row), at=desk.now, by=who(by), why=why.strip(), back=True
            )
            instead = models.label(current) if current else ""
        _told(models.label(row), instead, as_json=as_json, pinned=True)


def _sound(desk: Desk, text: str) -> ChurnModel:
    """The model meant, opened once: one that was tampered with must not come into use."""
    from keepwell.churn.saved import open_model, open_time_model  # noqa: PLC0415

    with desk.store.read() as session:
        found = models.find(session, desk.organisation.id, text)
        row = session.get_one(ChurnModel, found.id, populate_existing=True)
        open_model(row)
        open_time_model(row)
    return row


def _need(why: str) -> None:
    if not why.strip():
        raise InputError("say why; it is kept in the journal", place="--why")


def _told(label: str, instead: str, *, as_json: bool, pinned: bool = False) -> None:
    if as_json:
        print_json({"in_use": label, "instead_of": instead or None, "pinned": pinned})
        return
    if instead == label:
        say(f"{label} stays in use, and a better one takes its place by itself again.", style="green")
        return
    say(f"{label} is in use{f' instead of {instead}' if instead else ''}.", style="green")
    say("The next predictions are its own: keepwell churn predict", style="dim")
    if pinned:
        say(
            f"It stays until a person says otherwise: models trained from now on are kept and wait. To let "
            f"better ones take its place by themselves again: keepwell churn models promote {label} --why …",
            style="dim",
        )


def show_card(label: str, state: str, why: str, card: Mapping[str, Any]) -> None:
    """What a model is made of and how well it does, on a page."""
    from keepwell.churn.words import TIME_MODELS, sorted_findings  # noqa: PLC0415  (loads NumPy)
    from scoring.churn.results import Finding, Severity, Trouble  # noqa: PLC0415

    model, held = card["model"], card["held_out"]
    time = card["time_model"]
    origin = card["origin"]
    say(label, style="bold")
    window = f", leaving within {origin['window_days']} days" if origin["window_days"] else ""
    found = [
        Finding(Trouble(one["trouble"]), Severity(one["severity"]), tuple(one["columns"]), one["words"])
        for one in model["findings"]
    ]
    libraries = [("keepwell", card["keepwell"]), *model["versions"]]
    print_fields(
        [
            ("state", Text(_state_words(state), style=STATE_STYLES.get(state, ""))),
            ("why", why),
            ("made from", f"{origin['source']}: {model['rows']:,} rows, {model['share']:.1%} left{window}"),
            ("not in it", "; ".join(f"{count:,}: {reason}" for reason, count in origin["left_out"].items())),
            ("model", model["choice"]),
            ("measured", f"{model['first']} to {model['last']}" if model["first"] else ""),
            ("time to churn", TIME_MODELS.get((time or model)["time_choice"], "")),
            ("features", ", ".join(model["features"])),
            ("held out", f"{held['rows']:,} rows that it has not seen, {held['share']:.1%} left"),
            ("made with", ", ".join(f"{name} {version}" for name, version in libraries)),
            ("file", f"SHA-256 {origin['digest']}" if origin["digest"] else ""),
            ("data", f"SHA-256 {model['digest']} (features and answers that it learned from)"),
            ("findings", "\n".join(one.words for one in sorted_findings(found))),
        ]
    )
    say()
    _show_figures(card)


def _show_figures(card: Mapping[str, Any]) -> None:
    """Its figures on the customers held out, beside those of the model it was compared with."""
    held, compared = card["held_out"], card["comparison"]
    columns = [
        Column("On the customers held out", keep=True),
        Column("This model", justify="right", keep=True),
    ]
    if compared:
        columns.append(Column(card["compared_with"], justify="right", keep=True))
    columns.append(Column("Without a model", justify="right", keep=True))
    rows = []
    for title, key, baseline in _FIGURES:
        cells: list[object] = [title, _number(held[key])]
        if compared:
            cells.append(_number(compared["old"][key]))
        rows.append([*cells, "–" if baseline is None else _number(_baseline(held, baseline))])
    print_table(columns, rows)
    say()


_FIGURES: tuple[tuple[str, str, str | float | None], ...] = (
    ("ROC AUC", "roc_auc", 0.5),
    ("PR AUC", "pr_auc", "baseline_pr_auc"),
    ("Brier score", "brier", "baseline_brier"),
    ("Log loss", "log_loss", "baseline_log_loss"),
    ("Calibration error (ECE)", "ece", None),
    ("Accuracy", "accuracy", "baseline_accuracy"),
    ("Precision", "precision", "share"),
    ("Recall", "recall", None),
    ("F1", "f1", None),
)

_COLUMNS = [
    Column("", keep=True),
    Column("Model", keep=True),
    Column("State", keep=True),
    Column("Trained", keep=True),
    Column("Rows", justify="right", keep=True, drop=1),
    Column("ROC AUC", justify="right", keep=True),
    Column("Log loss", justify="right", keep=True, drop=2),
    Column("Why"),
]


def _cells(desk: Desk, row: ChurnModel) -> list[object]:
    held = row.card["held_out"]
    return [
        "→" if row.state == models.IN_USE else "",
        models.label(row),
        Text(_state_words(row.state, row.pinned), style=STATE_STYLES.get(row.state, "")),
        desk.clock.moment(row.trained_at),
        f"{row.card['model']['rows']:,}",
        _number(held["roc_auc"]),
        _number(held["log_loss"]),
        row.why,
    ]


def _state_words(state: str, pinned: bool = False) -> str:
    return state.replace("_", " ") + (", pinned" if pinned else "")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _baseline(held: Mapping[str, Any], baseline: str | float) -> float | None:
    return held[baseline] if isinstance(baseline, str) else baseline
