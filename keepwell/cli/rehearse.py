"""`keepwell rehearse`: a playbook on a virtual clock for one customer. Nothing is sent or written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from keepwell.cli.desk import Desk, Json, reading_desk
from keepwell.cli.files import replace_text
from keepwell.cli.log import log_to
from keepwell.cli.moments import future_moment
from keepwell.cli.output import Progress, print_json, tell
from keepwell.db.repositories.views import find_customer
from keepwell.errors import InputError
from keepwell.rehearsal.parse import Typed, acknowledge_of, parse_points, reactions_of
from keepwell.rehearsal.reactions import Script

if TYPE_CHECKING:
    from keepwell.rehearsal.compare import Comparison
    from keepwell.rehearsal.timeline import Timeline

# What plays (Temporal, the worker) is loaded inside the functions.

Times = list[str] | None
Playbook = Annotated[str, typer.Argument(help="Its name (the version in force), or name@version.")]
Customer = Annotated[str, typer.Option("--customer", "-c", help="The customer's id or name.")]
Reply = Annotated[Times, typer.Option(metavar="WHEN", help="The customer answers: 30h, 2d, 1d12h.")]
Score = Annotated[Times, typer.Option(metavar="WHEN=SCORE", help="New figures: 5d=65.")]
Pause = Annotated[Times, typer.Option(metavar="FROM..TO", help="Paused: 2d..4d, or 2d.. .")]
Resume = Annotated[Times, typer.Option(metavar="WHEN", help="The pause is ended by hand.")]
Acknowledge = Annotated[
    str | None, typer.Option(metavar="WHEN", help="How soon the CSM acknowledges (unset: 30m).")
]
Silent = Annotated[bool, typer.Option("--silent-csm", help="The CSM never acknowledges.")]
Stop = Annotated[Times, typer.Option(metavar="WHEN", help="The CSM stops it.")]
Skip = Annotated[Times, typer.Option(metavar="WHEN=STEP", help="The CSM leaves out a step.")]
Complete = Annotated[Times, typer.Option(metavar="WHEN=STEP", help="The CSM does a step by hand.")]
Reassign = Annotated[Times, typer.Option(metavar="WHEN=WHOM", help="Somebody else takes over.")]
Seen = Annotated[Times, typer.Option(metavar="WHEN", help="The customer sees the offer.")]
Accept = Annotated[
    Times,
    typer.Option(
        metavar="WHEN=OPTION",
        help="They take what is offered: 75h=billing_pause:2 (months), 75h=upgrade:Business (plan).",
    ),
]
Decline = Annotated[Times, typer.Option(metavar="WHEN", help="The customer declines the offer.")]
Upgrade = Annotated[Times, typer.Option(metavar="WHEN", help="The customer upgrades: 4d, or 4d=Business.")]
Over = Annotated[
    Times, typer.Option(metavar="WHEN", help="What raised the alert is over: they are back, or have paid.")
]
FromScore = Annotated[
    str | None, typer.Option(metavar="SCORE", help="The score it begins with (unset: one that fits).")
]
Start = Annotated[
    str | None, typer.Option(metavar="MOMENT", help="When it begins: 2026-12-01T09:00, 3d (unset: now).")
]
Compare = Annotated[
    str | None, typer.Option(metavar="PLAYBOOK", help="Another playbook or version, side by side.")
]
Module = Annotated[
    Times, typer.Option(metavar="MODULE", help="A Python module whose playbooks count here as well.")
]
Html = Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as one page as well.")]
Brief = Annotated[bool, typer.Option("--brief", help="Leave out the texts of messages.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rehearse")(rehearse)


def rehearse(
    playbook: Playbook,
    customer: Customer,
    reply: Reply = None,
    score: Score = None,
    pause: Pause = None,
    resume: Resume = None,
    acknowledge: Acknowledge = None,
    silent_csm: Silent = False,
    stop: Stop = None,
    skip: Skip = None,
    complete: Complete = None,
    reassign: Reassign = None,
    seen: Seen = None,
    accept: Accept = None,
    decline: Decline = None,
    upgrade: Upgrade = None,
    over: Over = None,
    from_score: FromScore = None,
    start: Start = None,
    compare: Compare = None,
    module: Module = None,
    html: Html = None,
    brief: Brief = False,
    as_json: Json = False,
) -> None:
    """What a playbook would do for a customer: the dated timeline with every message. Nothing is sent."""
    given = {"reply": reply, "score": score, "pause": pause, "resume": resume, "stop": stop, "skip": skip}
    given |= {"complete": complete, "reassign": reassign, "seen": seen, "accept": accept}
    given |= {"decline": decline, "upgrade": upgrade, "over": over}
    times = {name: tuple(values or ()) for name, values in given.items()}
    script = _script(Typed(acknowledge=acknowledge, silent=silent_csm, **times), from_score)
    wanted = _Wanted([playbook, *([compare] if compare else [])], customer, script, tuple(module or ()))
    _carry_out(wanted, start, html, brief=brief, as_json=as_json)


@dataclass(frozen=True)
class _Wanted:
    names: list[str]
    customer: str
    script: Script
    modules: tuple[str, ...]


def _script(typed: Typed, from_score: str | None) -> Script:
    return Script(
        reactions=reactions_of(typed),
        acknowledge=acknowledge_of(typed),
        from_score=None if from_score is None else parse_points(from_score, "--from-score"),
    )


def _carry_out(wanted: _Wanted, start: str | None, html: Path | None, *, brief: bool, as_json: bool) -> None:
    _check_file(html)
    with reading_desk() as desk:
        if start is not None:
            script = wanted.script.model_copy(update={"start": _start(start, desk.zone)})
            wanted = replace(wanted, script=script)
        _show(_play(desk, wanted, quiet=as_json), html, brief=brief, as_json=as_json)


def _play(desk: Desk, wanted: _Wanted, *, quiet: bool) -> Timeline | Comparison:
    from keepwell.playbooks import BUILT_IN, PlaybookRegistry  # noqa: PLC0415
    from keepwell.rehearsal.begin import check_steps  # noqa: PLC0415
    from keepwell.rehearsal.choose import choose  # noqa: PLC0415
    from keepwell.rehearsal.compare import compare  # noqa: PLC0415
    from keepwell.rehearsal.rehearse import rehearse as play  # noqa: PLC0415

    settings = desk.settings.model_copy(update={"playbooks": (*desk.settings.playbooks, *wanted.modules)})
    registry = PlaybookRegistry((*BUILT_IN, *settings.playbooks))
    with desk.store.read() as session:
        customer = find_customer(session, desk.organisation.id, wanted.customer)
        chosen = [choose(registry, session, desk.organisation.id, name) for name in wanted.names]
    check_steps(wanted.script, chosen, registry)
    with log_to(None):
        say = Progress(stderr=True) if not quiet else lambda _: None
        played = play(settings, desk.store, customer, chosen, wanted.script, say)
    return compare(*played) if len(played) == 2 else played[0]


def _show(rehearsed: Timeline | Comparison, html: Path | None, *, brief: bool, as_json: bool) -> None:
    from keepwell.cli.rehearse_view import print_rehearsed  # noqa: PLC0415
    from keepwell.rehearsal.page import page_of  # noqa: PLC0415

    if as_json:
        print_json(rehearsed)
    else:
        print_rehearsed(rehearsed, brief=brief)
    if html is not None:
        replace_text(page_of(rehearsed), html)
        tell(f"The page is in {html}")


def _start(text: str, zone: ZoneInfo) -> datetime:
    return future_moment(text, datetime.now(UTC), zone, place="--start")


def _check_file(path: Path | None) -> None:
    """Before anything is played: a rehearsal takes seconds, and its page must have a place."""
    if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
        raise InputError(
            "no file can be written there.",
            place=f"--html {path}",
            hint="Name a file in a folder that exists.",
        )
