"""The files by which the processes of one home agree on its embedded server.

`temporal.owner.lock` is held by the process that owns the server, `temporal.server.lock` by the server
itself: the server inherits the open file, so the lock lasts exactly as long as the server lives, also when
its owner was killed. `temporal.json` says where the server is and counts only while that lock is held.
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError


class ServerRecord(BaseModel, frozen=True):
    """What `temporal.json` says of the running server. `ready` once it answers and is set up."""

    address: str
    ui_url: str | None
    pid: int
    started_at: datetime
    version: str = ""
    ready: bool = False


@dataclass(frozen=True)
class HomeFiles:
    """Where the embedded server's files are in a home."""

    home: Path

    @property
    def database(self) -> Path:
        return self.home / "temporal.sqlite3"

    @property
    def log(self) -> Path:
        return self.home / "temporal.log"

    @property
    def owner_lock(self) -> Path:
        return self.home / "temporal.owner.lock"

    @property
    def server_lock(self) -> Path:
        return self.home / "temporal.server.lock"

    @property
    def record(self) -> Path:
        return self.home / "temporal.json"

    def read_record(self) -> ServerRecord | None:
        """The record, or None where there is none that can be read."""
        try:
            return ServerRecord.model_validate_json(self.record.read_bytes())
        except (OSError, ValidationError):
            return None

    def write_record(self, record: ServerRecord) -> None:
        """Replace the record in one step, so that no reader sees half of it."""
        temporary = self.record.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(record.model_dump_json(indent=2))
        temporary.replace(self.record)

    def server_runs(self) -> bool:
        """Whether a server runs on this home's database, whoever started it."""
        if not self.server_lock.exists():
            return False
        # Shared: two processes that look at the same time must not see each other as the server.
        probe = try_lock(self.server_lock, shared=True)
        if probe is None:
            return True
        os.close(probe)
        return False

    def running(self) -> ServerRecord | None:
        """The record of the server that runs now; None without a server, or while its record is missing."""
        return self.read_record() if self.server_runs() else None


def try_lock(path: Path, *, shared: bool = False) -> int | None:
    """Lock the file without waiting; the open descriptor, to be closed to unlock, or None if it is taken."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
