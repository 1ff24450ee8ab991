"""Links to runs in the Temporal UI, also while no server runs."""

from __future__ import annotations

from collections.abc import Callable

from keepwell.errors import ConfigurationError
from keepwell.settings import Settings
from keepwell.temporal.connect import external_profile
from keepwell.temporal.ui import ui_base, ui_link


def run_link(settings: Settings, workflow_id: str) -> str | None:
    """The page of a customer's newest run; None where no UI is known."""
    return links_to_runs(settings)(workflow_id)


def links_to_runs(settings: Settings) -> Callable[[str], str | None]:
    """`run_link` for many: where the UI is looked up once."""
    try:
        base, profile = ui_base(settings), external_profile()
    except ConfigurationError:
        # A page that only reads the store works without a server, whatever its settings say.
        base, profile = None, None
    namespace = (profile.namespace if profile else None) or "default"
    return lambda workflow: ui_link(base, workflow, namespace=namespace) if base and workflow else None
