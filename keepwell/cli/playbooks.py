"""`keepwell playbooks`: what would happen, when, and why; and whether it goes by itself."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from keepwell.cli.desk import Json
from keepwell.cli.output import Column, level_text, print_json, print_table, say
from keepwell.cli.playbook_check import check
from keepwell.cli.playbook_modes import MEANS, known_modes, switch
from keepwell.contracts.drafts import Mode
from keepwell.contracts.playbook import Assign, Offer, Playbook
from keepwell.db.repositories.views import did_you_mean
from keepwell.errors import NotFoundError
from keepwell.known_playbooks import all_playbooks
from keepwell.playbook_picture import what_words
from keepwell.settings import load_settings
from keepwell.spans import offset_words, span_words


class _ShowsByName(TyperGroup):
    """A group for which a word that is no command of it names a playbook to show."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the first word means."""
        return super().resolve_command(ctx, args if args[0] in self.commands else ["show", *args])


commands = typer.Typer(
    cls=_ShowsByName, help="What would happen, when, and why.", invoke_without_command=True
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(commands, name="playbooks")
    commands.command("mode")(switch)
    commands.command("check")(check)


@commands.callback()
def _all(context: typer.Context, as_json: Json = False) -> None:
    """Each playbook as a timeline; one of them: keepwell playbooks NAME."""
    context.obj = as_json
    if context.invoked_subcommand is None:
        show_playbooks(context)


@commands.command("show")
def show_playbooks(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One playbook's name (unset: all).")] = None,
    as_json: Json = False,
) -> None:
    """Each playbook as a timeline: what goes to whom, when, unless what, and why."""
    found = all_playbooks(load_settings())
    if name is not None:
        wanted = name.partition("@")[0].lower()
        if wanted not in found:
            raise NotFoundError(
                f"There is no playbook {name!r}{did_you_mean(wanted, found)}.",
                hint=f"There are: {', '.join(found)}.",
            )
        found = {wanted: found[wanted]}
    going = known_modes(found)
    if as_json or context.obj:
        print_json({"playbooks": [_json(one, going.get(one.name)) for one in found.values()]})
        return
    for number, playbook in enumerate(found.values()):
        if number:
            say()
        _print(playbook, going.get(playbook.name), details=name is not None)


def _json(playbook: Playbook, mode: Mode | None) -> dict[str, Any]:
    return {**playbook.model_dump(mode="json"), "mode": mode.value if mode else None}


def _print(playbook: Playbook, mode: Mode | None, *, details: bool) -> None:
    about = level_text(playbook.level) if playbook.level else _about(playbook)
    say(f"{playbook.label}  {playbook.title}  ", about, style="bold")
    say(playbook.purpose)
    if mode is not None:
        say(f"Mode {mode.value}: {MEANS[mode]}", style="yellow" if mode is Mode.OFF else "dim")
    say()
    columns = [
        Column("When", keep=True),
        Column("Within", keep=True),
        Column("Step"),
        Column("What"),
        Column("Why"),
        Column("Template", wide=150),
    ]
    rows = [
        [
            offset_words(step.at),
            span_words(step.within) if step.within else "",
            step.name,
            f"{what_words(step)}{f', unless {step.unless}' if step.unless else ''}",
            step.why,
            "" if isinstance(step, Assign | Offer) else step.template,
        ]
        for step in playbook.steps
    ]
    print_table(columns, rows)
    say()
    waits = f"Waits for an answer until {offset_words(playbook.closes_at)}; may"
    waits = waits if playbook.closes_at else "May"
    say(f"{waits} begin again {span_words(playbook.cooldown)} after it ended.", style="dim")
    if playbook.when_due:
        say("Its times count from the moment at which the alert is due.", style="dim")
    if playbook.family == "event":
        say(
            "It runs beside a risk playbook; what it would write to the customer is then left to people."
            if playbook.beside_risk
            else "It does not begin while a risk playbook runs, and ends when one begins: one voice.",
            style="dim",
        )
    if not details:
        return
    say("Times are on the playbook's own clock, which stands still while it is paused.", style="dim")


def _about(playbook: Playbook) -> str:
    return ", ".join((*((playbook.signal.value,) if playbook.signal else ()), *playbook.triggers))
