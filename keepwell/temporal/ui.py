"""Links into the Temporal UI."""

from __future__ import annotations

from urllib.parse import quote

from keepwell.settings import Settings
from keepwell.temporal.connect import external_profile
from keepwell.temporal.home_files import HomeFiles

CLOUD_UI = "https://cloud.temporal.io"
_CLOUD_HOSTS = (".tmprl.cloud", ".api.temporal.io")


def ui_base(settings: Settings) -> str | None:
    """Where the UI of this installation's server is; None where that is not known or it has none."""
    if settings.temporal_ui_url:
        return settings.temporal_ui_url
    profile = external_profile()
    if profile is not None:
        host = (profile.address or "").rpartition(":")[0]
        return CLOUD_UI if host.endswith(_CLOUD_HOSTS) else None
    record = HomeFiles(settings.home).running()
    return record.ui_url if record else None


def ui_link(base: str, workflow_id: str, run_id: str | None = None, *, namespace: str = "default") -> str:
    """The page of a run, or of the newest run of the workflow id where none is named."""
    page = (
        f"{base.rstrip('/')}/namespaces/{quote(namespace, safe='')}/workflows/{quote(workflow_id, safe='')}"
    )
    return f"{page}/{quote(run_id, safe='')}/history" if run_id else page
