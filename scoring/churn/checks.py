"""What real tables do to a model: identifiers, answers in disguise, copies, knowledge from later."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.tree import DecisionTreeClassifier

from scoring.arrays import FloatArray
from scoring.churn.columns import MISSING, Columns
from scoring.churn.concordance import concordance
from scoring.churn.errors import TableError
from scoring.churn.mapping import Mapping
from scoring.churn.results import Finding, Severity, Trouble

_NAMES = re.compile(
    r"(^|[_\s.-])(id|uuid|guid|key|email|phone|nr|no|number|account)$|(Id|ID|Uuid|UUID)$", re.ASCII
)
_ANSWER = 0.95
_SUSPECT = (0.85, 0.1)
"""A single feature with this ROC AUC, so far ahead of the next one, is worth a look."""
_TELLS_TIME = 0.9
_BANDS = 0.6
"""Categories that explain this share of the variance of the duration's ranks are bands of it."""
_FEWEST_BANDED = 40
"""Durations below which categories are not compared with them."""
_DENSE = 3
"""Whole numbers that name rows lie within so many times the rows; amounts are spread further."""
_PRODUCT = 0.98
_SAMPLE = 5000


def useless(features: Columns, mapping: Mapping) -> tuple[set[str], list[Finding]]:
    """Empty, constant and identifying features, to be left out unless the mapping keeps them."""
    findings = []
    for name, values in features.items():
        found = _useless(name, values)
        if found is None and values.dtype == object and len(np.unique(values.astype(str))) > 50:
            many = len(np.unique(values.astype(str)))
            words = f"{name}: {many:,} categories; the rare ones are treated as one"
            findings.append(
                Finding(
                    Trouble.MANY_CATEGORIES, Severity.NOTE, (name,), words, (("categories", float(many)),)
                )
            )
        if found is not None:
            findings.append(_kept(found, mapping) if found.severity is Severity.DROP else found)
    return _dropped(findings), findings


def answers(features: Columns, y: NDArray[np.int64], mapping: Mapping) -> tuple[set[str], list[Finding]]:
    """Features that alone tell who left: a reason of leaving, a closing date, a refund."""
    some = _some(len(y))
    found = {name: alone(values[some], y[some]) for name, values in features.items()}
    order = sorted(found.values(), reverse=True)
    findings = []
    for name, auc in found.items():
        following = next((value for value in order if value < auc), 0.5)
        figures = (("roc_auc", auc), ("next", following))
        if auc >= _ANSWER:
            words = (
                f"{name}: gives the answer away. Alone it tells who left with ROC AUC {auc:.3f} "
                f"(the next feature: {following:.3f}); probably known only once they have left. Left out"
            )
            findings.append(
                _kept(Finding(Trouble.ANSWER, Severity.DROP, (name,), words, figures, "churn"), mapping)
            )
        elif auc >= _SUSPECT[0] and auc - following >= _SUSPECT[1]:
            words = (
                f"{name}: alone it tells who left with ROC AUC {auc:.3f}, far ahead of the next feature "
                f"({following:.3f}). Make sure that it is known before a customer leaves"
            )
            findings.append(Finding(Trouble.ANSWER, Severity.WARN, (name,), words, figures, "churn"))
    return _dropped(findings), findings


def durations(
    features: Columns, y: NDArray[np.int64], duration: FloatArray | None, mapping: Mapping
) -> tuple[set[str], list[Finding]]:
    """Features that contain the duration, so that they tell when somebody left: sums over the months."""
    if duration is None:
        return set(), []
    others = {name: values for name, values in features.items() if name != mapping.duration}
    numeric = {name: values.astype(float) for name, values in others.items() if values.dtype != object}
    findings = []
    for name, values in others.items():
        if name in numeric:
            words, figures = _product(name, numeric[name], duration, numeric, str(mapping.duration))
            if not words:
                words, figures = _order(name, numeric[name], duration, y)
        else:
            words, figures = _bands(name, values, duration, str(mapping.duration))
        if words:
            told = Finding(Trouble.TIME_TIMES, Severity.DROP, (name,), words, figures, "time")
            findings.append(_kept(told, mapping))
    return _dropped(findings), findings


