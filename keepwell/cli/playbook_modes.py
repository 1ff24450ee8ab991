"""`keepwell playbooks mode`: whether a playbook goes by itself, with approval, or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from keepwell.cli import words
from keepwell.cli.desk import By, Json, open_desk, reading_desk, who
from keepwell.cli.output import print_json, say
from keepwell.contracts.drafts import Mode
from keepwell.db.repositories.modes import modes, set_mode
from keepwell.db.repositories.views import did_you_mean
from keepwell.db.repositories.views_drafts import drafts
from keepwell.errors import KeepwellError, NotFoundError
from keepwell.known_playbooks import all_playbooks

EVERY = "all"
MEANS = {
    Mode.AUTOMATIC: "Its messages go out by themselves.",
    Mode.DRAFT: "Each of its messages to a contact waits for approval: keepwell drafts",
    Mode.OFF: "It does not begin any more; what runs goes on as before.",
}


def known_modes(playbooks: Iterable[str]) -> dict[str, Mode]:
    """How playbooks go, by name; empty where there is no database that could say so."""
    try:
        with reading_desk() as desk, desk.store.read() as session:
            return modes(session, desk.organisation.id, playbooks)
    except KeepwellError:
        return {}


def switch(
    name: Annotated[str, typer.Argument(help="A playbook's name, or all.")],
    mode: Annotated[Mode, typer.Argument(help="automatic, draft or off.")],
    by: By = None,
    as_json: Json = False,
) -> None:
    """How a playbook goes from now on: by itself, with a person's approval of each message, or not at all.

    Drafts that wait go on waiting for a decision, whatever is said here.
    """
    with open_desk() as desk:
        known = all_playbooks(desk.settings)
        wanted = name.partition("@")[0].lower()
        if wanted not in known and wanted != EVERY:
            raise NotFoundError(
                f"There is no playbook {name!r}{did_you_mean(wanted, known)}.",
                hint=f"There are: {', '.join(known)}, and {EVERY} of them.",
            )
        chosen = list(known) if wanted == EVERY else [wanted]
        own, person = desk.organisation.id, who(by)[:200]
        with desk.store.write() as session:
            before = {one: set_mode(session, own, one, mode, person, desk.now) for one in chosen}
        with desk.store.read() as session:
            waiting = [one for one in drafts(session, own) if one.playbook.partition("@")[0] in chosen]
    if as_json:
        changed = {one: {"before": was, "mode": mode} for one, was in before.items()}
        print_json({"playbooks": changed, "drafts_waiting": len(waiting)})
        return
    for one, was in before.items():
        say(f"{one}: {mode.value}" if was is mode else f"{one}: {was.value} → {mode.value}")
    say(MEANS[mode], style="dim")
    if waiting and mode is not Mode.DRAFT:
        count = words.count(len(waiting), "draft")
        say(f"{count} of before still wait for a decision: keepwell drafts", style="yellow")
