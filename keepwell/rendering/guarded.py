"""Which templates render here, and which apart, under limits of time and memory."""

from __future__ import annotations

from functools import lru_cache

from keepwell.contracts.rendering import Context, Rendered
from keepwell.rendering import apart, check
from keepwell.rendering.bundle import OWN_TEMPLATES, Bundle
from keepwell.rendering.render import render as render_here


def render(bundle: Bundle, context: Context, *, to_customers: bool | None = None) -> Rendered:
    """`rendering.render.render`, apart where any file of the bundle is not Keepwell's own.

    Raises ConfigurationError as that does, and where the template was stopped at a limit.
    """
    if is_own(bundle):
        return render_here(bundle, context, to_customers=to_customers)
    return apart.render(bundle, context, to_customers=to_customers)


def check_bundle(bundle: Bundle, *, to_customers: bool | None = None) -> None:
    """`rendering.check.check_bundle`, apart where any file of the bundle is not Keepwell's own."""
    if is_own(bundle):
        check.check_bundle(bundle, to_customers=to_customers)
    else:
        apart.check(bundle, to_customers=to_customers)


def is_own(bundle: Bundle) -> bool:
    """Whether every file of the bundle is one that came with this Keepwell, unchanged.

    A pinned template of an earlier version is not: it renders apart, which is slower and no less right.
    """
    return _is_own(bundle.hash, bundle.name, tuple(bundle.files.items()))


@lru_cache(maxsize=256)
def _is_own(_hash: str, _name: str, files: tuple[tuple[str, str], ...]) -> bool:
    return all(_shipped(file) == source for file, source in files)


def _shipped(file: str) -> str | None:
    path = OWN_TEMPLATES / file
    # A bundle from the store may name any file: only those beneath the folder are ours.
    if OWN_TEMPLATES not in path.resolve().parents or not path.is_file():
        return None
    return path.read_text(encoding="utf-8-sig")