def copies(
    groups: NDArray[np.int64], sets: NDArray[np.int64], grouped_from: float
) -> tuple[NDArray[np.int64], list[Finding]]:
    """Say how many rows are near-copies of another customer's, and put them into one group if many."""
    _, counts = np.unique(sets, return_counts=True)
    rows = int((counts[counts > 1] - 1).sum())
    if not rows:
        return groups, []
    share = rows / len(sets)
    figures = (("rows", float(rows)), ("share", share))
    text = f"{rows:,} rows ({share:.1%}) are copies of another row in all features, or nearly"
    if share < grouped_from:
        return groups, [Finding(Trouble.COPIES, Severity.NOTE, (), f"{text}; too few to matter", figures)]
    if counts.max() > len(sets) / 10:
        words = (
            f"{text}, so many alike that they cannot be kept together; "
            "the figures are too good if they are one customer's"
        )
        return groups, [Finding(Trouble.COPIES, Severity.WARN, (), words, figures)]
    words = (
        f"{text}. Were rows added before (oversampling, a join that multiplies)? "
        "Copies are kept on one side of each split; train on the table as it was"
    )
    return _joined(groups, sets), [Finding(Trouble.COPIES, Severity.WARN, (), words, figures)]


def not_after(measured: NDArray[np.datetime64], window: NDArray[np.datetime64], mapping: Mapping) -> None:
    """Raises TableError if a row's features know of the time in which its answer is looked for.

    Measured at the very beginning of that time is early enough: leaving counts from after it.
    """
    late = measured > window
    unknown = int((np.isnat(measured) | np.isnat(window)).sum())
    if late.any() or unknown:
        row = int(np.flatnonzero(late)[0]) if late.any() else -1
        example = f" (the first is row {row + 1}: {measured[row]} and {window[row]})" if late.any() else ""
        raise TableError(
            f"columns {mapping.measured} and {mapping.window_start}: {int(late.sum())} rows have features "
            f"from the time in which leaving is looked for{example}, and {unknown} lack a date; "
            "no feature may be from after its beginning"
        )


def alone(values: NDArray[np.generic], y: NDArray[np.int64]) -> float:
    """ROC AUC of one feature by itself, cross-fitted in two halves: category rates, or a small tree over
    the number and whether it is missing."""
    p = np.zeros(len(y))
    for train, judge in StratifiedKFold(2, shuffle=True, random_state=0).split(y, y):
        if values.dtype == object:
            p[judge] = _rates(values[train], y[train], values[judge])
        else:
            matrix = _with_gaps(values.astype(float))
            tree = DecisionTreeClassifier(max_leaf_nodes=8, min_samples_leaf=5, random_state=0)
            p[judge] = tree.fit(matrix[train], y[train]).predict_proba(matrix[judge])[:, 1]
    return float(roc_auc_score(y, p))


def _useless(name: str, values: NDArray[np.generic]) -> Finding | None:
    text = values.dtype == object
    there = values[values != MISSING] if text else values[~np.isnan(values.astype(float))]
    rows, distinct = len(values), len(np.unique(there.astype(str) if text else there))
    if distinct == 0:
        return Finding(Trouble.EMPTY, Severity.DROP, (name,), f"{name}: is empty. Left out")
    if distinct == 1 and len(there) == rows:
        return Finding(
            Trouble.CONSTANT, Severity.DROP, (name,), f"{name}: has the same value in all rows. Left out"
        )
    whole = text or bool(np.all(np.mod(there.astype(float), 1) == 0))
    share = distinct / rows
    own = share > 0.95 and (text or rows >= 50)
    dense = text or bool(np.ptp(there.astype(float)) <= _DENSE * rows)
    figures = (("distinct", float(distinct)),)
    if whole and ((own and dense) or (share > 0.5 and _NAMES.search(name))):
        words = (
            f"{name}: an identifier ({distinct:,} different values in {rows:,} rows) says nothing about the "
            "next customer. Left out"
        )
        return Finding(Trouble.IDENTIFIER, Severity.DROP, (name,), words, figures)
    if whole and own:
        words = (
            f"{name}: whole numbers, {distinct:,} different ones in {rows:,} rows; taken as an amount. "
            "If they name customers, leave the column out"
        )
        return Finding(Trouble.IDENTIFIER, Severity.NOTE, (name,), words, figures)
    return None


def _kept(found: Finding, mapping: Mapping) -> Finding:
    if found.columns[0] not in mapping.keep:
        return found
    words = found.words[: found.words.rindex("Left out")] + "Kept, as the mapping says"
    return Finding(found.trouble, Severity.WARN, found.columns, words, found.figures, found.model)


def _dropped(findings: list[Finding]) -> set[str]:
    return {found.columns[0] for found in findings if found.severity is Severity.DROP}


