"""`keepwell playbooks check`: whether every template works, before anybody gets a message."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from keepwell.adapters.template_check import Checked, Fault, check_templates
from keepwell.cli.desk import Json
from keepwell.cli.output import print_json, say
from keepwell.errors import ConfigurationError
from keepwell.known_playbooks import all_playbooks
from keepwell.settings import Settings, load_settings


def check(as_json: Json = False) -> None:
    """Render every template of the playbooks in force, of alerts and of edited emails with made-up facts.

    Nothing is sent or stored. The exit code is 1 where a template has a fault.
    """
    found = _checked(load_settings(), thorough=True)
    if as_json:
        faults = [
            {"template": one.name, "of": one.of, "message": one.error.message, "hint": one.error.hint}
            for one in found.faults
        ]
        print_json({"templates": found.count, "faults": faults, "unused": list(found.unused)})
    else:
        _print(found)
    if found.faults:
        raise typer.Exit(1)


def refuse_faulty(settings: Settings) -> None:
    """Raises ConfigurationError naming the first template that could not be sent with, and how many more.

    What runs keeps the templates that it has pinned, so this is about what would begin.
    """
    faults = _checked(settings, thorough=False).faults
    if faults:
        raise ConfigurationError(_sum_up(faults), hint=_todo(faults), audience="developer")


def _checked(settings: Settings, *, thorough: bool) -> Checked:
    return check_templates(all_playbooks(settings).values(), settings.templates, thorough=thorough)


def _sum_up(faults: Sequence[Fault]) -> str:
    more = f" {len(faults) - 1} more have faults." if len(faults) > 1 else ""
    return f"A template of {faults[0].of} does not work: {faults[0].error.message}{more}"


def _todo(faults: Sequence[Fault]) -> str:
    return f"{faults[0].error.hint} Then: keepwell playbooks check".strip()


def _print(found: Checked) -> None:
    same: dict[str, list[Fault]] = {}
    for one in found.faults:
        # A file that many templates include has its fault in each of them.
        same.setdefault(one.error.message, []).append(one)
    for message, ones in same.items():
        more = f" and {len(ones) - 1} more" if len(ones) > 1 else ""
        say(f"{ones[0].of}, {ones[0].name}{more}: {message}", style="red")
        say(f"  {ones[0].error.hint}", style="dim")
    for file in found.unused:
        say(f"Nothing uses {file} of your templates folder: is its name right?", style="yellow")
    works = found.count - len(found.faults)
    say(f"{works} of {found.count} templates work with every sample.")
