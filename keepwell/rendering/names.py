"""Which facts a template reads, so that nobody has to gather the others."""

from __future__ import annotations

from functools import lru_cache

from jinja2 import TemplateSyntaxError, nodes

from keepwell.contracts.rendering import Context
from keepwell.rendering.bundle import Bundle
from keepwell.rendering.sandbox import BundleLoader, Sandbox

COSTLY_PARTS = frozenset({"history", "last_message"})
"""Parts of a context's fields that cost a look into the store of their own."""

EVERYTHING = frozenset(Context.model_fields) | COSTLY_PARTS


def facts_used(bundle: Bundle) -> frozenset[str]:
    """The fields of a context and their costly parts that a file of the bundle names.

    All of them where a file is no Jinja2. A template has no other way to a field: the sandbox gives it
    neither the context nor a function. A part counts as named wherever its name stands.
    """
    return _used(bundle.hash, tuple(bundle.files.values()))


@lru_cache(maxsize=256)
def _used(_hash: str, sources: tuple[str, ...]) -> frozenset[str]:
    sandbox = Sandbox(BundleLoader({}), "mjml", slack=False)
    try:
        named = [_loaded(sandbox.parse(source)) for source in sources]
    except (TemplateSyntaxError, RecursionError):
        return EVERYTHING
    parts = (part for part in COSTLY_PARTS if any(part in source for source in sources))
    return EVERYTHING & frozenset[str](parts).union(*named)


def _loaded(tree: nodes.Template) -> set[str]:
    """Names that the file reads, be they facts or set in it: one look too many costs little.

    Jinja2's own way to the undeclared ones computes constants, and a user's template computes nothing here.
    """
    return {one.name for one in tree.find_all(nodes.Name) if one.ctx == "load"}