def _some(rows: int) -> NDArray[np.int64]:
    if rows <= 4 * _SAMPLE:
        return np.arange(rows)
    return np.sort(np.random.default_rng(0).permutation(rows)[: 4 * _SAMPLE])


def _rates(
    known: NDArray[np.generic], y: NDArray[np.int64] | FloatArray, asked: NDArray[np.generic]
) -> FloatArray:
    names, codes = np.unique(known.astype(str), return_inverse=True)
    left, all_of = np.bincount(codes, y, len(names)), np.bincount(codes, minlength=len(names))
    share = float(y.mean())
    # Shrunk towards the mean of all, so that single rows decide nothing.
    rate = dict(zip(names.tolist(), ((left + 5 * share) / (all_of + 5)).tolist(), strict=True))
    return np.array([rate.get(str(value), share) for value in asked.tolist()])


def _with_gaps(values: FloatArray) -> FloatArray:
    empty = np.isnan(values)
    middle = float(np.median(values[~empty])) if not empty.all() else 0.0
    return np.column_stack([np.where(empty, middle, values), empty])


def _product(
    name: str, values: FloatArray, duration: FloatArray, numeric: Columns, of: str
) -> tuple[str, tuple[tuple[str, float], ...]]:
    best, factor = 0.0, ""
    for other, by in {**numeric, "": np.ones(len(values))}.items():
        product = duration * by.astype(float)
        there = (values > 0) & (product > 0)
        if other == name or there.sum() < 20:
            continue
        if min(np.std(np.log(values[there])), np.std(np.log(product[there]))) < 1e-9:
            continue
        together = float(np.corrcoef(np.log(values[there]), np.log(product[there]))[0, 1])
        if together > best + 1e-6:
            best, factor = together, other
    if best < _PRODUCT:
        return "", ()
    made = f"{of} × {factor}" if factor else f"a multiple of {of}"
    words = (
        f"{name}: is nearly {made} (correlation of logarithms {best:.4f}), so it holds the time that is to "
        "be predicted. Left out of the time to churn"
    )
    return words, (("correlation", best),)


def _order(
    name: str, values: FloatArray, duration: FloatArray, y: NDArray[np.int64]
) -> tuple[str, tuple[tuple[str, float], ...]]:
    there = np.flatnonzero(~np.isnan(values) & ~np.isnan(duration))
    there = there[_some(len(there))][:_SAMPLE]
    event = y[there].astype(bool)
    if event.sum() < 20:
        return "", ()
    c = concordance(event, duration[there], values[there])
    c = max(c, 1 - c)
    if not c >= _TELLS_TIME:
        return "", ()
    words = (
        f"{name}: alone it orders customers by their time with a C-index of {c:.3f}; it probably grows with "
        "time itself. Left out of the time to churn"
    )
    return words, (("c_index", c),)


def _bands(
    name: str, values: NDArray[np.generic], duration: FloatArray, of: str
) -> tuple[str, tuple[tuple[str, float], ...]]:
    """Categories as their mean rank of the duration, each half by what the other half says; the share of
    the ranks' variance that this explains (eta squared, cross-fitted so that rare categories add none)."""
    there = np.flatnonzero(~np.isnan(duration))
    ranks, text = rankdata(duration[there]), values[there].astype(str)
    if len(there) < _FEWEST_BANDED or np.ptp(ranks) == 0:
        return "", ()
    dice = np.random.default_rng(0).permutation(len(there))
    told = np.empty(len(there))
    for known, asked in ((dice[::2], dice[1::2]), (dice[1::2], dice[::2])):
        told[asked] = _rates(text[known], ranks[known], text[asked])
    explained = 1 - float(np.mean((ranks - told) ** 2) / np.var(ranks))
    if explained < _BANDS:
        return "", ()
    words = (
        f"{name}: its categories tell {explained:.0%} of the differences in {of}; they are probably bands "
        "of that time. Left out of the time to churn"
    )
    return words, (("explained", explained),)


def _joined(groups: NDArray[np.int64], sets: NDArray[np.int64]) -> NDArray[np.int64]:
    size = int(groups.max()) + 1 + int(sets.max()) + 1
    links = coo_array((np.ones(len(groups)), (groups, sets + int(groups.max()) + 1)), shape=(size, size))
    labels = connected_components(links, directed=False)[1]
    found: NDArray[np.int64] = labels[groups].astype(np.int64)
    return found
