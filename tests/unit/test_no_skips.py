"""The plugin that fails a skipped test in CI."""

from __future__ import annotations

import pytest

from tests import no_skips

pytest_plugins = ("pytester",)

TESTS = """
import pytest

@pytest.fixture
def browser():
    pytest.skip("no browser")

def test_runs(): pass
def test_skips(): pytest.skip("no data")
def test_needs_a_browser(browser): pass
@pytest.mark.skip(reason="not today")
def test_is_marked(): pass
@pytest.mark.xfail(reason="known")
def test_fails_as_expected(): assert False
"""


def _run(pytester: pytest.Pytester, source: str) -> pytest.RunResult:
    pytester.makepyfile(source)
    return pytester.runpytest_inprocess("-p", "no:asyncio", "-p", "no:cacheprovider", plugins=[no_skips])


def test_a_skip_fails_in_ci(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    result = _run(pytester, TESTS)
    # A skip in a fixture shows as an error of the set-up.
    result.assert_outcomes(passed=1, failed=1, errors=2, xfailed=1)
    result.stdout.fnmatch_lines(["*CI does not allow: no data*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_skipped_module_fails_in_ci(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    result = _run(pytester, "import pytest\npytest.importorskip('no_such_module')\n")
    result.assert_outcomes(errors=1)


def test_a_skip_is_a_skip_elsewhere(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    result = _run(pytester, TESTS)
    result.assert_outcomes(passed=1, skipped=3, xfailed=1)
    assert result.ret == pytest.ExitCode.OK


def test_an_allowed_reason_stays_a_skip(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr(no_skips, "ALLOWED", ("^no data$",))
    _run(pytester, "import pytest\ndef test_skips(): pytest.skip('no data')\n").assert_outcomes(skipped=1)
