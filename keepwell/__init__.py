"""Keepwell keeps customers well: health scores, playbooks and durable interventions."""

from importlib import import_module

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """The client is loaded at its first use: whatever imports Keepwell, workflows too, does without it."""
    if name in ("AsyncClient", "Client"):
        return getattr(import_module("keepwell.client"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
