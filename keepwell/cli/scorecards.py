"""`keepwell scorecards`: how metrics become a score, and a score a level."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from sqlmodel import Session

from keepwell.cli import words
from keepwell.cli.desk import By, Desk, Json, open_desk, who
from keepwell.cli.files import read_text
from keepwell.cli.output import Column, print_json, print_table, say
from keepwell.cli.scorecard_view import print_scorecard
from keepwell.db.repositories import organisations
from keepwell.db.repositories.scorecards import scorecard_by_hash, store_scorecard
from keepwell.db.repositories.scorecards_chosen import choose, label, put_beside
from keepwell.db.repositories.views_scorecards import find_scorecard, scorecards
from scoring.describe import in_full
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
    """The scorecards there are and what each is for. → is in use, + is computed beside it."""
    with open_desk() as desk, desk.store.read() as session:
        found = scorecards(session, desk.organisation.id)
    if as_json:
        print_json({"scorecards": found})
        return
    columns = [
        Column("", keep=True),
        Column("Name", keep=True),
        Column("Version", justify="right"),
        Column("For"),
        Column("From", wide=110),
        Column("Hash", keep=True, wide=70),
    ]
    rows = [
        [
            "→" if one.in_use else "+" if one.beside else "",
            one.name,
            one.version,
            one.description,
            one.origin,
            one.hash[:12],
        ]
        for one in found
    ]
    print_table(columns, rows, space=True)
    say("One in full: keepwell scorecards show NAME_OR_FILE", style="dim")
    say("Another one: keepwell scorecards use NAME_OR_FILE", style="dim")
    say("One more to look at: keepwell scorecards beside NAME_OR_FILE", style="dim")


@commands.command("show")
def show_scorecard(
    name: Annotated[
        str | None, typer.Argument(help="Its name, its hash or a file (unset: the one in use).")
    ] = None,
    as_json: Json = False,
) -> None:
    """One scorecard: metrics, how values become points, bands, levels, and where the numbers come from."""
    with open_desk() as desk:
        card = _find(desk, name)
    if as_json:
        print_json(in_full(card))
    else:
        print_scorecard(card)


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
    by: By = None,
    as_json: Json = False,
) -> None:
    """Score with this scorecard from now on; a file is kept by its content's hash."""
    with open_desk() as desk, desk.store.write() as session:
        name = _stored(desk, session, name)
        card, changed = choose(session, desk.organisation.id, name, by=who(by), now=desk.now)
    if as_json:
        print_json({"hash": card.fingerprint(), "name": card.name, "version": card.version})
        return
    say(f"{card.name}@{card.version} is in use from the next scoring on: keepwell score")
    if changed:
        say(
            "A customer's first score by it is a baseline: no playbook starts. One that runs ends where the "
            "customer is well by it, and goes on elsewhere. For those in trouble: "
            "keepwell enrol --level CRITICAL --limit 10",
            style="dim",
        )


@commands.command("beside")
def beside_scorecard(
    name: Annotated[str, typer.Argument(metavar="NAME_OR_FILE", help="A name, a hash or a TOML file.")],
    remove: Annotated[bool, typer.Option("--remove", help="Compute it no longer.")] = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Compute this scorecard too from the next daily run on, to look at; it starts no playbook."""
    with open_desk() as desk, desk.store.write() as session:
        name = _stored(desk, session, name)
        card = put_beside(session, desk.organisation.id, name, remove=remove, by=who(by), now=desk.now)
    if as_json:
        print_json({"hash": card.fingerprint(), "name": card.name, "version": card.version})
        return
    if remove:
        say(f"{label(card)} is computed no longer; what it has scored stays.")
    else:
        say(f"{label(card)} is computed too from the next daily run on; keepwell customer shows its scores.")


def _stored(desk: Desk, session: Session, name: str) -> str:
    """What the store knows a scorecard by: the name of a built-in one, else its hash. A file is stored."""
    if name in builtin_names():
        return name
    path = Path(name)
    if not _is_file(path):
        return find_scorecard(session, name)
    # The loader explains a file that is none; its text is then kept as it is.
    load_scorecard(path)
    return store_scorecard(session, read_text(path), path.name, desk.now)[0]


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
