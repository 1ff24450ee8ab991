"""Creating the search attributes in a namespace. Doing it again changes nothing."""

from __future__ import annotations

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from keepwell.errors import ConfigurationError
from keepwell.temporal.search_attribute_keys import ALL

# What a server says that lets nobody manage search attributes through this service, as Temporal Cloud.
_NOT_HERE = {
    RPCStatusCode.PERMISSION_DENIED,
    RPCStatusCode.UNAUTHENTICATED,
    RPCStatusCode.UNIMPLEMENTED,
}
_NEEDED = {key.name: key.indexed_value_type for key in ALL}
_TYPE_NAMES = {1: "Text", 2: "Keyword", 3: "Int", 4: "Double", 5: "Bool", 6: "Datetime", 7: "KeywordList"}


async def register(client: Client, namespace: str | None = None) -> tuple[str, ...]:
    """Create what is missing in `namespace` (unset: the client's); return the names created.

    Raises ConfigurationError where a name is taken by another type, or where something is missing and the
    server does not let us create it; the message then says what to add and how.
    """
    namespace = namespace or client.namespace
    present = await _present(client, namespace)
    _check_types(present, namespace)
    missing = {name: _enum(number) for name, number in _NEEDED.items() if name not in present}
    if not missing:
        return ()
    try:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=namespace, search_attributes=missing)
        )
    except RPCError as error:
        # Another process that starts at the same moment may have been faster.
        if error.status != RPCStatusCode.ALREADY_EXISTS:
            raise _cannot_add(namespace, missing, error) from error
    return tuple(missing)


async def compare(client: Client) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """What the client's namespace lacks: missing names with their types; wrong ones with found and needed."""
    present = await _present(client, client.namespace)
    missing = {name: _TYPE_NAMES[number] for name, number in _NEEDED.items() if name not in present}
    wrong = {
        name: (_TYPE_NAMES.get(present[name], "unknown"), _TYPE_NAMES[number])
        for name, number in _NEEDED.items()
        if present.get(name, number) != number
    }
    return missing, wrong


async def _present(client: Client, namespace: str) -> dict[str, int]:
    """Name and type number of each custom search attribute the namespace has."""
    try:
        answer = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=namespace)
        )
    except RPCError as error:
        if error.status not in _NOT_HERE:
            raise
    else:
        return {name: int(number) for name, number in answer.custom_attributes.items()}
    # Where the list is refused, the namespace's own aliases tell: "Keyword01" stands for "CustomerId".
    described = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=namespace)
    )
    numbers = {name: number for number, name in _TYPE_NAMES.items()}
    aliases = described.config.custom_search_attribute_aliases.items()
    return {name: numbers.get(field.rstrip("0123456789"), 0) for field, name in aliases}


def _check_types(present: dict[str, int], namespace: str) -> None:
    for name, number in _NEEDED.items():
        found = present.get(name, number)
        # The server accepts a second registration under another type without a word and keeps the first.
        if found != number:
            raise ConfigurationError(
                f"Search attribute {name} of namespace {namespace!r} is of type "
                f"{_TYPE_NAMES.get(found, 'unknown')}; Keepwell needs {_TYPE_NAMES[number]}.",
                hint=f"Remove or rename {name} there, or give Keepwell a namespace of its own.",
            )


def _cannot_add(
    namespace: str, missing: dict[str, IndexedValueType.ValueType], error: RPCError
) -> ConfigurationError:
    wanted = {name: _TYPE_NAMES[int(number)] for name, number in missing.items()}
    listed = ", ".join(f"{name} ({kind})" for name, kind in wanted.items())
    cloud = " ".join(f'--search-attribute "{name}={kind}"' for name, kind in wanted.items())
    cluster = " ".join(f"--name {name} --type {kind}" for name, kind in wanted.items())
    return ConfigurationError(
        f"Namespace {namespace!r} lacks search attributes, and Keepwell may not add them "
        f"({error.message}): {listed}.",
        hint=(
            f"On Temporal Cloud: tcld namespace search-attributes add --namespace {namespace} {cloud}\n"
            "On a cluster of your own, as its operator: "
            f"temporal operator search-attribute create --namespace {namespace} {cluster}"
        ),
    )


def _enum(number: int) -> IndexedValueType.ValueType:
    return IndexedValueType.ValueType(number)
