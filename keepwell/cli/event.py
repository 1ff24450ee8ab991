"""`keepwell event`: something that a customer did, or that happened to it."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from keepwell.cli.desk import By, Desk, Json, open_desk, who
from keepwell.cli.output import print_json, say, tell
from keepwell.db.repositories import organisations
from keepwell.db.repositories.monitor import MonitorRepository
from keepwell.db.repositories.views import customer_names, find_customer
from keepwell.db.repositories.views_alerts import STATES, AlertLine, alerts
from keepwell.errors import ConfigurationError, InputError, ServerUnavailableError
from keepwell.ingest.importing import store_event


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("event")(store)


def store(
    customer: Annotated[str, typer.Argument(help="Id (ours or yours), or the beginning of the name.")],
    kind: Annotated[str, typer.Argument(help="What happened: login, feature_used, billing_failure, …")],
    at: Annotated[str | None, typer.Option(help="When, in ISO 8601 (unset: now).")] = None,
    data: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="More about it; may be given again.")
    ] = None,
    event_id: Annotated[
        str, typer.Option("--id", help="The sender's own id: the same event again changes nothing.")
    ] = "",
    by: By = None,
    as_json: Json = False,
) -> None:
    """Store one event, look at its customer at once, and start what follows."""
    with open_desk() as desk:
        with desk.store.read() as session:
            own = find_customer(session, desk.organisation.id, customer)
            line = customer_names(session, [own])[own]
        with desk.store.write() as session:
            _, card = organisations.scorecard_of(session, desk.organisation.id, now=desk.now)
        summary = store_event(
            desk.store,
            desk.organisation.id,
            line.external_id,
            kind,
            _pairs(data or []),
            now=desk.now,
            scorecard=card,
            at=at,
            event_id=event_id,
            by=who(by),
        )
        raised = follow_alerts(desk, own)
    if as_json:
        print_json({"stored": summary, "alerts": raised})
        return
    was = "stored" if summary.created else "known already, nothing has changed"
    say(f"{line.name}: {kind}, {was}.")
    for note in summary.notes:
        if not note.startswith("Alerts"):
            say(note, style="yellow")
    print_alerts(desk, raised)


def follow_alerts(desk: Desk, customer: str) -> tuple[AlertLine, ...]:
    """Hand over the customer's alerts that nobody has decided upon, and tell what came of each."""
    pending = MonitorRepository(desk.store).undecided_of(customer)
    if not pending:
        return ()
    from keepwell.cli.handing_over import start_events  # noqa: PLC0415  (loads Temporal)

    try:
        start_events(desk, pending)
    except (ServerUnavailableError, ConfigurationError) as error:
        # The alert is stored; the monitor hands over what is left.
        tell(f"Note: {error.message} Its playbook starts when a worker runs.", style="yellow")
    with desk.store.read() as session:
        return alerts(session, desk.organisation.id, desk.now, states=STATES, ids=pending).alerts


def print_alerts(desk: Desk, raised: tuple[AlertLine, ...]) -> None:
    """What was raised, and what its playbook made of it."""
    for line in raised:
        if line.raised_at < desk.now and line.escalated_at != desk.now:
            # An older one that was only handed over now.
            continue
        decided = {"started": "Its playbook has begun", "refused": line.reason, "none": line.reason}
        then = decided.get(line.decision, "A worker starts its playbook")
        say(f"Alert ({line.severity}): {line.words}. {then}.", style="bold")


def _pairs(texts: list[str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise InputError(
                f"{text!r} is no NAME=VALUE.", place="--data", hint="For example: feature=reports"
            )
        values[name.strip()] = _value(value.strip())
    return values


def _value(text: str) -> object:
    """Numbers and yes or no as such, as JSON has them."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float | bool) else text
