"""Pinned templates: kept by the hash of their content, so that a running intervention keeps its own."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from keepwell.contracts.playbook import Playbook
from keepwell.db.engine import Store
from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.tables import Template
from keepwell.errors import ConfigurationError, StoreError
from keepwell.rendering.bundle import OWN_TEMPLATES, Bundle, load_bundle

Stamp = frozenset[tuple[str, int, int]]


class TemplateRepository:
    """Templates by hash; files are read when a playbook is pinned, and from then on the store counts."""

    def __init__(self, store: Store, folders: tuple[Path, ...] = (OWN_TEMPLATES,)) -> None:
        for folder in folders:
            if not folder.is_dir():
                raise ConfigurationError(
                    f"There is no templates folder {str(folder)!r}.",
                    hint="Correct KEEPWELL_TEMPLATES, or unset it: Keepwell brings templates of its own.",
                )
        self._store = store
        self._folders = folders
        self._stored: set[str] = set()
        self._pinned: dict[str, tuple[Stamp, Playbook]] = {}
        self.load = lru_cache(maxsize=256)(self._load)

    def pin(self, playbook: Playbook) -> Playbook:
        """The playbook with each of its templates as the files are now."""
        stamp = self._stamp()
        known = self._pinned.get(playbook.label)
        if known is not None and known[0] == stamp:
            return known[1]
        bundles = {name: load_bundle(name, self._folders) for name in playbook.template_names}
        missing = [bundle for bundle in bundles.values() if bundle.hash not in self._stored]
        if missing:
            with self._store.write() as session:
                for bundle in missing:
                    values = {
                        "hash": bundle.hash,
                        "name": bundle.name,
                        "files": bundle.files,
                        "stored_at": datetime.now(UTC),
                    }
                    insert_if_absent(session, "template", values)
            self._stored.update(bundle.hash for bundle in missing)
        hashes = {name: bundle.hash for name, bundle in bundles.items()}
        pinned = playbook.model_copy(update={"templates": hashes})
        self._pinned[playbook.label] = (stamp, pinned)
        return pinned

    def read(self, name: str) -> Bundle:
        """A template as its files are now, not stored. Raises ConfigurationError as `load_bundle` does."""
        return load_bundle(name, self._folders)

    def _stamp(self) -> Stamp:
        """Changes when a file does: reading all of them for each start would take 50 times as long."""
        stamps = []
        for folder in self._folders:
            # Not by `rglob`, which takes more than twice as long: every start of a run waits for this.
            for holder, _, names in os.walk(folder):
                for name in names:
                    if name.endswith(".j2"):
                        path = os.path.join(holder, name)
                        found = os.stat(path)
                        stamps.append((path, found.st_mtime_ns, found.st_size))
        return frozenset(stamps)

    def _load(self, content_hash: str) -> Bundle:
        with self._store.read() as session:
            row = session.get(Template, content_hash)
        if row is None:
            raise StoreError(
                f"The store has no template {content_hash}.",
                hint="The intervention began with another database; check KEEPWELL_DATABASE_URL.",
            )
        return Bundle(name=row.name, files=row.files)
