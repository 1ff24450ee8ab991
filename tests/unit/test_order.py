"""The plugin that lets workers begin with the long files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import order

pytest_plugins = ("pytester",)
ROOT = Path(__file__).parents[2]


def test_long_folders_come_first_and_then_files_with_many_tests(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    many = "import pytest\n@pytest.mark.parametrize('n', range({}))\ndef test(n): pass\n"
    for path, tests in (
        ("unit/test_a.py", 1),
        ("unit/test_b.py", 3),
        ("unit/churn/test_c.py", 1),
        ("workflows/test_d.py", 2),
        ("e2e/test_e.py", 1),
    ):
        file = pytester.path / "tests" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(many.format(tests))
    # One worker takes the files as they are handed out.
    options = ("-n", "1", "--dist", "loadfile", "-v", "--import-mode=importlib")
    result = pytester.runpytest_subprocess("-p", "tests.order", "-p", "no:cacheprovider", *options)
    result.assert_outcomes(passed=8)
    done = [line.split()[-1] for line in result.outlines if "PASSED" in line]
    files = list(dict.fromkeys(line.partition("::")[0].removeprefix("tests/") for line in done))
    assert files == [
        "e2e/test_e.py",
        "workflows/test_d.py",
        "unit/churn/test_c.py",
        "unit/test_b.py",
        "unit/test_a.py",
    ]


def test_the_long_folders_are_there() -> None:
    assert all(list((ROOT / folder).glob("test_*.py")) for folder in order.LONG)
