"""The database: reached, of this version's revision, with room to grow, its clock like ours."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from keepwell.db.engine import Store
from keepwell.db.migrate import check_revision, revision_of
from keepwell.db.repositories import organisations
from keepwell.doctor.findings import Note, ok, problem, warning
from keepwell.doctor.scene import Scene, looking, sqlite_file, store_to_look_at
from keepwell.errors import StoreError
from keepwell.temporal.connect import external_profile
from keepwell.temporal.home_files import HomeFiles

SKEW_SECONDS = 5.0
"""Times are compared across machines: leases of 45 s, a hand-over after 10 minutes."""


def database(scene: Scene) -> Sequence[Note]:
    """Open it for reading. Only with the right tables do the other checks get to see it."""
    path = sqlite_file(scene.settings.database_url)
    if path is not None and (not path.exists() or path.stat().st_size == 0):
        return [
            problem(
                f"there is no database yet: {path}",
                "The first command makes it, keepwell worker for example. If there should be one, correct "
                "KEEPWELL_HOME or KEEPWELL_DATABASE_URL.",
            )
        ]
    store = store_to_look_at(scene.settings.database_url)
    try:
        engine, revision = ok(_engine(scene, store)), _migrations(store)
        if revision.kind != "ok":
            return [engine, revision]
        scene.store = store
        return [engine, revision, _organisation(scene)]
    except StoreError as error:
        # We open a SQLite file in a way of our own; people know it by their setting.
        shown = store.url.render_as_string()
        raise StoreError(
            error.message.replace(shown, scene.settings.safe_database_url), hint=error.hint
        ) from error
    finally:
        if scene.store is None:
            store.dispose()


def _engine(scene: Scene, store: Store) -> str:
    """Engine, version and size."""
    path = sqlite_file(scene.settings.database_url)
    with looking(store) as session:
        if path is not None:
            session.execute(text("SELECT count(*) FROM sqlite_master"))
            return f"SQLite {sqlite3.sqlite_version}, {_size(_bytes(path))}: {path}"
        version = session.execute(text("SHOW server_version")).scalar_one()
        size = int(session.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
        return f"PostgreSQL {version}, {_size(size)}: {scene.settings.safe_database_url}"


def _migrations(store: Store) -> Note:
    revision = revision_of(store)
    if revision is None:
        return problem("the database is empty", "Make its tables: keepwell migrate")
    check_revision(store, revision)
    return ok(f"its tables are up to date (revision {revision})")


def _organisation(scene: Scene) -> Note:
    with scene.session() as session:
        scene.organisation = organisations.find(session, scene.settings.organisation)
    if scene.organisation is None:
        return warning(
            f"the organisation {scene.settings.organisation!r} is not in the database yet",
            "The worker makes it when it starts. If it should be there, correct KEEPWELL_ORGANISATION.",
        )
    return ok(f"organisation {scene.organisation.key!r} ({scene.organisation.name})")


def clock(scene: Scene) -> Sequence[Note]:
    """The database server's clock beside ours."""
    if sqlite_file(scene.settings.database_url) is not None:
        return [ok("SQLite goes by this machine's clock")]
    with scene.session() as session:
        before = datetime.now(UTC)
        there: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
        after = datetime.now(UTC)
    skew = (there - (before + (after - before) / 2)).total_seconds()
    if abs(skew) < SKEW_SECONDS:
        return [ok(f"the database server's clock and ours are {abs(skew):.1f} s apart")]
    return [
        warning(
            f"the database server's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} ours",
            "Set both by a time server (NTP): leases and waiting times compare the two.",
        )
    ]


def disk(scene: Scene) -> Sequence[Note]:
    """Free space where we write, and how much the embedded server's files take."""
    home, notes = scene.settings.home, []
    path = sqlite_file(scene.settings.database_url)
    if not home.exists():
        notes.append(ok(f"KEEPWELL_HOME does not exist yet: {home}"))
    elif not os.access(home, os.W_OK | os.X_OK):
        notes.append(
            problem(f"KEEPWELL_HOME cannot be written to: {home}", "Change its owner or its permissions.")
        )
    places = {_existing(home)} | ({_existing(path.parent)} if path is not None else set())
    notes += [_free(place, scene.min_free) for place in sorted(places)]
    served = HomeFiles(home).database
    if external_profile() is None and served.exists():
        notes.append(ok(f"the embedded server's database is {_size(_bytes(served))}: {served}"))
    return notes


def _free(place: Path, least: int) -> Note:
    free = shutil.disk_usage(place).free
    if free < least:
        return problem(
            f"{_size(free)} free at {place}, and {_size(least)} is the least",
            "Make room, or move KEEPWELL_HOME or the database to a larger disk.",
        )
    if free < 4 * least:
        return warning(f"{_size(free)} free at {place}", "Make room soon.")
    return ok(f"{_size(free)} free at {place}")


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that is there: it would be made on the same disk."""
    return next(one for one in (path, *path.parents) if one.exists())


def _bytes(path: Path) -> int:
    """A SQLite database with its write-ahead log."""
    files = (path, path.with_name(path.name + "-wal"))
    return sum(one.stat().st_size for one in files if one.exists())


def _size(count: int) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count = round(count / 1000)
    return f"{count / 1000:.1f} TB" if count >= 1000 else f"{count} GB"
