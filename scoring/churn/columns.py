"""From a user's columns to plain arrays: numbers with NaN, categories as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.arrays import FloatArray
from scoring.churn.decimals import has_commas, with_point
from scoring.churn.errors import TableError
from scoring.churn.results import Finding, Severity, Trouble

TextArray = NDArray[np.object_]
Columns = dict[str, NDArray[np.generic]]
"""Features by name: float64 for numeric ones, text for categorical ones, all of one length."""

MISSING = "(missing)"
"""The category of an empty cell."""

_NOTHING = frozenset({"", "na", "n/a", "nan", "none", "null", "-", "?"})
_ODD_SHARE = 0.01
"""A text column counts as numeric if at most this share of its filled cells is no number."""


def take(columns: Columns, rows: NDArray[np.int64]) -> Columns:
    """The same columns with these rows only."""
    return {name: values[rows] for name, values in columns.items()}


def length(columns: Columns) -> int:
    """How many rows there are."""
    return len(next(iter(columns.values()))) if columns else 0


def require(frame: pd.DataFrame, names: Sequence[str], what: str) -> None:
    """Raises TableError that names every column that is missing, or there twice."""
    missing = [name for name in names if name not in frame.columns]
    if missing:
        there = ", ".join(str(name) for name in frame.columns[:40])
        raise TableError(f"{what}: the table has no column {', '.join(missing)}; it has {there}")
    twice = sorted({name for name in names if list(frame.columns).count(name) > 1})
    if twice:
        raise TableError(f"{what}: the table has the column {', '.join(twice)} more than once; rename one")


def is_numeric(series: pd.Series) -> bool:
    """Whether a column holds numbers, also those written as text with some blanks between them, or with
    decimal commas."""
    if pd.api.types.is_numeric_dtype(series):
        return True
    filled = _filled(series)
    if not len(filled):
        return False
    parsed = pd.to_numeric(filled, errors="coerce")
    return bool(parsed.isna().mean() <= _ODD_SHARE) or has_commas(_cells_of(series), _ODD_SHARE)


def is_date(series: pd.Series) -> bool:
    """Whether a column is of a date type, or text of which nearly all reads as ISO dates."""
    if pd.api.types.is_datetime64_any_dtype(series):
        return True
    if pd.api.types.is_numeric_dtype(series):
        return False
    filled = _filled(series)
    if not len(filled):
        return False
    return bool(filled.astype(str).str.match(r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?$").mean() > 0.95)


def as_dates(series: pd.Series) -> NDArray[np.datetime64]:
    """Dates as UTC without a zone, NaT where there is none. Raises TableError where a cell is no date."""
    dates = pd.to_datetime(series, errors="coerce", utc=True, format="ISO8601")
    empty = series.isna() | series.astype(str).str.strip().str.lower().isin(_NOTHING)
    bad = int((dates.isna() & ~empty).sum())
    if bad:
        example = series[dates.isna() & ~empty].iloc[0]
        raise TableError(f"column {series.name}: {bad} cells are no ISO dates, for example {example!r}")
    found: NDArray[np.datetime64] = dates.dt.tz_localize(None).to_numpy("datetime64[s]")
    return found


def numbers(series: pd.Series, commas: bool = False) -> tuple[FloatArray, list[Finding]]:
    """A numeric column with NaN for what is no finite number, and what was odd about it. `commas`: it had
    decimal commas in training, so that "1.234" is more than a thousand."""
    name = str(series.name)
    series, findings = _pointed(series, commas)
    values = pd.to_numeric(series, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    values = values.copy()
    if not pd.api.types.is_numeric_dtype(series):
        odd = int((np.isnan(values) & series.notna().to_numpy()).sum())
        if odd:
            words = f"{name}: {_cells(odd)} blank or no number; taken as missing"
            findings.append(Finding(Trouble.BLANKS, Severity.NOTE, (name,), words, (("cells", float(odd)),)))
    infinite = int(np.isinf(values).sum())
    if infinite:
        values[np.isinf(values)] = np.nan
        words = f"{name}: {_cells(infinite)} infinite; taken as missing"
        findings.append(
            Finding(Trouble.NOT_FINITE, Severity.WARN, (name,), words, (("cells", float(infinite)),))
        )
    return values, findings


def texts(series: pd.Series) -> TextArray:
    """A categorical column as text: whole numbers without a point, MISSING where a cell is empty."""
    return np.array([text_of(value) for value in series.tolist()], dtype=object)


def numbered(frame: pd.DataFrame, name: str | None) -> NDArray[np.int64]:
    """A number per row, the same for rows with the same text in a column. An empty cell is like no other, as
    is every row where no column is named."""
    rows = np.arange(len(frame), dtype=np.int64)
    if name is None:
        return rows
    found = texts(frame[name])
    numbers = np.unique(found.astype(str), return_inverse=True)[1].astype(np.int64)
    return np.where(found == MISSING, len(frame) + rows, numbers)


def text_of(value: object) -> str:
    """One cell as text, the same for 1, 1.0 and "1.0"; MISSING where empty."""
    if value is None or value is pd.NA or value is pd.NaT:
        return MISSING
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        if np.isnan(value):
            return MISSING
        # Above 2**53 a float no longer tells neighbouring whole numbers apart.
        return (
            str(int(value)) if abs(float(value)) < 2**53 and float(value).is_integer() else repr(float(value))
        )
    text = str(value).strip()
    return MISSING if text.lower() in _NOTHING else text


def answer(value: object) -> str:
    """A value of the target, made comparable: lower case, 1.0, "1.0" and "1" alike."""
    text = text_of(value)
    for number in (int, float):
        try:
            return text_of(number(text))
        except (ValueError, OverflowError):
            continue
    return text.lower()


def _pointed(series: pd.Series, commas: bool) -> tuple[pd.Series, list[Finding]]:
    """The column with points for decimal commas if it has any, and a note that says so."""
    if pd.api.types.is_numeric_dtype(series):
        return series, []
    cells = _cells_of(series)
    if not has_commas(cells, _ODD_SHARE, commas):
        return series, []
    example = next((cell.strip() for cell in cells if isinstance(cell, str) and "," in cell), None)
    findings = []
    if example is not None:
        name = str(series.name)
        words = f"{name}: has decimal commas ({example} is {with_point(example)}); read as numbers"
        findings.append(Finding(Trouble.DECIMAL_COMMA, Severity.NOTE, (name,), words))
    pointed = [with_point(cell) for cell in series.tolist()]
    return pd.Series(pointed, index=series.index, name=series.name, dtype=object), findings


def _cells_of(series: pd.Series) -> list[object]:
    return [cell for cell in series.tolist() if text_of(cell) != MISSING]


def _filled(series: pd.Series) -> pd.Series:
    text = series.dropna().astype(str).str.strip()
    return text[~text.str.lower().isin(_NOTHING)]


def _cells(count: int) -> str:
    return "1 cell is" if count == 1 else f"{count:,} cells are"
