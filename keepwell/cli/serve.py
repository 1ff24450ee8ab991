"""`keepwell serve`: what providers and customers call."""

from __future__ import annotations

import gc
import logging
from typing import Annotated

import typer

from keepwell.cli.desk import bare_store
from keepwell.cli.log import set_up_logging
from keepwell.db.migrate import ensure_current
from keepwell.links import make_links

log = logging.getLogger("keepwell.serve")


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("serve")(serve)


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8800,
) -> None:
    """Serve the console, the API, customers' pages, the widget and providers' webhooks, until stopped.

    KEEPWELL_PUBLIC_URL is where they reach it: put a proxy with HTTPS before it.
    """
    from keepwell.api.door import Door  # noqa: PLC0415
    from keepwell.cli import web_server  # noqa: PLC0415

    with bare_store() as (settings, store):
        set_up_logging(settings.log_level)
        ensure_current(store)
        listening = web_server.listen(host, port)
        door = Door(settings=settings, store=store, links=make_links(settings))
        where = web_server.address_of(host, listening)
        words = "Listening on %s; links in messages begin with %s; Ctrl-C ends it"
        log.info(words, where, settings.public_url, extra={"database": store.url.render_as_string()})
        try:
            web_server.alone(door, listening)
        finally:
            # A client that lives on while the interpreter ends may turn the exit code into a crash's.
            gc.collect()
