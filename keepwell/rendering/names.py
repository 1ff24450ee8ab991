"""Which facts a template reads, so that nobody has to gather the others."""

from __future__ import annotations

from functools import lru_cache

from jinja2 import TemplateSyntaxError, meta

from keepwell.contracts.rendering import Context
from keepwell.rendering.bundle import Bundle
from keepwell.rendering.sandbox import BundleLoader, Sandbox

EVERYTHING = frozenset(Context.model_fields)


def facts_used(bundle: Bundle) -> frozenset[str]:
    """The fields of a context that a file of the bundle names; all of them where a file is no Jinja2.

    A template has no other way to a field: the sandbox gives it neither the context nor a function.
    """
    return _used(bundle.hash, tuple(bundle.files.values()))


@lru_cache(maxsize=256)
def _used(_hash: str, sources: tuple[str, ...]) -> frozenset[str]:
    sandbox = Sandbox(BundleLoader({}), "mjml", slack=False)
    try:
        named = [meta.find_undeclared_variables(sandbox.parse(source)) for source in sources]
    except TemplateSyntaxError:
        return EVERYTHING
    return EVERYTHING & frozenset[str]().union(*named)
