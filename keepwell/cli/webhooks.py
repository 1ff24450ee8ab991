"""`keepwell webhooks`: who is told of events by HTTP, and what became of it."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from keepwell.adapters.public_only import PublicOnly
from keepwell.cli import words
from keepwell.cli.desk import By, Desk, Json, Limit, open_desk, who
from keepwell.cli.moments import past_moment
from keepwell.cli.output import Column, print_fields, print_json, print_table, say
from keepwell.db.repositories import webhook_desk
from keepwell.errors import InputError

State = Literal["waiting", "delivered", "failed"]
Which = Annotated[str, typer.Argument(metavar="ENDPOINT", help="Its id, the end of it, or its URL.")]

commands = typer.Typer(help="Other programs that are told of events, by HTTP.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(commands, name="webhooks")


@commands.command("add")
def add(
    url: Annotated[str, typer.Argument(help="Where events are posted to, with https://.")],
    kinds: Annotated[
        str,
        typer.Option(help="Beginnings of kinds, with commas: alert.,intervention.,delivery. (* is all)."),
    ] = "*",
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    by: By = None,
    as_json: Json = False,
) -> None:
    """Tell a program of what happens from now on. Shows the secret that signs, once."""
    from keepwell.adapters.webhook import new_secret  # noqa: PLC0415  (HTTP is not needed for the others)

    secret = new_secret()
    with open_desk() as desk:
        place = PublicOnly(desk.settings.webhook_private).url(url)
        with desk.store.write() as session:
            row = webhook_desk.add_endpoint(
                session,
                desk.organisation.id,
                url=place,
                kinds=kinds.split(","),
                secret=secret,
                description=description,
                by=who(by),
                now=desk.now,
            )
            found = row.id
    if as_json:
        print_json({"id": found, "url": place, "secret": secret})
        return
    say(f"Added {place} ({words.tail(found)}).")
    _show_secret(secret)
    say(f"Try it: keepwell webhooks test {words.tail(found)}", style="dim")


@commands.command("list")
def show(as_json: Json = False) -> None:
    """The endpoints, and how it goes with them."""
    with open_desk() as desk, desk.store.read() as session:
        lines = webhook_desk.endpoints(session, desk.organisation.id)
    if as_json:
        print_json({"endpoints": lines})
        return
    if not lines:
        say("No webhooks. Add one: keepwell webhooks add URL")
        return
    columns = [Column("Id", keep=True), Column("URL"), Column("Kinds"), Column("State")]
    columns += [Column(name, justify="right", keep=True) for name in ("Waiting", "Delivered", "Failed")]
    rows = [
        [
            words.tail(one.id),
            one.url,
            ", ".join(one.kinds),
            _state(desk, one),
            f"{one.waiting:,}",
            f"{one.delivered:,}",
            f"{one.failed:,}",
        ]
        for one in lines
    ]
    print_table(columns, rows)


@commands.command("remove")
def remove(endpoint: Which, by: By = None, as_json: Json = False) -> None:
    """Tell a program nothing any more. What waits for it is not sent."""
    with open_desk() as desk, desk.store.write() as session:
        url = webhook_desk.remove_endpoint(session, desk.organisation.id, endpoint, by=who(by), now=desk.now)
    _done({"removed": url}, f"Removed {url}.", as_json=as_json)


@commands.command("stop")
def stop(endpoint: Which, by: By = None, as_json: Json = False) -> None:
    """Tell a program nothing until it is started again. What waits for it is not sent."""
    with open_desk() as desk, desk.store.write() as session:
        url = webhook_desk.stop(session, desk.organisation.id, endpoint, by=who(by), now=desk.now)
    _done({"stopped": url}, f"{url} hears of nothing until: keepwell webhooks start", as_json=as_json)


@commands.command("start")
def start(endpoint: Which, by: By = None, as_json: Json = False) -> None:
    """Start an endpoint again that was stopped because it took nothing."""
    with open_desk() as desk, desk.store.write() as session:
        url = webhook_desk.restart_endpoint(session, desk.organisation.id, endpoint, by=who(by), now=desk.now)
    hint = "What it missed: keepwell webhooks replay --since 7d"
    _done({"started": url}, f"{url} hears of what happens from now on. {hint}", as_json=as_json)


@commands.command("rotate")
def rotate(endpoint: Which, by: By = None, as_json: Json = False) -> None:
    """Make a new secret. For 24 hours both sign, so that the receiver can change over."""
    from keepwell.adapters.webhook import new_secret  # noqa: PLC0415

    secret = new_secret()
    with open_desk() as desk, desk.store.write() as session:
        until = webhook_desk.rotate_secret(
            session, desk.organisation.id, endpoint, secret, by=who(by), now=desk.now
        )
    if as_json:
        print_json({"secret": secret, "old_until": until.isoformat()})
        return
    _show_secret(secret)
    say(f"The old one signs too until {desk.clock.moment(until)}. {desk.times}", style="dim")


@commands.command("test")
def try_out(endpoint: Which, by: By = None, as_json: Json = False) -> None:
    """Post a test event now, from this machine, and show the answer. It is not tried again."""
    from keepwell.adapters.webhook_trial import tried_words, try_endpoint  # noqa: PLC0415

    with open_desk() as desk:
        private = desk.settings.webhook_private
        line = try_endpoint(desk.store, desk.organisation.id, endpoint, private, by=who(by), now=desk.now)
    if as_json:
        print_json(line)
    else:
        say(tried_words(line), style="" if line.state == "delivered" else "yellow")


@commands.command("deliveries")
def show_deliveries(
    which: Annotated[str | None, typer.Argument(metavar="DELIVERY", help="One, with its calls.")] = None,
    state: Annotated[State | None, typer.Option(help="Only those.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Only of this endpoint.")] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """What was sent, what waits, what failed and why; the newest first."""
    with open_desk() as desk, desk.store.read() as session:
        ours = desk.organisation.id
        if which is not None:
            _print_one(desk, webhook_desk.delivery(session, ours, which), as_json=as_json)
            return
        lines = webhook_desk.deliveries(session, ours, state=state, endpoint=endpoint, limit=limit).items
    if as_json:
        print_json({"deliveries": lines})
        return
    if not lines:
        say("None.")
        return
    columns = [
        Column("Id", keep=True),
        Column("At", keep=True),
        Column("Kind"),
        Column("To"),
        Column("State"),
    ]
    rows = [
        [
            words.tail(one.id),
            desk.clock.moment(one.created_at),
            one.kind,
            one.url,
            f"{one.state}, {words.count(one.calls, 'call')}{f': {one.why}' if one.why else ''}",
        ]
        for one in lines
    ]
    print_table(columns, rows)
    say(desk.times, style="dim")


@commands.command("replay")
def replay(
    which: Annotated[str | None, typer.Argument(metavar="DELIVERY", help="One delivery.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Instead: all that failed since a time (12h, 7d) or a day.")
    ] = None,
    endpoint: Annotated[str | None, typer.Option(help="With --since: only of this endpoint.")] = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Send an event again, or all that failed. The receiver knows it by the same webhook-id."""
    if (which is None) == (since is None):
        raise InputError(
            "Name a delivery, or a time with --since.", hint="keepwell webhooks replay --since 12h"
        )
    with open_desk() as desk, desk.store.write() as session:
        ours = desk.organisation.id
        if which is not None:
            webhook_desk.replay(session, ours, which, desk.now, by=who(by))
            count = 1
        else:
            start = past_moment(since or "", desk.now, desk.zone, place="--since")
            count = webhook_desk.replay_failed(session, ours, start, endpoint, desk.now, by=who(by))
    _done({"replayed": count}, f"{words.count(count, 'event')} on the way again.", as_json=as_json)


