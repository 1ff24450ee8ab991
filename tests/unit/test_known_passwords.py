"""Production does not stand on a database password that everybody knows."""

from __future__ import annotations

from typing import Any

import pytest

from keepwell.errors import ConfigurationError
from keepwell.settings import load_settings

pytestmark = pytest.mark.usefixtures("clean_environment")


KNOWN = ["postgres", "Password", "changeme", "keepwell", "123456", "se%63ret", "owner"]


@pytest.mark.parametrize("password", KNOWN)
@pytest.mark.parametrize("strict", [{"sending": "live"}, {"refuse_known_passwords": True}])
def test_a_password_that_everybody_knows_is_refused_in_production(
    password: str, strict: dict[str, Any]
) -> None:
    url = f"postgresql://owner:{password}@h/d"
    assert load_settings(database_url=url).sending == "outbox"
    for given in (url, f"postgresql://owner@h/d?password={password}"):
        with pytest.raises(ConfigurationError, match="holds a password that everybody knows") as caught:
            load_settings(database_url=given, **strict)
        assert f":{password}@" not in str(caught.value)
        assert caught.value.exit_code == 7


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://owner:9c4e7a15d2b86f30@h/d",
        "postgresql://owner@h/d",
        "sqlite:////tmp/keepwell.sqlite3",
    ],
)
def test_a_password_of_ones_own_or_none_is_not_refused(url: str) -> None:
    settings = load_settings(database_url=url, sending="live", refuse_known_passwords=True)
    assert settings.refuse_known_passwords
