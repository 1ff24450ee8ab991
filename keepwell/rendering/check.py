"""Checks a template before anything is sent with it."""

from __future__ import annotations

from jinja2 import TemplateSyntaxError, meta, nodes

from keepwell.contracts.rendering import Context
from keepwell.errors import ConfigurationError
from keepwell.rendering.bundle import Bundle, file_of, parts_of
from keepwell.rendering.filters import BUILT_IN, FILTERS
from keepwell.rendering.render import mjml_to_html, render, render_part
from keepwell.rendering.sample import sample_contexts
from keepwell.rendering.sandbox import BundleLoader, Sandbox


def check_bundle(bundle: Bundle) -> None:
    """Render a template with every sample, and look for variables that no context has.

    Raises ConfigurationError naming the file and the variable, or the sample that it fails with.
    """
    for file, unknown in _undeclared(bundle).items():
        if unknown:
            raise ConfigurationError(
                f"Template file {file} uses {', '.join(sorted(unknown))}, which no message has.",
                hint=f"A template may use {', '.join(Context.model_fields)} and their fields.",
            )
    for name, context in sample_contexts().items():
        try:
            render(bundle, context)
            _refuse_warnings(bundle, context)
        except ConfigurationError as error:
            raise ConfigurationError(
                f"{error.message} (found with the sample {name!r})", hint=error.hint
            ) from error


def _refuse_warnings(bundle: Bundle, context: Context) -> None:
    if "mjml" not in parts_of(bundle.name):
        return
    file = file_of(bundle.name, "mjml")
    warnings = mjml_to_html(file, render_part(bundle, "mjml", context)).warnings
    if warnings:
        raise ConfigurationError(
            f"Template file {file}: MJML does not know something it uses ({warnings[0].kind}).",
            hint="Look for a misspelt attribute.",
        )


def _undeclared(bundle: Bundle) -> dict[str, set[str]]:
    """By file, the variables that neither a context nor any file of the bundle sets.

    An included file sees what its includer set, and a layout what its page set, so one set counts for all.
    """
    sandbox = Sandbox(BundleLoader(bundle.files), "mjml", slack=False)
    trees = {file: sandbox.parse(source) for file, source in bundle.files.items()}
    known = set(Context.model_fields).union(*(_set_by(tree) for tree in trees.values()))
    return {file: _loaded(file, tree) - known for file, tree in trees.items()}


def _loaded(file: str, tree: nodes.Template) -> set[str]:
    try:
        return meta.find_undeclared_variables(tree)
    except TemplateSyntaxError as error:
        raise ConfigurationError(
            f"Template file {file}, line {error.lineno}: {error.message}.",
            hint=f"Filters: {', '.join(sorted(FILTERS.keys() | BUILT_IN))}.",
        ) from error


def _set_by(tree: nodes.Template) -> set[str]:
    """The names a file gives a value: by set, for, a macro's parameters or an import."""
    names = {name.name for name in tree.find_all(nodes.Name) if name.ctx in ("store", "param")}
    names |= {found.target for found in tree.find_all(nodes.Import)}
    for found in tree.find_all(nodes.FromImport):
        names |= {name if isinstance(name, str) else name[1] for name in found.names}
    return names
