"""The application behind `keepwell serve` on a store of a benchmark, in a process of its own.

    python -m bench.api_server URL HOME

Without rate limits, and without what goes on beside the answers. HOME gets a file `port`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn

from bench.processes import READY
from keepwell.api.door import Door
from keepwell.cli.web_server import listen
from keepwell.db.engine import Store
from keepwell.links import make_links
from keepwell.settings import Settings
from keepwell.web import create_app

PORT = "port"
REST = 600
"""Seconds."""


def main() -> None:
    """Serve until SIGTERM."""
    url, home = sys.argv[1], Path(sys.argv[2])
    settings = Settings(home=home, database_url=url, rate_caller=0, rate_address=0, rate_sign_in=0)
    door = Door(settings=settings, store=Store(url), links=make_links(settings))
    listening = listen("127.0.0.1", 0)
    (home / PORT).write_text(str(listening.getsockname()[1]), encoding="utf-8")
    # The client's connections rest while SQL is measured, and are to be there after it.
    config = uvicorn.Config(create_app(door), log_config=None, access_log=False, timeout_keep_alive=REST)
    print(READY, flush=True)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
