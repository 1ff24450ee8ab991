"""Where templates are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from keepwell.db.engine import Store
from keepwell.db.repositories.templates import TemplateRepository
from keepwell.errors import ConfigurationError


def test_a_folder_that_is_not_there_is_refused(sqlite_store: Store, tmp_path: Path) -> None:
    TemplateRepository(sqlite_store, (tmp_path,))
    with pytest.raises(ConfigurationError, match=r"no templates folder '.*nowhere'") as caught:
        TemplateRepository(sqlite_store, (tmp_path / "nowhere",))
    assert "KEEPWELL_TEMPLATES" in caught.value.hint
