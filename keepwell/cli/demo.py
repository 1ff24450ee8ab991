"""`keepwell demo`: a made-up portfolio with the real engine behind it, in a home of its own."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from keepwell.cli.desk import Json
from keepwell.cli.log import log_to
from keepwell.cli.output import Progress, print_json, say
from keepwell.errors import InputError, KeepwellError, RefusedError

if TYPE_CHECKING:
    from keepwell.demo.home import DemoHome
    from keepwell.demo.live import Running

# What the demo needs beyond other commands (Temporal, the worker) is loaded inside the functions.

INTERRUPTED = 130


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
    as_json: Json = False,
) -> None:
    """Try Keepwell on made-up customers. Nothing is sent, and nobody's data is touched."""
    if once and fresh:
        raise InputError("--once leaves nothing behind, so there is nothing for --fresh to delete.")
    if as_json and not once:
        raise InputError("--json goes with --once.", hint="keepwell demo --once --json")
    _quiet()
    if once:
        _once(as_json=as_json)
    else:
        from keepwell.demo.home import demo_home  # noqa: PLC0415

        _live(demo_home(), fresh=fresh)


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


def _live(home: DemoHome, *, fresh: bool) -> None:
    from keepwell.cli.demo_view import print_banner, print_stopping  # noqa: PLC0415
    from keepwell.demo import live  # noqa: PLC0415
    from keepwell.demo.home import wants_live  # noqa: PLC0415

    print_banner(live=wants_live())
    with home.claim() as ours:
        if not ours:
            _join(home, fresh=fresh)
            return
        if fresh:
            _clear(home)
        say(f"Home: {home.folder} (nothing outside of it is read or changed)")
        with log_to(home.log):
            shown = live.run(home, Progress(), _show, lambda: print_stopping(home))
    if not shown:
        say("The demo was ended before it was ready; the next start makes up for it.")
        raise typer.Exit(INTERRUPTED)


def _show(running: Running) -> None:
    from keepwell.cli.demo_view import print_opening  # noqa: PLC0415

    print_opening(running.home, running.happened, running.server.address, running.server.ui_url)
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
    print_opening(home, look(home), server.address, server.ui_url)


def _clear(home: DemoHome) -> None:
    home.check_own()
    files = home.clear()
    if files:
        say(f"Deleted from {home.folder}: {', '.join(path.name for path in files)}")
    else:
        say(f"There was nothing to delete in {home.folder}.")
