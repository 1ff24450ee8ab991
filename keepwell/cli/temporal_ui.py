"""Links to runs in the Temporal UI, also while no server runs."""

from __future__ import annotations

from keepwell.errors import ConfigurationError
from keepwell.settings import Settings
from keepwell.temporal.connect import external_profile
from keepwell.temporal.ui import ui_base, ui_link


def run_link(settings: Settings, workflow_id: str) -> str | None:
    """The page of a customer's newest run; None where no UI is known."""
    try:
        base, profile = ui_base(settings), external_profile()
    except ConfigurationError:
        # A page that only reads the store works without a server, whatever its settings say.
        return None
    namespace = (profile.namespace if profile else None) or "default"
    return ui_link(base, workflow_id, namespace=namespace) if base else None
