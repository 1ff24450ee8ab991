"""`keepwell serve`: what providers and customers call."""

from __future__ import annotations

import gc
import logging
import socket
from typing import Annotated

import typer

from keepwell.cli.desk import bare_store
from keepwell.cli.log import set_up_logging
from keepwell.db.migrate import ensure_current
from keepwell.errors import ConfigurationError
from keepwell.links import make_links

log = logging.getLogger("keepwell.serve")


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("serve")(serve)


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8800,
) -> None:
    """Answer providers' webhooks, Slack's buttons, customers' pages and the in-app widget, until stopped.

    KEEPWELL_PUBLIC_URL is where they reach it: put a proxy with HTTPS before it.
    """
    # They cost a third of a second to load, and no other command needs them.
    import uvicorn  # noqa: PLC0415

    from keepwell.web import create_app  # noqa: PLC0415
    from keepwell.api.door import Door  # noqa: PLC0415

    with bare_store() as (settings, store):
        set_up_logging(settings.log_level)
        ensure_current(store)
        listening = _listen(host, port)
        door = Door(settings=settings, store=store, links=make_links(settings))
        app = create_app(door, background=True)
        config = uvicorn.Config(app, log_config=None, server_header=False)
        # A browser says nothing but its token; the default is 16 MB.
        config.ws_max_size = 65_536
        where = "http://{}:{}".format(f"[{host}]" if ":" in host else host, listening.getsockname()[1])
        words = "Listening on %s; links in messages begin with %s; Ctrl-C ends it"
        log.info(words, where, settings.public_url, extra={"database": store.url.render_as_string()})
        try:
            uvicorn.Server(config).run(sockets=[listening])
        finally:
            # A client that lives on while the interpreter ends may turn the exit code into a crash's.
            gc.collect()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        # Python adds the address to it.
        why = str(error.strerror).partition(" (while")[0]
        raise ConfigurationError(
            f"Nothing can listen on port {port} of {host!r}: {why}.",
            hint="Another keepwell serve may run already. --port takes another one; 0 takes a free one.",
        ) from error
