"""`keepwell demo`: a made-up portfolio with the real engine behind it, in a home of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from socket import socket
from typing import TYPE_CHECKING, Annotated

import typer

from keepwell.cli.desk import Json
from keepwell.cli.log import log_to
from keepwell.cli.output import Progress, print_json, say
from keepwell.errors import InputError, KeepwellError, RefusedError
from keepwell.links import make_links

if TYPE_CHECKING:
    from keepwell.demo.home import DemoHome
    from keepwell.demo.live import Running
    from keepwell.demo.prepare import Prepared
    from keepwell.temporal.embedded import EmbeddedServer

# What the demo needs beyond other commands (Temporal, the worker) is loaded inside the functions.

INTERRUPTED = 130
HOST = "127.0.0.1"
PORT = 8800


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Play stories on a virtual clock, print them, and end.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Delete what earlier demos have made, and start anew.")
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help=f"The console's port (unset: {PORT}, or a free one)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Try Keepwell on made-up customers. Nothing is sent, and nobody's data is touched."""
    if once and fresh:
        raise InputError("--once leaves nothing behind, so there is nothing for --fresh to delete.")
    if once and port is not None:
        raise InputError("--once has no console, so --port means nothing to it.")
    if as_json and not once:
        raise InputError("--json goes with --once.", hint="keepwell demo --once --json")
    _quiet()
    if once:
        _once(as_json=as_json)
    else:
        from keepwell.demo.home import demo_home  # noqa: PLC0415

        _live(demo_home(), port, fresh=fresh)


def _quiet() -> None:
    """Keep warnings of Temporal's own core off the screen: a busy machine makes it warn of slow tasks."""
    from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter  # noqa: PLC0415

    errors = LoggingConfig(filter=TelemetryFilter(core_level="ERROR", other_level="ERROR"))
    # Where this process has a runtime already, that one goes on.
    with suppress(RuntimeError):
        Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=errors)))


def _once(*, as_json: bool) -> None:
    from keepwell.cli.demo_stories import print_playing  # noqa: PLC0415
    from keepwell.cli.demo_view import BANNER, LIVE_REFUSED, print_banner  # noqa: PLC0415
    from keepwell.demo.home import wants_live  # noqa: PLC0415
    from keepwell.demo.once import play  # noqa: PLC0415

    if as_json:
        with log_to(None):
            playing = play(lambda _: None)
        notes = [BANNER, *([LIVE_REFUSED] if wants_live() else [])]
        print_json({"demo": True, "notes": notes, "stories": playing.stories, "checks": playing.checks})
    else:
        print_banner(live=wants_live())
        with log_to(None):
            playing = play(Progress())
        print_playing(playing)
    if not playing.checks.hold:
        raise KeepwellError("The stories do not add up: see the checks.", audience="developer")


def _live(home: DemoHome, port: int | None, *, fresh: bool) -> None:
    from keepwell.cli.demo_view import print_banner, print_stopping  # noqa: PLC0415
    from keepwell.demo.home import wants_live  # noqa: PLC0415

    print_banner(live=wants_live())
    with home.claim() as ours:
        if not ours:
            _join(home, fresh=fresh)
            return
        if fresh:
            _clear(home)
        say(f"Home: {home.folder} (nothing outside of it is read or changed)")
        shown = _run(home, port, lambda: print_stopping(home))
    if not shown:
        say("The demo was ended before it was ready; the next start makes up for it.")
        raise typer.Exit(INTERRUPTED)


def _run(home: DemoHome, port: int | None, ended: Callable[[], None]) -> bool:
    from keepwell.cli import web_server  # noqa: PLC0415
    from keepwell.demo import live  # noqa: PLC0415

    wanted = PORT if port is None else port
    with web_server.listen(HOST, wanted, or_another=port is None) as listening:
        where = web_server.address_of(HOST, listening)
        home = home.at(where)
        if port is None and not where.endswith(f":{PORT}"):
            say(f"Port {PORT} is taken, so the console takes another one: {where}", style="yellow")
        with log_to(home.log):
            return live.run(home, partial(_serve, home, listening), Progress(), _show, ended)


def _serve(
    home: DemoHome, listening: socket, prepared: Prepared, server: EmbeddedServer
) -> AbstractAsyncContextManager[None]:
    from keepwell.api.door import Door  # noqa: PLC0415
    from keepwell.cli import web_server  # noqa: PLC0415
    from keepwell.temporal.connect import connect_to  # noqa: PLC0415

    # Whatever the environment names: the demo's runs are on the demo's server.
    settings = home.settings.model_copy(update={"temporal_ui_url": server.ui_url})
    links = make_links(settings)
    door = Door(settings, prepared.store, links, connect=lambda _: connect_to(server.address))
    return web_server.serving(door, listening)


def _show(running: Running) -> None:
    from keepwell.cli.demo_view import print_opening  # noqa: PLC0415

    home = running.home
    print_opening(
        home, home.settings.public_url, running.happened, running.server.address, running.server.ui_url
    )
    say("The demo goes on working. Ctrl-C ends it.", style="bold")


def _join(home: DemoHome, *, fresh: bool) -> None:
    """Another process runs the demo: show what it shows."""
    mark = home.mark()
    where = f"process {mark.pid}" if mark else "another process"
    if fresh:
        raise RefusedError(
            f"The demo is running ({where}) in {home.folder}.",
            hint="End it there with Ctrl-C, then try again.",
        )
    from keepwell.cli.demo_view import print_opening  # noqa: PLC0415
    from keepwell.demo.prepare import look  # noqa: PLC0415
    from keepwell.temporal.home_files import HomeFiles  # noqa: PLC0415

    server = HomeFiles(home.folder).running()
    if mark is None or not mark.ready or server is None:
        say(f"The demo is being started by {where} in {home.folder}; look there, or try again in a moment.")
        return
    say(f"The demo is running already ({where}) in {home.folder}. This is how it stands:")
    web = mark.web or home.settings.public_url
    print_opening(home.at(web), web, look(home), server.address, server.ui_url)


def _clear(home: DemoHome) -> None:
    home.check_own()
    files = home.clear()
    if files:
        say(f"Deleted from {home.folder}: {', '.join(path.name for path in files)}")
    else:
        say(f"There was nothing to delete in {home.folder}.")
