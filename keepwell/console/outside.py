"""What belongs to pages and is none: static files, and errors as pages."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from keepwell.api.access import NotSignedInError
from keepwell.console.pages import STATIC, render
from keepwell.console.view import HEADERS

PAGES = ("/console", "/success", "/sign-in", "/sign-out")
"""How the paths begin that people look at."""


class KeptStatic(StaticFiles):
    """Static files whose address names their content: a browser need not ask again."""

    def file_response(
        self, full_path: Any, stat_result: os.stat_result, scope: Any, status_code: int = 200
    ) -> Response:
        """The file; for a year where the address has a version."""
        answer = super().file_response(full_path, stat_result, scope, status_code)
        known = b"v=" in scope["query_string"]
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if known else "no-cache"
        answer.headers["X-Content-Type-Options"] = "nosniff"
        return answer


def mount_static(app: FastAPI) -> None:
    """Serve `keepwell/console/static`."""
    app.mount(STATIC, KeptStatic(packages=[("keepwell.console", "static")]))


def is_page(request: Request) -> bool:
    """Whether a person's browser asked for a page, so that an error should be one too."""
    return request.url.path.startswith(PAGES) and "text/html" in request.headers.get("accept", "")


def error_page(request: Request, error: Exception, status: int, title: str, detail: str) -> Response:
    """An error as a page; who is not signed in is led to where they can."""
    if isinstance(error, NotSignedInError):
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        where = f"/sign-in?next={quote(asked)}"
        # A part of a page that was asked for by htmx would else show the sign-in within the page.
        if request.headers.get("hx-request"):
            return Response(status_code=401, headers={"HX-Redirect": where})
        return RedirectResponse(where, status_code=303)
    html = render("error.html.j2", {"status": status, "title": title, "detail": detail})
    return HTMLResponse(html, status_code=status, headers=HEADERS)