def _print_one(desk: Desk, line: webhook_desk.DeliveryLine, *, as_json: bool) -> None:
    if as_json:
        print_json(line)
        return
    clock = desk.clock
    print_fields(
        [
            ("id", line.id),
            ("event", f"{line.event}, {line.kind}{f', replay {line.replay}' if line.replay else ''}"),
            ("to", line.url),
            ("state", f"{line.state}{f': {line.why}' if line.why else ''}"),
            ("since", clock.moment(line.created_at)),
            ("ended", clock.moment(line.ended_at)),
            *(
                (
                    clock.moment(one.at) or "",
                    f"{one.status or 'no answer'}, {one.milliseconds:,} ms {one.why}",
                )
                for one in line.attempts
            ),
        ]
    )
    say(desk.times, style="dim")


def _state(desk: Desk, line: webhook_desk.EndpointLine) -> str:
    if not line.active:
        return f"stopped: {line.stopped_why}"
    if line.failing_since:
        return f"failing since {desk.clock.moment(line.failing_since)} ({words.count(line.failures, 'call')})"
    return "on"


def _show_secret(secret: str) -> None:
    say(f"Secret: {secret}")
    say(
        "It signs what is sent, and is not shown again. How to check it: docs/guide/developer.md", style="dim"
    )


def _done(value: dict[str, object], text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(value)
    else:
        say(text)
