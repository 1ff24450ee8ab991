"""What a person tells an intervention: `keepwell acknowledge`, `pause`, `resume`, `respond`, …"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer
from sqlmodel import Session

from keepwell.cli import words
from keepwell.cli.desk import By, Desk, Json, open_desk, who
from keepwell.cli.moments import future_moment
from keepwell.cli.output import plain, print_json, say
from keepwell.cli.reassign_all import reassign_all, reassign_at_rest
from keepwell.cli.tables import SEVERAL, beside_words
from keepwell.contracts.commands import (
    Acknowledge,
    Answer,
    Command,
    Complete,
    Pause,
    Reassign,
    Respond,
    Resume,
    Skip,
    Stop,
)
from keepwell.db.repositories.views import (
    did_you_mean,
    find_intervention,
    find_person,
    intervention_by_id,
)
from keepwell.db.repositories.views_interventions import InterventionLine
from keepwell.db.repositories.views_timeline import InterventionDetail, intervention_detail
from keepwell.errors import InputError, RefusedError
from keepwell.keys import new_id

Target = Annotated[
    str,
    typer.Argument(metavar="ID", help=f"The intervention: its id or a part of it, or its customer{SEVERAL}."),
]
StepName = Annotated[str, typer.Argument(metavar="STEP", help="The step's name, as the timeline shows it.")]
Note = Annotated[str, typer.Option("--note", help="A word for the timeline, up to 500 letters.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the timeline, up to 500 letters.")]
AsSignal = Annotated[
    bool,
    typer.Option(
        "--signal", help="Leave it as a plain signal: works while no worker runs, and gives no answer."
    ),
]
LONGEST = 500
Make = Callable[[InterventionDetail, Desk, dict[str, str]], Command]
Find = Callable[[Session, Desk, str], str]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for name, command in (
        ("acknowledge", acknowledge),
        ("pause", pause),
        ("resume", resume),
        ("respond", respond),
        ("complete", complete),
        ("skip", skip),
        ("reassign", reassign),
        ("stop", stop),
    ):
        app.command(name, rich_help_panel="Commands on an intervention")(command)


def acknowledge(
    target: Target, note: Note = "", by: By = None, as_signal: AsSignal = False, as_json: Json = False
) -> None:
    """You have it in hand: nobody escalates it any more."""
    send(target, by, lambda _d, _k, base: Acknowledge(note=text_of(note), **base), as_signal, as_json)


def pause(
    target: Target,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the timeline, up to 500 letters.")],
    until: Annotated[
        str | None,
        typer.Option("--until", help='"2026-12-01", "2026-12-01T09:00", "3d", "12h" (unset: until resumed).'),
    ] = None,
    by: By = None,
    as_signal: AsSignal = False,
    as_json: Json = False,
) -> None:
    """Stop the playbook's clock; the remaining delays are kept."""

    def make(_detail: InterventionDetail, desk: Desk, base: dict[str, str]) -> Command:
        moment = None if until is None else future_moment(until, desk.now, desk.zone, place="--until")
        return Pause(until=moment, reason=text_of(reason), **base)

    send(target, by, make, as_signal, as_json)


def resume(target: Target, by: By = None, as_signal: AsSignal = False, as_json: Json = False) -> None:
    """Let the playbook's clock go on."""
    send(target, by, lambda _d, _k, base: Resume(**base), as_signal, as_json)


def respond(
    target: Target, note: Note = "", by: By = None, as_signal: AsSignal = False, as_json: Json = False
) -> None:
    """The customer answered: nothing waits for an answer any more."""
    send(target, by, lambda _d, _k, base: Respond(note=text_of(note), **base), as_signal, as_json)


def complete(
    target: Target,
    step: StepName,
    note: Note = "",
    by: By = None,
    as_signal: AsSignal = False,
    as_json: Json = False,
) -> None:
    """A step, or its task, is done."""

    def make(detail: InterventionDetail, _desk: Desk, base: dict[str, str]) -> Command:
        return Complete(step=_step(detail, step), note=text_of(note), **base)

    send(target, by, make, as_signal, as_json, _meant(step))


def skip(
    target: Target,
    step: StepName,
    reason: Reason = "",
    by: By = None,
    as_signal: AsSignal = False,
    as_json: Json = False,
) -> None:
    """Leave a step out."""

    def make(detail: InterventionDetail, _desk: Desk, base: dict[str, str]) -> Command:
        return Skip(step=_step(detail, step), reason=text_of(reason), **base)

    send(target, by, make, as_signal, as_json, _meant(step))


