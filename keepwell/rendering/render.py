"""Templates become messages: `render(bundle, context)`."""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass, field
from functools import lru_cache

import mrml
from jinja2 import Template, TemplateError, TemplateSyntaxError

from keepwell.contracts.rendering import Context, Rendered
from keepwell.errors import ConfigurationError
from keepwell.rendering.audience import facts_for, may_use, reads_as_customer
from keepwell.rendering.bundle import Bundle, file_of, parts_of
from keepwell.rendering.controls import without_controls
from keepwell.rendering.filters import short
from keepwell.rendering.sandbox import BundleLoader, Sandbox

HEADLINE_LIMIT = 150
"""Characters of a subject or title; mail programs show fewer."""
OUTPUT_LIMIT = 500_000
"""Characters of one part; more is a loop gone wild."""

# Without this, mrml sees "Roboto" in a font list and makes every reader's mail program fetch it from Google.
_OPTIONS = mrml.RenderOptions(fonts={})
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=%|[A-Z]{3}\b)")


@dataclass(frozen=True)
class _Source:
    """A bundle as a key of the cache: the hash stands for the files."""

    hash: str
    files: dict[str, str] = field(compare=False)


def render(bundle: Bundle, context: Context, *, to_customers: bool | None = None) -> Rendered:
    """The message a template gives with these facts.

    A template that customers read (`to_customers`; None: what its kind says) gets no fact that is for
    staff alone. Raises ConfigurationError naming file and line where a template uses what does not exist,
    does what the sandbox refuses, or gives invalid MJML, no headline or an action without a URL.
    """
    clean = Context.model_validate(without_controls(context.model_dump()))
    shown = reads_as_customer(bundle.name) if to_customers is None else to_customers
    out = {part: render_part(bundle, part, clean, to_customers=shown) for part in parts_of(bundle.name)}
    text = _tidy(out["txt"])
    headline = out.get("subject", out.get("title"))
    if headline is None:
        headline = _plain_slack(text.partition("\n")[0])
    subject = short(headline, HEADLINE_LIMIT)
    for what, value in (("headline", subject), ("text", text)):
        if not value:
            raise ConfigurationError(
                f"Template {bundle.name} gives no {what}.",
                hint="Write one that does not depend on the figures.",
            )
    label, url = _action(bundle.name, out.get("action", ""))
    return Rendered(subject=subject, text=text, html=_html(bundle, out), action_label=label, action_url=url)


def mjml_to_html(file: str, source: str) -> mrml.Output:
    """MJML as HTML. Raises ConfigurationError naming the template's file and the place in its output."""
    try:
        return mrml.to_html(source, render_options=_OPTIONS)
    except OSError as error:
        raise ConfigurationError(
            f"Template file {file} does not give valid MJML: {error}{_excerpt(source, str(error))}.",
            hint="Check that every tag is known to MJML, closed and in the right place.",
        ) from error


def _html(bundle: Bundle, out: dict[str, str]) -> str:
    if "mjml" in out:
        content: str = mjml_to_html(file_of(bundle.name, "mjml"), out["mjml"]).content
        # On a phone "12 %" and "1,240 EUR" would else end up on two lines.
        return _BEFORE_UNIT.sub("\u00a0", content)
    return out.get("html", "")


def _excerpt(source: str, message: str) -> str:
    place = re.search(r"position (\d+):(\d+)", message)
    if not place:
        return ""
    start, end = int(place[1]), int(place[2])
    return f", near {' '.join(source[max(0, start - 30) : end + 30].split())!r}"


def render_part(bundle: Bundle, part: str, context: Context, *, to_customers: bool) -> str:
    """One part as its file gives it, MJML still as MJML. Raises ConfigurationError as `render` does."""
    file, known = file_of(bundle.name, part), facts_for(to_customers=to_customers)
    try:
        template = _template(_Source(bundle.hash, bundle.files), bundle.name, part, to_customers)
        return _limited(template, file, {name: getattr(context, name) for name in known})
    except TemplateSyntaxError as error:
        raise ConfigurationError(
            f"Template file {error.name or file}, line {error.lineno}: {error.message}.",
            hint="Correct the Jinja2 syntax there.",
        ) from error
    except (TemplateError, ArithmeticError, TypeError, ValueError, AttributeError, LookupError) as error:
        raise ConfigurationError(
            f"Template file {_place(error, file)}: {error}.",
            hint=may_use(to_customers=to_customers),
        ) from error


def _limited(template: Template, file: str, variables: dict[str, object]) -> str:
    chunks, size = [], 0
    for chunk in template.generate(variables):
        chunks.append(chunk)
        size += len(chunk)
        if size > OUTPUT_LIMIT:
            raise ConfigurationError(
                f"Template file {file} gives more than {OUTPUT_LIMIT:,} characters.",
                hint="Shorten its loops.",
            )
    return "".join(chunks)


@lru_cache(maxsize=256)
def _template(source: _Source, name: str, part: str, to_customers: bool) -> Template:
    # One environment a part: what an HTML part includes is escaped, whatever the included file is called.
    slack = name.startswith("slack/")
    sandbox = Sandbox(BundleLoader(source.files), part, slack=slack, to_customers=to_customers)
    return sandbox.get_template(file_of(name, part))


def _place(error: Exception, file: str) -> str:
    """File and line of the innermost template frame of an error."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(".j2")]
    return f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else file


def _tidy(text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip()


def _plain_slack(line: str) -> str:
    plain = line.replace("*", "")
    return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _action(name: str, text: str) -> tuple[str, str]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return "", ""
    if len(lines) != 2 or not re.match(r"https?://\S+$", lines[1]):
        raise ConfigurationError(
            f"Template file {file_of(name, 'action')} gives {lines!r}, which is not an action.",
            hint="An action is a label and, on the next line, a URL with http:// or https://; or nothing.",
        )
    return short(lines[0]), lines[1]
