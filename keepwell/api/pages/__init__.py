"""The pages a customer reaches by a link in a message: plain HTML, no script needed, one style for all."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from keepwell.rendering.filters import count

SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}
"""Nobody else may frame the page, script it, or learn its address, which opens it."""


def page(template: str, values: Mapping[str, object], status: int = 200) -> HTMLResponse:
    """A page of `keepwell/api/pages`; `values` needs `title` and `company`. All text in it is escaped."""
    html = _environment().get_template(template).render(values)
    return HTMLResponse(html, status_code=status, headers=SAFE)


def message(title: str, text: str, *, company: str = "", status: int = 200) -> HTMLResponse:
    """A page that says one thing: a link that has ended, what was noted."""
    return page("message.html.j2", {"title": title, "text": text, "company": company}, status)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("keepwell.api", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["count"] = count
    return environment
