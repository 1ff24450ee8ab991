"""Connecting a client: to the server the environment names, else to the embedded one of this home."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from temporalio.client import Client
from temporalio.envconfig import ClientConfigProfile
from temporalio.service import RPCError

from keepwell.errors import ConfigurationError, KeepwellError, ServerUnavailableError
from keepwell.settings import Settings, environment
from keepwell.temporal import checks
from keepwell.temporal.converter import DATA_CONVERTER
from keepwell.temporal.home_files import HomeFiles, ServerRecord

CONNECT_SECONDS = 5.0
_POLL_SECONDS = 0.1
# These mean nothing without an address, and ignoring them would start work on the wrong server.
_NEED_ADDRESS = ("TEMPORAL_PROFILE", "TEMPORAL_NAMESPACE", "TEMPORAL_API_KEY")


def external_profile(environ: Mapping[str, str] | None = None) -> ClientConfigProfile | None:
    """The Temporal server the environment or Temporal's configuration file names; None: the embedded one.

    Reads `settings.environment()`, so a `.env` file counts, unless told otherwise.
    """
    environ = environment() if environ is None else environ
    try:
        profile = ClientConfigProfile.load(override_env_vars=environ)
    except RuntimeError as error:
        raise ConfigurationError(
            f"Temporal's client configuration cannot be read: {error}",
            hint="Correct TEMPORAL_PROFILE, TEMPORAL_CONFIG_FILE or that file, or unset them.",
        ) from error
    if profile.address:
        return profile
    for name in _NEED_ADDRESS:
        if environ.get(name):
            raise ConfigurationError(
                f"{name} is set, but no address of a Temporal server is.",
                hint=f"Set TEMPORAL_ADDRESS as well (host:port), or unset {name} to use the embedded server.",
            )
    return None


async def connect(settings: Settings) -> Client:
    """A client of the server this installation uses, checked to be new enough and to have the namespace.

    Raises ServerUnavailableError where none answers within 5 s, ConfigurationError where it does not fit.
    """
    profile = external_profile()
    if profile is None:
        record = await _embedded(settings)
        return await connect_to(ClientConfigProfile(address=record.address))
    return await connect_to(profile)


async def connect_to(target: ClientConfigProfile | str) -> Client:
    """A checked client of this one server (a profile, or an address)."""
    profile = ClientConfigProfile(address=target) if isinstance(target, str) else target
    address = profile.address or ""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await _checked(profile, address)
    except KeepwellError:
        raise
    except TimeoutError as error:
        raise _unavailable(address, f"no answer within {CONNECT_SECONDS:.0f} s") from error
    except (RuntimeError, RPCError, ValueError, OSError) as error:
        if any(word in str(error) for word in ("Unauthenticated", "PermissionDenied")):
            raise ConfigurationError(
                f"The Temporal server at {address} does not accept these credentials.",
                hint="Check TEMPORAL_API_KEY or the TLS certificate of the profile.",
            ) from error
        raise _unavailable(address, _reason(error)) from error


async def _checked(profile: ClientConfigProfile, address: str) -> Client:
    client = await Client.connect(**profile.to_client_connect_config(), data_converter=DATA_CONVERTER)
    checks.check_version(await checks.server_version(client), address)
    await checks.check_namespace(client, address)
    return client


async def _embedded(settings: Settings) -> ServerRecord:
    files = HomeFiles(settings.home)
    end = time.monotonic() + CONNECT_SECONDS
    # A server that is just starting holds its lock and has no ready record yet.
    while files.server_runs() and time.monotonic() < end:
        record = files.read_record()
        if record is not None and record.ready:
            return record
        await asyncio.sleep(_POLL_SECONDS)
    raise ServerUnavailableError(
        f"No Temporal server runs for KEEPWELL_HOME={settings.home}.",
        hint="Start one: keepwell worker",
    )


def _unavailable(address: str, reason: str) -> ServerUnavailableError:
    return ServerUnavailableError(
        f"The Temporal server at {address} does not answer: {reason}.",
        hint="Check the address (TEMPORAL_ADDRESS, or the profile) and whether that server runs.",
    )


def _reason(error: BaseException) -> str:
    text = str(error)
    known = {
        "Connection refused": "the connection was refused",
        "dns error": "this host name is not known",
        "http2 error": "what listens there is not a Temporal server",
        "Unimplemented": "what listens there is not a Temporal server",
        "InvalidUri": "this is not an address of the form host:port",
        "invalid": "this is not an address of the form host:port",
    }
    return next((words for part, words in known.items() if part in text), text)
