"""What a Temporal server must be for Keepwell to work with it."""

from __future__ import annotations

import re

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, GetSystemInfoRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from keepwell.errors import ConfigurationError, ServerUnavailableError

# Updates, update-with-start, per-namespace search attributes and worker versioning are all general there;
# older servers lack one or the other. Developed against 1.32, whose virtual clock rehearsals need.
OLDEST_SERVER = (1, 30)


async def server_version(client: Client) -> str:
    """The server's version as it tells it, "1.32.0" for example."""
    answer = await client.workflow_service.get_system_info(GetSystemInfoRequest())
    return answer.server_version


def check_version(version: str, address: str) -> None:
    """Raise ConfigurationError for a server that is too old. One that hides its version passes."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    if found and (int(found[1]), int(found[2])) < OLDEST_SERVER:
        oldest = ".".join(map(str, OLDEST_SERVER))
        raise ConfigurationError(
            f"The Temporal server at {address} is of version {version}; Keepwell needs {oldest} or newer.",
            hint="Upgrade that server, or unset TEMPORAL_ADDRESS to use the embedded one.",
        )


async def check_namespace(client: Client, address: str) -> None:
    """Raise ConfigurationError where the client's namespace does not exist or may not be used."""
    name = client.namespace
    try:
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=name))
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            raise ConfigurationError(
                f"The Temporal server at {address} has no namespace {name!r}.",
                hint=f"Correct TEMPORAL_NAMESPACE, or create it: "
                f"temporal operator namespace create --namespace {name}",
            ) from error
        if error.status in (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED):
            raise ConfigurationError(
                f"The Temporal server at {address} refuses namespace {name!r}: {error.message}.",
                hint="Check TEMPORAL_API_KEY or the TLS certificate, and the rights that go with it.",
            ) from error
        raise ServerUnavailableError(
            f"The Temporal server at {address} did not describe namespace {name!r}: {error.message}.",
            hint="Try again; if it lasts, look at that server's own log.",
        ) from error
