"""A page of your product with Keepwell's bell in it, for trying the widget: a page, and tokens for it.

    keepwell serve                                            # in one terminal
    python examples/widget/host.py lena@harbourfoods.example  # in another; then open what it prints

KEEPWELL_WIDGET_ORIGINS must name this page's origin: http://localhost:8801.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from keepwell.db.engine import Store
from keepwell.db.repositories.organisations import find
from keepwell.feed import feed_token
from keepwell.links import make_links
from keepwell.settings import load_settings

PAGE = Path(__file__).with_name("page.html")


def host(port: int, keepwell: str, token: Callable[[], str]) -> ThreadingHTTPServer:
    """A server with the page, and a token for whoever is signed in: here it is always the same person."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """The page, or a new token."""
            path = urlsplit(self.path).path
            if path == "/keepwell-token":
                self._answer("application/json", json.dumps({"token": token()}))
            elif path == "/page.css":
                self._answer("text/css", PAGE.with_name("page.css").read_text())
            elif path == "/":
                self._answer("text/html; charset=utf-8", PAGE.read_text().replace("{{ keepwell }}", keepwell))
            else:
                self.send_error(404)

        def _answer(self, kind: str, text: str) -> None:
            live = keepwell.replace("http", "ws", 1)
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Cache-Control", "no-store")
            self.send_header(
                "Content-Security-Policy",
                f"default-src 'none'; script-src {keepwell}; connect-src 'self' {keepwell} {live}; "
                "style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
            )
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the browser shows what fails."""

    return ThreadingHTTPServer(("localhost", port), Answers)


def main() -> None:
    """Serve the page until stopped."""
    parser = argparse.ArgumentParser(description="A page with Keepwell's bell in it.")
    parser.add_argument("contact", help="id or email address of a contact")
    parser.add_argument("--port", type=int, default=8801)
    given = parser.parse_args()
    settings = load_settings()
    store, links = Store(settings.database_url), make_links(settings)
    with store.read() as session:
        organisation = find(session, settings.organisation)
    if organisation is None:
        parser.error(f"there is no organisation {settings.organisation!r} yet")

    def token() -> str:
        return feed_token(store, links, organisation.id, given.contact, now=datetime.now(UTC))

    token()
    sys.stdout.write(f"http://localhost:{given.port} shows the bell of {given.contact}; Ctrl+C stops it.\n")
    host(given.port, settings.public_url, token).serve_forever()


if __name__ == "__main__":
    main()
