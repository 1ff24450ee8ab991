"""The database, its migrations, its clock, and the disk."""

from __future__ import annotations

import asyncio
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from keepwell.db.engine import Store
from keepwell.db.migrate import head
from keepwell.doctor import database
from keepwell.doctor.examine import FIRST
from keepwell.doctor.findings import Finding
from keepwell.doctor.running import run_check
from keepwell.doctor.scene import Scene, looking, store_to_look_at
from keepwell.errors import StoreError
from tests.unit.db.world import World
from tests.unit.doctor.conftest import MakeScene


def looked(scene: Scene) -> list[Finding]:
    """What the database's check comes to, errors told."""
    return asyncio.run(run_check(FIRST[0], scene))


def test_engine_version_revision_and_organisation(world: World, make_scene: MakeScene) -> None:
    scene = make_scene(database_url=world.store.url.render_as_string(hide_password=False))
    engine, revision, organisation = looked(scene)
    assert {one.kind for one in (engine, revision, organisation)} == {"ok"}
    assert engine.found.startswith("SQLite 3." if "sqlite" in str(world.store.url) else "PostgreSQL 1")
    assert revision.found == f"its tables are up to date (revision {head()})"
    assert organisation.found == "organisation 'brightdesk' (Brightdesk Ltd)"
    assert scene.store is not None
    scene.close()


def test_it_can_only_read(world: World) -> None:
    store = store_to_look_at(world.store.url.render_as_string(hide_password=False))
    with pytest.raises(Exception, match=r"read-?only"), looking(store) as session:
        session.execute(text("DELETE FROM organisation"))
    store.dispose()


@pytest.mark.parametrize("folder", ["plain", "a b?c%d#e"])
def test_a_file_that_is_not_there_is_not_made(make_scene: MakeScene, tmp_path: Path, folder: str) -> None:
    home = tmp_path / folder
    (found,) = looked(make_scene(home=home))
    assert (found.kind, found.found) == ("problem", f"there is no database yet: {home / 'keepwell.sqlite3'}")
    assert not home.exists()


def test_odd_letters_in_the_path(make_scene: MakeScene, tmp_path: Path, sqlite_template: Path) -> None:
    home = tmp_path / "a b?c%d#e"
    home.mkdir()
    (home / "keepwell.sqlite3").write_bytes(sqlite_template.read_bytes())
    scene = make_scene(home=home)
    assert [one.kind for one in looked(scene)] == ["ok", "ok", "warning"]
    scene.close()


@pytest.mark.parametrize(
    ("revision", "said", "todo"),
    [
        ("0001", "is at the older revision 0001", "keepwell migrate"),
        ("9999", "is at revision 9999, which this version", "A newer Keepwell made it"),
    ],
)
def test_another_revision(world: World, make_scene: MakeScene, revision: str, said: str, todo: str) -> None:
    with world.store.write() as session:
        session.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'"))
    scene = make_scene(database_url=world.store.url.render_as_string(hide_password=False))
    (found,) = looked(scene)
    assert found.kind == "problem"
    assert said in found.found
    assert "mode=ro" not in found.found
    assert todo in found.todo
    assert scene.store is None


def test_an_empty_database_and_a_missing_organisation(
    make_scene: MakeScene, sqlite_url: str, tmp_path: Path
) -> None:
    empty = Store(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    with empty.write() as session:
        session.execute(text("CREATE TABLE x (i INT)"))
        session.execute(text("DROP TABLE x"))
    empty.dispose()
    found = looked(make_scene(database_url=f"sqlite:///{tmp_path / 'empty.sqlite3'}"))
    assert (found[1].kind, found[1].todo) == ("problem", "Make its tables: keepwell migrate")
    scene = make_scene(database_url=sqlite_url, organisation="nobody")
    warned = looked(scene)[2]
    assert warned.kind == "warning"
    assert warned.found == "the organisation 'nobody' is not in the database yet"
    scene.close()


def test_a_server_that_is_down(make_scene: MakeScene) -> None:
    (found,) = looked(make_scene(database_url="postgresql://u:our-own-word@127.0.0.1:1/d"))
    assert found.kind == "problem"
    assert "does not answer" in found.found
    assert "our-own-word" not in found.model_dump_json()


def test_clocks(world: World, make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = make_scene(world=world)
    (same,) = database.clock(scene)
    assert same.kind == "ok"
    if "sqlite" in str(world.store.url):
        return

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(UTC) + timedelta(minutes=2)

    monkeypatch.setattr(database, "datetime", Ahead)
    (apart,) = database.clock(scene)
    assert (apart.kind, apart.found) == ("warning", "the database server's clock is 120 s behind ours")


def test_low_disk(make_scene: MakeScene) -> None:
    free = shutil.disk_usage(".").free
    assert {one.kind for one in database.disk(make_scene(min_free=1))} == {"ok"}
    assert database.disk(make_scene(min_free=free // 2))[-1].kind == "warning"
    full = database.disk(make_scene(min_free=free * 2))[-1]
    assert full.kind == "problem"
    assert "is the least" in full.found


def test_the_disks_of_home_and_of_a_database_elsewhere_are_both_looked_at(
    make_scene: MakeScene, tmp_path: Path
) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    for folder in (elsewhere, elsewhere / "not" / "made"):
        scene = make_scene(home=home, database_url=f"sqlite:///{folder / 'data.sqlite3'}")
        assert [one.found.partition(" free at ")[2] for one in database.disk(scene)] == [
            str(elsewhere),
            str(home),
        ]
    inside = make_scene(home=home, database_url=f"sqlite:///{home / 'data.sqlite3'}")
    assert [one.found.partition(" free at ")[2] for one in database.disk(inside)] == [str(home)]
    server = make_scene(home=home, database_url="postgresql://u:our-own-word@h/d")
    assert [one.found.partition(" free at ")[2] for one in database.disk(server)] == [str(home)]


def test_the_home_and_the_embedded_servers_file(
    make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = make_scene()
    scene.settings.ensure_home()
    (scene.settings.home / "temporal.sqlite3").write_bytes(b"x" * 2_500_000)
    told = [one.found for one in database.disk(scene)]
    assert f"the embedded server's database is 2 MB: {scene.settings.home / 'temporal.sqlite3'}" in told
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert database.disk(scene)[0].found.startswith("KEEPWELL_HOME cannot be written to")


def test_a_check_without_its_store_says_so(make_scene: MakeScene) -> None:
    scene = make_scene()
    with pytest.raises(StoreError), scene.session():
        pass
