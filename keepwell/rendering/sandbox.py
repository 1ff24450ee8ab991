"""The Jinja2 environments templates run in: what they may call, how output is escaped and cleaned."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from jinja2 import (
    BaseLoader,
    Environment,
    StrictUndefined,
    TemplateNotFound,
    TemplateRuntimeError,
    Undefined,
)
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context as JinjaContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup
from pydantic import BaseModel

from keepwell.rendering.audience import fields_for
from keepwell.rendering.filters import BUILT_IN, FILTERS, number
from keepwell.rendering.mrkdwn import escaped

HTML_PARTS = frozenset({"mjml", "html"})

_TEXT_METHODS = frozenset({"lower", "upper", "startswith", "endswith", "strip", "split"})
_DAY_ATTRIBUTES = frozenset({"year", "month", "day", "hour", "minute", "weekday", "isoformat"})
_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"


class BundleLoader(BaseLoader):
    """Reads from a bundle's files alone, and names them, so that errors can say where they are."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def get_source(
        self,
        environment: Environment,  # noqa: ARG002 - Jinja2 passes it by this name
        template: str,
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        """The source under that name; raises TemplateNotFound."""
        if template not in self.files:
            raise TemplateNotFound(template)
        return self.files[template], template, None


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox, narrowed: contracts show their fields only, texts a few harmless methods.

    Arithmetic that could fill the memory (`"x" * 10**9`, format strings) is refused, and in a message to
    customers (`to_customers`) every field that is for staff alone.
    """

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self, loader: BaseLoader, part: str, slack: bool, to_customers: bool = False) -> None:
        super().__init__(
            loader=loader,
            autoescape=part in HTML_PARTS,
            undefined=StrictUndefined,
            finalize=slack_text if slack else clean_output,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self.filters = {name: self.filters[name] for name in BUILT_IN} | FILTERS
        self.globals = {}
        self._to_customers = to_customers

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Fields of contracts, a few methods of texts, and what Jinja2's sandbox allows of the rest."""
        if isinstance(obj, BaseModel):
            return attr in fields_for(type(obj), to_customers=self._to_customers)
        if isinstance(obj, str):
            return attr in _TEXT_METHODS
        if isinstance(obj, date):
            return attr in _DAY_ATTRIBUTES
        if isinstance(obj, int | float):
            return False
        return bool(super().is_safe_attribute(obj, attr, value))

    def wrap_str_format(self, value: Any) -> None:  # noqa: ARG002 - Jinja2 asks before is_safe_attribute
        """No format strings: Jinja2 would let them through, and one can ask for a billion spaces."""
        return

    def call_binop(self, context: JinjaContext, operator: str, left: Any, right: Any) -> Any:
        """Multiplication and remainder of plain numbers; raises SecurityError for anything else."""
        if operator == "**" or not (_is_number(left) and _is_number(right)):
            raise SecurityError(f"{operator!r} is not allowed here: only * and % of two numbers are")
        return super().call_binop(context, operator, left, right)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) < 1e15


def clean_output(value: Any) -> Any:
    """What `{{ … }}` prints: no None, numbers with one decimal, right-to-left texts kept apart.

    Raises TemplateRuntimeError for None, as a letter must not say "None" to a customer, and for what is
    neither text nor number nor day.
    """
    if value is None:
        raise TemplateRuntimeError("a value printed here is missing (None); print it inside {% if … %}")
    if isinstance(value, float):
        return number(value)
    if isinstance(value, str) and not isinstance(value, Markup):
        return isolated(value)
    if not isinstance(value, str | int | date | Undefined):
        # Among its fields may be some that are for staff alone.
        raise TemplateRuntimeError(f"this prints a whole {type(value).__name__}; print a field of it")
    return value


def slack_text(value: Any) -> Any:
    """`clean_output`, with the three characters escaped that Slack's mrkdwn gives a meaning."""
    value = clean_output(value)
    return escaped(value) if isinstance(value, str) else value


def isolated(text: str) -> str:
    """The text between isolates if it has right-to-left letters, so that it does not turn its neighbours."""
    if text.isascii() or _FIRST_STRONG_ISOLATE in text:
        return text
    if any(unicodedata.bidirectional(char) in {"R", "AL"} for char in text):
        return f"{_FIRST_STRONG_ISOLATE}{text}{_POP_ISOLATE}"
    return text
