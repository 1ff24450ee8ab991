"""Checks a template before anything is sent with it."""

from __future__ import annotations

from jinja2 import TemplateSyntaxError, meta, nodes

from keepwell.contracts.rendering import Context
from keepwell.errors import ConfigurationError
from keepwell.rendering.audience import facts_for, may_use, reads_as_customer
from keepwell.rendering.bundle import Bundle, file_of, parts_of
from keepwell.rendering.fields import refuse_unknown_fields, set_by
from keepwell.rendering.filters import BUILT_IN, FILTERS
from keepwell.rendering.render import mjml_to_html, render, render_part
from keepwell.rendering.sample import sample_contexts
from keepwell.rendering.sandbox import BundleLoader, Sandbox


def check_bundle(bundle: Bundle, *, to_customers: bool | None = None) -> None:
    """Render a template with every sample, and look for variables that no such message has.

    `to_customers` says who reads it; None: what its kind says. Raises ConfigurationError naming the file
    and the variable, or the sample that it fails with.
    """
    shown = reads_as_customer(bundle.name) if to_customers is None else to_customers
    message = "no message to a customer has" if shown else "no message has"
    for file, unknown in _undeclared(bundle, to_customers=shown).items():
        if unknown:
            raise ConfigurationError(
                f"Template file {file}, line {min(unknown.values())}, uses "
                f"{', '.join(sorted(unknown))}, which {message}.",
                hint=may_use(to_customers=shown),
            )
    for name, context in sample_contexts().items():
        try:
            render(bundle, context, to_customers=shown)
            _refuse_warnings(bundle, context, to_customers=shown)
        except ConfigurationError as error:
            raise ConfigurationError(
                f"{error.message} (found with the sample {name!r})", hint=error.hint
            ) from error
    refuse_unknown_fields(bundle, to_customers=shown)


def _refuse_warnings(bundle: Bundle, context: Context, *, to_customers: bool) -> None:
    if "mjml" not in parts_of(bundle.name):
        return
    file = file_of(bundle.name, "mjml")
    source = render_part(bundle, "mjml", context, to_customers=to_customers)
    warnings = mjml_to_html(file, source).warnings
    if warnings:
        raise ConfigurationError(
            f"Template file {file}: MJML does not know something it uses ({warnings[0].kind}).",
            hint="Look for a misspelt attribute.",
        )


def _undeclared(bundle: Bundle, *, to_customers: bool) -> dict[str, dict[str, int]]:
    """By file, the variables that neither a context nor any file of the bundle sets, with their first lines.

    An included file sees what its includer set, and a layout what its page set, so one set counts for all.
    """
    sandbox = Sandbox(BundleLoader(bundle.files), "mjml", slack=False)
    trees = {file: sandbox.parse(source) for file, source in bundle.files.items()}
    known = facts_for(to_customers=to_customers).union(*(set_by(tree) for tree in trees.values()))
    return {
        file: {name: _line(tree, name) for name in _loaded(file, tree) - known}
        for file, tree in trees.items()
    }


def _line(tree: nodes.Template, name: str) -> int:
    return min((one.lineno for one in tree.find_all(nodes.Name) if one.name == name), default=1)


def _loaded(file: str, tree: nodes.Template) -> set[str]:
    try:
        return meta.find_undeclared_variables(tree)
    except TemplateSyntaxError as error:
        raise ConfigurationError(
            f"Template file {file}, line {error.lineno}: {error.message}.",
            hint=f"Filters: {', '.join(sorted(FILTERS.keys() | BUILT_IN))}.",
        ) from error
