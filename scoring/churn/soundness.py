"""Checks of estimators that come from a file, before they are used: trees must lead nowhere but downwards
within themselves, and read no feature that is not there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from scoring.churn.errors import ModelFileError


def check_estimator(found: Any, width: int) -> None:
    """Raises ModelFileError unless `found` is a kind of ours, fitted on `width` columns, with sound trees."""
    if type(found) is LogisticRegression:
        if np.shape(found.coef_) != (1, width):
            raise _broken("its logistic regression has another number of columns")
    elif type(found) is RandomForestClassifier:
        for tree in found.estimators_:
            if type(tree) is not DecisionTreeClassifier:
                raise _broken("its forest holds something else than trees")
            nodes = tree.tree_
            _check(nodes.children_left, nodes.children_right, nodes.feature, nodes.children_left < 0, width)
    elif type(found) in {HistGradientBoostingClassifier, HistGradientBoostingRegressor}:
        for trees in found._predictors:
            for tree in trees:
                nodes = tree.nodes
                leaf = nodes["is_leaf"].astype(bool)
                if nodes["is_categorical"].any():
                    raise _broken("its boosted trees hold tables of categories, which ours never do")
                left, right = (nodes[side].astype(np.int64) for side in ("left", "right"))
                _check(left, right, nodes["feature_idx"], leaf, width)
    else:
        raise _broken(f"it holds a {type(found).__name__}, which no model of ours does")


def _check(
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    feature: NDArray[np.int64],
    leaf: NDArray[np.bool_],
    width: int,
) -> None:
    count = len(left)
    inner = ~leaf
    here = np.arange(count)[inner]
    for children in (left[inner], right[inner]):
        # Children come after their parent, so every way down ends.
        if (children <= here).any() or (children >= count).any():
            raise _broken("a tree's branches lead outside of it")
    if not count or (feature[inner] < 0).any() or (feature[inner] >= width).any():
        raise _broken("a tree asks for a column that is not there")


def _broken(reason: str) -> ModelFileError:
    return ModelFileError(f"the model file was changed: {reason}. Do not use it; train the model again")
