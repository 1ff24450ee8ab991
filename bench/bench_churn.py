"""Churn: Keepwell's way of training against CatBoost, LightGBM and XGBoost, on the same folds.

Needs the rivals (the group `bench`) and KEEPWELL_DATA_DIR with telco.csv and saas_churn.csv.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.neighbors import NearestNeighbors

from bench.table import grid
from scoring.arrays import FloatArray
from scoring.churn import folds
from scoring.churn.encode import learn
from scoring.churn.evaluate import evaluate
from scoring.churn.figures import ece, figures, log_loss
from scoring.churn.mapping import Mapping, Settings
from scoring.churn.members import one_thread
from scoring.churn.results import Evaluation
from scoring.churn.table import Data, read

SETS = {
    "telco.csv": Mapping("Churn", customer="customerID", duration="tenure"),
    "saas_churn.csv": Mapping("churned", duration="months_active"),
}
C_INDEX = {"telco.csv": 0.864, "saas_churn.csv": 0.868}
AUC_WITHIN = 0.005
ECE_AT_MOST = {"telco.csv": 0.02}
SEED = 42


@dataclass(frozen=True)
class Result:
    """Out-of-fold probabilities of one contestant, and what it took."""

    p: FloatArray
    seconds: float


def rivals(text: list[str]) -> dict[str, Callable[[], object]]:
    """The rivals by name: their defaults, and settings of common sense for tables of this size."""
    from catboost import CatBoostClassifier  # noqa: PLC0415
    from lightgbm import LGBMClassifier  # noqa: PLC0415
    from xgboost import XGBClassifier  # noqa: PLC0415

    return {
        "CatBoost": lambda: CatBoostClassifier(
            verbose=0, random_seed=SEED, thread_count=2, cat_features=text, allow_writing_files=False
        ),
        "CatBoost, 300 × .05": lambda: CatBoostClassifier(
            iterations=300,
            learning_rate=0.05,
            depth=4,
            verbose=0,
            random_seed=SEED,
            thread_count=2,
            cat_features=text,
            allow_writing_files=False,
        ),
        "LightGBM": lambda: LGBMClassifier(verbose=-1, random_state=SEED, n_jobs=2),
        "LightGBM, 150 × .03": lambda: LGBMClassifier(
            verbose=-1, n_estimators=150, learning_rate=0.03, num_leaves=8, random_state=SEED, n_jobs=2
        ),
        "XGBoost": lambda: XGBClassifier(enable_categorical=True, random_state=SEED, n_jobs=2),
        "XGBoost, 150 × .05": lambda: XGBClassifier(
            n_estimators=150,
            learning_rate=0.05,
            max_depth=3,
            enable_categorical=True,
            random_state=SEED,
            n_jobs=2,
        ),
    }


def rival_results(data: Data, splits: tuple[folds.Split, ...]) -> dict[str, Result]:
    """Each rival on the features and folds of ours; they encode categories in their own way."""
    frame = pd.DataFrame(dict(data.churn_columns))
    text = [name for name, values in data.churn_columns.items() if values.dtype == object]
    coded = frame.astype(dict.fromkeys(text, "category"))
    found = {}
    for name, make in rivals(text).items():
        p, began = np.zeros(len(data.y)), time.perf_counter()
        table = frame if name.startswith("CatBoost") else coded
        for split in splits:
            model = make()
            model.fit(table.iloc[split.train], data.y[split.train])  # type: ignore[attr-defined]
            p[split.judge] = model.predict_proba(table.iloc[split.judge])[:, 1]  # type: ignore[attr-defined]
        found[name] = Result(p, time.perf_counter() - began)
    return found


def smote_enn(matrix: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """What tutorials do before they split: new customers halfway between neighbours who left (Chawla et al.
    2002), then whoever disagrees with a neighbour is thrown out (Wilson 1972)."""
    dice = np.random.default_rng(SEED)
    left = matrix[y == 1]
    near = NearestNeighbors(n_neighbors=6).fit(left).kneighbors(left, return_distance=False)[:, 1:]
    missing = int((y == 0).sum() - (y == 1).sum())
    start, pick = dice.integers(0, len(left), missing), dice.integers(0, 5, missing)
    part = dice.random(missing)[:, None]
    made = left[start] + part * (left[near[start, pick]] - left[start])
    wide, answers = np.vstack([matrix, made]), np.concatenate([y, np.ones(missing)])
    around = NearestNeighbors(n_neighbors=4).fit(wide).kneighbors(wide, return_distance=False)[:, 1:]
    agree = (answers[around] == answers[:, None]).all(axis=1)
    return wide[agree], answers[agree]


def honest_and_not(data: Data) -> tuple[float, float]:
    """ROC AUC of the same boosted trees with five folds: as the data are, and after SMOTE-ENN on all."""
    columns = data.churn_columns
    matrix, y = learn(columns).matrix(columns), data.y.astype(float)
    with one_thread():
        return _auc(matrix, y), _auc(*smote_enn(matrix, y))


def _auc(matrix: FloatArray, y: FloatArray) -> float:
    p = np.zeros(len(y))
    for split in folds.splits(y.astype(np.int64), 5, SEED):
        model = HistGradientBoostingClassifier(max_iter=150, learning_rate=0.05, random_state=SEED)
        p[split.judge] = model.fit(matrix[split.train], y[split.train]).predict_proba(matrix[split.judge])[
            :, 1
        ]
    return figures(y, p, 0.5).roc_auc


def show(name: str, data: Data, splits: tuple[folds.Split, ...], ours: Evaluation) -> list[str]:
    """Print the table of one data set; returns the aims that were missed."""
    y = data.y.astype(float)
    results = {"Keepwell, nested": Result(ours.p, ours.seconds), **rival_results(data, splits)}
    auc = {
        who: [figures(y[s.judge], found.p[s.judge], 0.5).roc_auc for s in splits]
        for who, found in results.items()
    }
    best = max((float(np.mean(values)), who) for who, values in auc.items() if who != "Keepwell, nested")
    rows = [
        [
            who,
            f"{np.mean(auc[who]):.4f}",
            f"{np.mean(auc[who]) - best[0]:+.4f}",
            f"{ece(y, found.p):.4f}",
            f"{np.mean((y - found.p) ** 2):.4f}",
            f"{log_loss(y, found.p):.4f}",
            f"{found.seconds:.0f}",
        ]
        for who, found in results.items()
    ]
    heads = ["what", "ROC AUC, mean of folds", f"to {best[1]}", "ECE", "Brier", "log loss", "seconds"]
    note = "Same features and five stratified folds, seed 42. ECE, Brier, log loss: all rows out of fold."
    grid(f"{name}: {len(y):,} customers, {y.mean():.1%} left", heads, rows, note)
    print(f"chosen: {'; '.join(sorted({fold.chosen for fold in ours.folds}))}")
    held = ours.coverage
    print(
        f"interval of a probability, promised {held.nominal:.0%}: {held.truth:.1%} of customers whose true "
        f"probability is known by construction, {held.rates:.0%} of {held.groups} groups' rates "
        f"({held.rates_bare:.0%} without chance); mean width {held.width:.3f}"
    )
    least = min(ece(y, found.p) for who, found in results.items() if who != "Keepwell, nested")
    return _missed(name, float(np.mean(auc["Keepwell, nested"])) - best[0], ece(y, ours.p), least, ours)


def _missed(name: str, ahead: float, our_ece: float, least: float, ours: Evaluation) -> list[str]:
    limit = ECE_AT_MOST.get(name, least)
    missed = []
    if ahead < -AUC_WITHIN:
        missed.append(f"{name}: ROC AUC is {-ahead:.4f} below the best, more than {AUC_WITHIN}")
    if our_ece > limit:
        missed.append(f"{name}: ECE {our_ece:.4f} is above {limit:.4f}")
    if ours.survival is not None:
        time_to = ours.survival
        print(
            f"time to churn: C-index {time_to.c_index:.4f} ± {time_to.c_index_spread:.4f} "
            f"(aim {C_INDEX[name]}), integrated Brier {time_to.brier:.4f} "
            f"(Kaplan-Meier {time_to.baseline_brier:.4f})"
        )
        for mark in time_to.coverage:
            print(
                f"  stayed {mark.months:.0f} months: {mark.customers:,} customers, left before the low end "
                f"{mark.before:.1%}, after the high end {mark.after:.1%} of the {mark.closed:.0%} "
                f"who have one, within {mark.within:.1%} (promised {time_to.nominal:.0%})"
            )
        if time_to.c_index < C_INDEX[name]:
            missed.append(f"{name}: C-index {time_to.c_index:.4f} is below {C_INDEX[name]}")
    return missed


def main() -> None:
    """Measure and print; ends with 1 if an aim was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="processes side by side")
    parser.add_argument("--only", choices=sorted(SETS), help="one data set")
    asked = parser.parse_args()
    if not all(find_spec(name) for name in ("catboost", "lightgbm", "xgboost")):
        print("churn models: not measured, the rivals are not installed; `make bench-churn` does that")
        return
    folder = os.environ.get("KEEPWELL_DATA_DIR")
    if not folder:
        raise SystemExit("set KEEPWELL_DATA_DIR to the folder of telco.csv and saas_churn.csv")
    missed: list[str] = []
    for name, mapping in SETS.items():
        if asked.only not in {None, name}:
            continue
        frame = pd.read_csv(Path(folder) / name)
        data = read(frame, mapping)
        splits = folds.splits(data.y, 5, SEED, data.groups)
        missed += show(name, data, splits, evaluate(frame, mapping, Settings(seed=SEED, jobs=asked.jobs)))
        before, after = honest_and_not(data)
        print(f"how 0.99 comes about: ROC AUC {before:.3f}; {after:.3f} with SMOTE-ENN before the split\n")
    if missed:
        raise SystemExit("missed: " + "; ".join(missed))


if __name__ == "__main__":
    main()
