"""`keepwell interventions` and `keepwell intervention ID`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from keepwell.cli import words
from keepwell.cli.desk import Desk, Json, Limit, open_desk
from keepwell.cli.files import write_text
from keepwell.cli.levels import LevelOption
from keepwell.cli.output import console, level_text, plain, print_fields, print_json, say
from keepwell.cli.tables import SEVERAL, beside_words, intervention_table
from keepwell.contracts.delivery import SANDBOX
from keepwell.contracts.intervention import StepState
from keepwell.db.repositories.views import find_intervention
from keepwell.db.repositories.views_interventions import (
    InterventionLine,
    InterventionState,
    Standing,
    interventions,
)
from keepwell.db.repositories.views_timeline import (
    DeliveryLine,
    InterventionDetail,
    StepTask,
    TimelineLine,
    intervention_detail,
    step_document,
)

NONE_YET = (
    "No interventions. One begins when a customer's level falls (keepwell score), "
    "or for those in trouble already: keepwell enrol --level CRITICAL --limit 10"
)
OF_CUSTOMERS = tuple(f"command.{kind}" for kind in ("respond", "seen", "accept", "decline", "upgraded"))
"""Lines of what a customer did: the person named has only written it down."""

STATE_STYLES: dict[str, str] = {
    StepState.DONE: "green",
    StepState.MISSED: "bold red",
    StepState.HELD: "bold red",
    StepState.SKIPPED: "yellow",
    StepState.DEFERRED: "yellow",
    StepState.CANCELLED: "dim",
    StepState.PLANNED: "cyan",
}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("interventions")(list_interventions)
    app.command("intervention")(show_intervention)


def list_interventions(
    level: LevelOption = None,
    playbook: Annotated[str, typer.Option(help="A playbook's name, or name@version.")] = "",
    state: Annotated[InterventionState | None, typer.Option(help="open, paused or ended.")] = None,
    owner: Annotated[str | None, typer.Option(help="Id, email address or name of the owner.")] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """The interventions: those that run first, of them the worst first, and campaigns last."""
    with open_desk() as desk, desk.store.read() as session:
        found = interventions(
            session,
            desk.organisation.id,
            desk.now,
            level=level,
            playbook=playbook,
            state=state,
            owner=desk.person(session, owner),
            limit=limit,
        )
    if as_json:
        print_json({"interventions": found})
    elif not found:
        filtered = any((level, playbook, state, owner))
        say("No intervention fits." if filtered else NONE_YET)
    else:
        intervention_table(desk, found)
        say()
        say(f"{desk.times} See one: keepwell intervention ID (or the customer's name)", style="dim")


def show_intervention(
    intervention: Annotated[str, typer.Argument(help=f"Its id or a part of it, or its customer{SEVERAL}.")],
    document: Annotated[
        str | None, typer.Option(metavar="STEP", help="Write the document of this step as HTML instead.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The file for --document (unset: stdout).")] = None,
    as_json: Json = False,
) -> None:
    """One intervention: what happened, what will, and why."""
    from keepwell.temporal.run_links import run_link  # noqa: PLC0415  (loads Temporal, which lists do without)

    with open_desk() as desk:
        with desk.store.read() as session:
            own = find_intervention(session, desk.organisation.id, intervention)
            if document is not None:
                written = step_document(session, own, document)
                write_text(written.html, out, f"“{written.title}”")
                return
            detail = intervention_detail(session, own, desk.now)
        link = run_link(desk.settings, detail.intervention.workflow_id)
        if as_json:
            print_json({**detail.model_dump(mode="json"), "temporal_ui": link})
            return
        _print_header(desk, detail, link)
        _print_timeline(desk, detail)
        _print_footer(desk, detail)


def _print_header(desk: Desk, detail: InterventionDetail, link: str | None) -> None:
    one, clock = detail.intervention, desk.clock
    say(Text(plain(one.customer), style="bold"), f"  {one.playbook}  ", level_text(one.level))
    say(detail.title, style="dim")
    print_fields(
        [
            ("id", one.id),
            ("customer", one.customer_external_id),
            ("state", _state(desk, one)),
            ("score", "never scored" if one.score is None else f"{words.score(one.score)} at the start"),
            ("owner", (one.owner or "nobody") + (f" ({detail.owner_away})" if detail.owner_away else "")),
            ("started", f"{clock.moment(one.started_at)} ({clock.away(one.started_at)})"),
            ("acknowledged", _by(desk, one)),
            ("answered", f"{clock.moment(one.responded_at)}: {one.response}" if one.responded_at else ""),
        ]
    )
    # In one piece, so that a terminal can follow it.
    console().print(Text.assemble(("run           ", "dim"), link or one.workflow_id), soft_wrap=True)


def _state(desk: Desk, one: InterventionLine) -> Text:
    match one.state:
        case InterventionState.ENDED:
            when = desk.clock.moment(one.ended_at)
            return Text.assemble((one.outcome or "ended", "bold"), f" on {when}: {plain(one.outcome_why)}")
        case InterventionState.PAUSED:
            since = f"since {desk.clock.moment(one.paused_at)}"
            until = f"until {desk.clock.moment(one.paused_until)}" if one.paused_until else "until resumed"
            reason = f": {plain(one.pause_reason)}" if one.pause_reason else ""
            return Text.assemble(("paused", "bold yellow"), f" {since}, {until}{reason}")
        case InterventionState.OPEN if one.standing is Standing.HELD:
            return Text.assemble(("held", "bold yellow"), f": {plain(one.held_why)}")
        case InterventionState.OPEN:
            return Text(one.standing.value, style="green")


def _by(desk: Desk, one: InterventionLine) -> str:
    if not one.acknowledged_by:
        return "" if one.state is InterventionState.ENDED else "not yet"
    return f"{one.acknowledged_by}, {desk.clock.moment(one.acknowledged_at)}"


def _print_timeline(desk: Desk, detail: InterventionDetail) -> None:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    ahead = False
    for line in detail.timeline:
        if line.planned and not ahead:
            ahead = True
            grid.add_row("", "", Text(f"— now, {desk.clock.moment(desk.now)} —", style="dim"))
        grid.add_row(
            Text(desk.clock.moment(line.at), style="dim" if line.planned else ""),
            _mark(line),
            _what(desk, line),
        )
    say()
    console().print(grid)


def _mark(line: TimelineLine) -> Text:
    if line.state in STATE_STYLES:
        return Text(line.state, style=STATE_STYLES[line.state])
    return Text(line.state or ("command" if line.kind.startswith("command.") else "·"), style="dim")


def _what(desk: Desk, line: TimelineLine) -> Text:
    name = f"{line.step}: " if line.source == "step" else ""
    text = Text.assemble((name, "bold"), plain(line.title))
    if line.by and line.by != "engine":
        logged = "logged by " if line.kind in OF_CUSTOMERS else ""
        text.append(f" ({logged}{plain(line.by)})")
    if line.why:
        text.append(f"\n{plain(line.why)}", style="dim")
    for delivery in line.deliveries:
        text.append(f"\n✉ {plain(_delivery(desk, delivery))}")
    if line.document:
        text.append(f"\n▤ “{plain(line.document)}”  (--document {line.step})")
    if line.source == "step":
        for task in line.tasks:
            text.append(f"\n☐ {plain(_task(desk, task))}")
    return text


def _delivery(desk: Desk, one: DeliveryLine) -> str:
    to = f"{one.recipient} <{one.address}>" if one.address else one.recipient
    subject = f": “{one.subject}”" if one.subject else ""
    until = f" until {desk.clock.moment(one.deferred_until)}" if one.state == "deferred" else ""
    reason = f" ({one.reason})" if one.reason else ""
    shown = f"  [outbox {words.short(one.message)}]" if one.message else ""
    later = (("delivered", one.delivered_at), ("opened", one.opened_at), ("clicked", one.clicked_at))
    seen = "".join(f", {what} {desk.clock.moment(at)}" for what, at in later if at is not None)
    # In the sandbox it was taken, and still nobody gets it.
    state = "NOT sent (SendGrid's sandbox)" if one.provider == SANDBOX else one.state
    state = "" if state == "delivered" and one.delivered_at is not None else f", {state}"
    return f"{one.channel} to {to}{subject}{state}{until}{seen}{reason}{shown}"


def _task(desk: Desk, one: StepTask) -> str:
    state = f"{one.state} by {one.closed_by}" if one.closed_by else one.state
    if one.state == "open":
        state = f"due {desk.clock.moment(one.due_at)}"
        state += ", overdue" if one.due_at < desk.now else ""
        if one.snoozed_until is not None and one.snoozed_until > desk.now:
            state += f", snoozed until {desk.clock.moment(one.snoozed_until)}"
    elif one.outcome:
        state += f" ({one.outcome.replace('_', ' ')})"
    stands = f" (for {one.meant_for})" if one.meant_for else ""
    return f"task for {one.owner or 'nobody'}{stands}, {state}: {one.title}  [{words.tail(one.id)}]"


def _print_footer(desk: Desk, detail: InterventionDetail) -> None:
    one = detail.intervention
    say()
    note = desk.times
    if one.state is InterventionState.PAUSED and one.paused_until is None:
        note += " Planned ones are as if it were resumed now."
    say(note, style="dim")
    if detail.beside:
        say(beside_words(detail.beside), style="dim")
    if one.state is InterventionState.ENDED:
        return
    commands = "acknowledge, pause, resume, respond, complete, skip, reassign, stop"
    say(f"Commands: keepwell COMMAND {words.tail(one.id)}  ({commands})", style="dim")