def reassign(
    target: Annotated[
        str | None,
        typer.Argument(metavar="ID", help=f"The intervention: its id, or its customer{SEVERAL}."),
    ] = None,
    staff: Annotated[
        str | None, typer.Argument(metavar="STAFF", help="Id, email address or name of the new owner.")
    ] = None,
    of: Annotated[
        str | None, typer.Option("--from", help="Instead of ID: all customers of this member of staff.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="With --from: the new owner.")] = None,
    by: By = None,
    as_signal: AsSignal = False,
    as_json: Json = False,
) -> None:
    """Somebody else owns the customer and its open tasks from now on; with --from, all of somebody's."""
    if target is None and staff is None and of and to:
        reassign_all(of, to, by, as_json)
        return
    if target is None or staff is None or of or to:
        raise InputError(
            "It is not clear what to reassign.",
            hint="keepwell reassign ID STAFF for one, or keepwell reassign --from STAFF --to STAFF for all.",
        )
    if reassign_at_rest(target, staff, by, as_json):
        return
    whom: str = staff

    def make(_detail: InterventionDetail, desk: Desk, base: dict[str, str]) -> Command:
        with desk.store.read() as session:
            person = find_person(session, desk.organisation.id, whom)
        return Reassign(to=person.id, to_name=person.name, **base)

    send(target, by, make, as_signal, as_json)


def stop(
    target: Target,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the timeline, up to 500 letters.")],
    by: By = None,
    as_signal: AsSignal = False,
    as_json: Json = False,
) -> None:
    """End the intervention: what is planned is cancelled, open tasks are withdrawn."""
    send(target, by, lambda _d, _k, base: Stop(reason=text_of(reason), **base), as_signal, as_json)


def send(
    target: str, by: str | None, make: Make, as_signal: bool, as_json: bool, find: Find | None = None
) -> None:
    """Find the intervention, check what can be checked here, tell its run, and say what it answered.

    `find` is how it is found, unset: by its id, or as the one that the customer's name means.
    """
    with open_desk() as desk:
        with desk.store.read() as session:
            own = (find or _meant())(session, desk, target)
            by_id = intervention_by_id(session, desk.organisation.id, target) is not None
            detail = intervention_detail(session, own, desk.now)
        if detail.intervention.outcome is not None:
            raise _has_ended(desk, detail.intervention)
        base = {"id": new_id(), "intervention": own, "by": who(by)[:200]}
        command = make(detail, desk, base)
        answer = deliver(desk, detail.intervention, command, as_signal=as_signal)
    _tell(detail.intervention, command, answer, as_json=as_json)
    if detail.beside and not by_id and not as_json:
        say(beside_words(detail.beside), style="dim")


def _meant(step: str = "") -> Find:
    return lambda session, desk, text: find_intervention(session, desk.organisation.id, text, step)


def deliver(
    desk: Desk, line: InterventionLine, command: Command, *, as_signal: bool = False
) -> Answer | None:
    """Tell an intervention's run a command; its answer, None where it was left as a signal.

    Raises:
        RefusedError: the run says no, has ended, or is not there.
        ServerUnavailableError: no server or no worker answers.
    """
    # They load Temporal, which reading commands do without.
    from keepwell.cli import engine  # noqa: PLC0415
    from keepwell.temporal.updates import NoRunError  # noqa: PLC0415

    try:
        if as_signal:
            engine.with_client(desk.settings, lambda client: engine.signal(client, line.workflow_id, command))
            return None
        return engine.with_client(
            desk.settings, lambda client: engine.update(client, desk.settings, line.workflow_id, command)
        )
    except NoRunError as error:
        with desk.store.read() as session:
            line = intervention_detail(session, line.id, desk.now).intervention
        if line.outcome is not None:
            raise _has_ended(desk, line) from error
        raise RefusedError(
            f"Intervention {line.id} is open in the store, "
            f"but Temporal has no such run ({line.workflow_id}).",
            hint="Was it terminated, or is this another Temporal server than the one it began on? "
            "It ends as failed when the customer's next intervention begins.",
        ) from error


def _tell(line: InterventionLine, command: Command, answer: Answer | None, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "intervention": line.id,
                "customer": line.customer_id,
                "command": command,
                "sent_as": "signal" if answer is None else "update",
                "answer": answer,
            }
        )
        return
    about = f"{line.customer}, {line.playbook}: "
    if answer is None:
        say(
            about,
            f"{command.kind} was left as a signal. A worker reads it at once, or when the next one starts; "
            "if it is refused then, the timeline says so: "
            f"keepwell intervention {words.tail(line.id)}",
        )
        return
    say(about, plain(answer.text))


def _has_ended(desk: Desk, line: InterventionLine) -> RefusedError:
    why = f" ({line.outcome_why})" if line.outcome_why else ""
    return RefusedError(
        f"Intervention {line.id} of {line.customer} has ended: {line.outcome}{why} "
        f"on {desk.clock.moment(line.ended_at)}.",
        hint="Those that run: keepwell interventions --state open",
    )


def _step(detail: InterventionDetail, name: str) -> str:
    if name in detail.steps:
        return name
    raise InputError(
        f"{detail.intervention.playbook} has no step {name!r}{did_you_mean(name, detail.steps)}.",
        hint=f"Its steps are {', '.join(detail.steps)}.",
    )


def text_of(text: str) -> str:
    """A note or reason; refused where it is too long."""
    if len(text) > LONGEST:
        raise InputError(f"A note or reason has at most {LONGEST} letters; this one has {len(text)}.")
    return text
