"""The demo's own home: where it is, what the demo has put there, and how other commands reach it.

Whatever the environment says, the demo works with the database, the server and the outbox of this
folder alone.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, ValidationError

from keepwell.contracts.base import Frozen
from keepwell.errors import ConfigurationError, RefusedError
from keepwell.settings import Settings, environment, load_settings
from keepwell.temporal.connect import external_profile
from keepwell.temporal.home_files import HomeFiles, try_lock

FOLDER = "demo"
ORGANISATION = "main"
TASK_QUEUE = "keepwell"
DATABASE = "keepwell.sqlite3"
MARK = "demo.json"
LOCK = "demo.lock"
LOG = "demo.log"
_PUBLIC_URL: str = Settings.model_fields["public_url"].default
_DATABASES = (DATABASE, "temporal.sqlite3")
_OTHERS = ("temporal.log", "temporal.json", "temporal.owner.lock", "temporal.server.lock", LOG)


class Mark(Frozen):
    """The file by which the demo knows its own folder. `ready` once the portfolio is complete.

    `anchor` is the moment of the newest made-up figures, `pid` the process that works there now or did last,
    `web` where its console is.
    """

    made_by: str = "keepwell demo"
    ready: bool = False
    anchor: AwareDatetime
    pid: int
    web: str = ""


@dataclass(frozen=True)
class DemoHome:
    """The folder and the settings that lead there."""

    settings: Settings

    @property
    def folder(self) -> Path:
        """The folder; KEEPWELL_HOME for every command about the demo."""
        return self.settings.home

    @property
    def log(self) -> Path:
        """Where the demo's worker writes what is not for the screen."""
        return self.folder / LOG

    def at(self, web: str) -> DemoHome:
        """The same home, with its pages at this address."""
        return DemoHome(self.settings.model_copy(update={"public_url": web}))

    def mark(self) -> Mark | None:
        """What the demo has noted here; None where it has not begun."""
        try:
            return Mark.model_validate_json((self.folder / MARK).read_bytes())
        except (OSError, ValidationError):
            return None

    def note(self, anchor: datetime, *, ready: bool) -> Mark:
        """Write the mark, in one step."""
        mark = Mark(anchor=anchor, ready=ready, pid=os.getpid(), web=self.settings.public_url)
        temporary = self.folder / f"{MARK}.tmp"
        temporary.write_text(mark.model_dump_json(indent=2))
        temporary.replace(self.folder / MARK)
        return mark

    @contextmanager
    def claim(self) -> Iterator[bool]:
        """Hold the demo's lock for a block; False where another process has it."""
        self.settings.ensure_home()
        lock = try_lock(self.folder / LOCK)
        try:
            yield lock is not None
        finally:
            if lock is not None:
                os.close(lock)

    def made(self) -> tuple[Path, ...]:
        """The files here that the demo and its server have made, apart from the lock."""
        names = [f"{name}{end}" for name in _DATABASES for end in ("", "-wal", "-shm", "-journal")]
        paths = (self.folder / name for name in (*names, *_OTHERS, MARK))
        return tuple(path for path in paths if path.is_file())

    def check_own(self) -> None:
        """Refuse a folder with data that the demo has not put there."""
        if self.mark() is None and (self.folder / DATABASE).exists():
            raise ConfigurationError(
                f"{self.folder} holds a Keepwell database that is not the demo's; the demo leaves it alone.",
                hint="Set KEEPWELL_HOME to another folder: the demo then lives in its folder 'demo'.",
            )

    def clear(self) -> tuple[Path, ...]:
        """Delete what the demo has made here, and nothing else; the files deleted.

        Raises RefusedError while something works with them.
        """
        if HomeFiles(self.folder).server_runs():
            raise RefusedError(
                f"The Temporal server of {self.folder} is running; its data cannot be deleted now.",
                hint="End the demo or the worker that uses it (Ctrl-C there), and try again.",
            )
        # The mark goes last: after an interruption the rest is still known to be the demo's.
        files = self.made()
        for path in files:
            path.unlink()
        return files


def demo_home() -> DemoHome:
    """The demo's home: `demo` in KEEPWELL_HOME, or KEEPWELL_HOME itself where that is a demo's."""
    base = load_settings(database_url="", sending="outbox", organisation=ORGANISATION).home
    return home_at(base if (base / MARK).is_file() else base / FOLDER)


def home_at(folder: Path) -> DemoHome:
    """A demo's home in this folder, cut off from what the environment says of data and sending."""
    settings = load_settings(
        home=folder,
        database_url="",
        organisation=ORGANISATION,
        sending="outbox",
        public_url=_PUBLIC_URL,
        task_queue=TASK_QUEUE,
        temporal_ui_url=None,
        playbooks=(),
        templates=None,
        # Nobody outside can reach a demo, or be reached by it.
        slack_token=None,
        slack_signing_secret=None,
        sendgrid_webhook_key="",
        inbound_token=None,
        oidc_issuer=None,
    )
    return DemoHome(settings)


def wants_live(environ: Mapping[str, str] | None = None) -> bool:
    """Whether the environment asks for live sending, which the demo never does."""
    environ = environment() if environ is None else environ
    return any(name.upper() == "KEEPWELL_SENDING" and value == "live" for name, value in environ.items())


def program() -> str:
    """How this program was called, so that a printed command works where it is printed."""
    called = sys.argv[0] if sys.argv and sys.argv[0] else "keepwell"
    found = shutil.which("keepwell")
    if found is not None and Path(called).exists() and Path(found).samefile(called):
        return "keepwell"
    if Path(called).name != "keepwell":
        # Started as a module or from a test: its own script is beside the interpreter.
        beside = Path(sys.executable).with_name("keepwell")
        return str(beside) if beside.is_file() else "keepwell"
    return called


def prefix(
    home: DemoHome, address: str, ui_url: str | None, environ: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """`NAME=value` words that lead a command to the demo's home whatever else is set here."""
    environ = environment() if environ is None else environ
    given = {name.upper(): value for name, value in environ.items() if value}
    own = {
        "KEEPWELL_DATABASE_URL": home.settings.database_url,
        "KEEPWELL_ORGANISATION": ORGANISATION,
        "KEEPWELL_TASK_QUEUE": TASK_QUEUE,
        "KEEPWELL_SENDING": "outbox",
    }
    wanted = {"KEEPWELL_HOME": str(home.folder)}
    wanted |= {name: value for name, value in own.items() if given.get(name, value) != value}
    if given.get("KEEPWELL_PUBLIC_URL", _PUBLIC_URL) != home.settings.public_url:
        wanted["KEEPWELL_PUBLIC_URL"] = home.settings.public_url
    if ui_url and "KEEPWELL_TEMPORAL_UI_URL" in given:
        wanted["KEEPWELL_TEMPORAL_UI_URL"] = ui_url
    if _leads_elsewhere(environ):
        wanted |= {
            "TEMPORAL_ADDRESS": address,
            "TEMPORAL_NAMESPACE": "default",
            "TEMPORAL_CONFIG_FILE": os.devnull,
            "TEMPORAL_PROFILE": "",
            "TEMPORAL_API_KEY": "",
            "TEMPORAL_TLS": "false",
        }
    return tuple(f"{name}={shlex.quote(value) if value else ''}" for name, value in wanted.items())


def _leads_elsewhere(environ: Mapping[str, str]) -> bool:
    """Whether the environment names a Temporal server, or half of one."""
    try:
        return external_profile(environ) is not None
    except ConfigurationError:
        return True
