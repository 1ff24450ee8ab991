"""`keepwell scorecards`: how metrics become a score, and a score a level."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from keepwell.cli import words
from keepwell.cli.desk import Desk, Json, open_desk
from keepwell.cli.files import read_text
from keepwell.cli.output import Column, level_text, print_json, print_table, say
from keepwell.db.repositories import organisations
from keepwell.db.repositories.scorecards import scorecard_by_hash
from keepwell.db.repositories.views_scorecards import find_scorecard, scorecards
from keepwell.errors import InputError
from scoring.load import builtin, builtin_names, load_scorecard
from scoring.scorecard import Scorecard

commands = typer.Typer(help="How metrics become a score, and a score a level.", invoke_without_command=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(commands, name="scorecards")


@commands.callback()
def _all(context: typer.Context, as_json: Json = False) -> None:
    """How metrics become a score, and a score a level."""
    if context.invoked_subcommand is None:
        list_scorecards(as_json=as_json)


@commands.command("list")
def list_scorecards(as_json: Json = False) -> None:
    """The scorecards there are, with the one in use marked."""
    with open_desk() as desk, desk.store.read() as session:
        found = scorecards(session, desk.organisation.id)
    if as_json:
        print_json({"scorecards": found})
        return
    columns = [
        Column("", keep=True),
        Column("Name", keep=True),
        Column("Version", justify="right"),
        Column("Title"),
        Column("From"),
        Column("Hash", keep=True, wide=70),
    ]
    rows = [
        ["→" if one.in_use else "", one.name, one.version, one.title, one.origin, one.hash[:12]]
        for one in found
    ]
    print_table(columns, rows)
    say()
    say("Another one: keepwell scorecards use NAME_OR_FILE", style="dim")


@commands.command("show")
def show_scorecard(
    name: Annotated[
        str | None, typer.Argument(help="Its name, its hash or a file (unset: the one in use).")
    ] = None,
    as_json: Json = False,
) -> None:
    """One scorecard: categories, metrics, weights and bands."""
    with open_desk() as desk:
        card = _find(desk, name)
    if as_json:
        print_json({"hash": card.fingerprint(), **card.model_dump(mode="json")})
    else:
        _print(card)


@commands.command("check")
def check_scorecard(
    file: Annotated[Path, typer.Argument(help="A TOML file.")], as_json: Json = False
) -> None:
    """Check a scorecard's file, changing nothing."""
    card = load_scorecard(file)
    if as_json:
        print_json({"ok": True, "hash": card.fingerprint(), "name": card.name, "version": card.version})
        return
    say(
        f"{file} is sound: {card.name}@{card.version}, "
        f"{words.count(len(card.categories), 'category', 'categories')}, "
        f"{words.count(len(card.metrics), 'metric')}, {words.count(len(card.bands), 'band')}."
    )
    say(f"Use it: keepwell scorecards use {file}", style="dim")


@commands.command("use")
def use_scorecard(
    name: Annotated[str, typer.Argument(metavar="NAME_OR_FILE", help="A name, a hash or a TOML file.")],
    as_json: Json = False,
) -> None:
    """Score with this scorecard from now on; a file is kept by its content's hash."""
    with open_desk() as desk:
        path = Path(name)
        with desk.store.write() as session:
            if name in builtin_names():
                card = organisations.use_scorecard(session, desk.organisation.id, name)
            elif _is_file(path):
                # The loader explains a file that is none; its text is then kept as it is.
                load_scorecard(path)
                _, card = organisations.use_scorecard_text(
                    session, desk.organisation.id, read_text(path), path.name, now=desk.now
                )
            else:
                stored = find_scorecard(session, name)
                card = organisations.use_scorecard(session, desk.organisation.id, stored)
    if card is None:
        raise InputError(f"There is no scorecard {name!r}.")
    if as_json:
        print_json({"hash": card.fingerprint(), "name": card.name, "version": card.version})
        return
    say(f"{card.name}@{card.version} is in use from the next scoring on: keepwell score")


def _is_file(path: Path) -> bool:
    return path.suffix == ".toml" or path.is_file()


def _find(desk: Desk, name: str | None) -> Scorecard:
    if name is not None and name not in builtin_names() and _is_file(Path(name)):
        return load_scorecard(Path(name))
    with desk.store.write() as session:
        if name is None:
            return organisations.scorecard_of(session, desk.organisation.id, now=desk.now)[1]
        if name in builtin_names():
            return builtin(name)
        return scorecard_by_hash(session, find_scorecard(session, name))


def _print(card: Scorecard) -> None:
    say(f"{card.name}@{card.version}  {card.title}", style="bold")
    say(card.description)
    say()
    columns = [
        Column("Metric"),
        Column("Title", wide=100),
        Column("Category", keep=True),
        Column("Weight", justify="right", keep=True),
        Column("Unit", keep=True),
        Column("Allowed", wide=90),
    ]
    titles = {one.name: f"{one.title} {one.weight:g} %" for one in card.categories}
    rows = []
    for metric in card.metrics:
        low = "" if metric.minimum is None else f"{metric.minimum:g}"
        high = "" if metric.maximum is None else f"{metric.maximum:g}"
        allowed = f"{low} … {high}" if low or high else "any"
        rows.append(
            [
                metric.name,
                metric.title,
                titles[metric.category],
                f"{metric.weight:g}",
                metric.unit.value,
                allowed,
            ]
        )
    print_table(columns, rows)
    say()
    for band in card.bands:
        say(f"  from {band.lower:5.1f}  ", level_text(band.level), f"  {band.action}")
    say()
    say(
        f"A score needs {card.coverage_minimum:.0%} of the weight measured. A better level takes effect "
        f"{card.guard.margin:g} points above its border, or when {card.guard.agreeing_days} days agree.",
        style="dim",
    )
