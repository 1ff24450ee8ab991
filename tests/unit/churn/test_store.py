"""Saved models: the same when read back, refused when touched."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.ensemble import ExtraTreesClassifier

from scoring.churn.errors import ModelFileError
from scoring.churn.explain import explain
from scoring.churn.model import ChurnModel
from scoring.churn.soundness import check_estimator
from scoring.churn.store import MAGIC, TRUSTED, from_bytes, to_bytes


@pytest.fixture(scope="module")
def saved(model: ChurnModel) -> bytes:
    return to_bytes(model)


def signed(body: bytes) -> bytes:
    """The bytes as somebody writes them who knows the format."""
    return MAGIC + hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def test_a_model_read_back_says_the_same(customers: pd.DataFrame, model: ChurnModel, saved: bytes) -> None:
    again = from_bytes(saved)
    assert again.predict(customers) == model.predict(customers)
    assert (again.card, again.mapping, again.settings) == (model.card, model.mapping, model.settings)
    assert explain(again, customers, 3) == explain(model, customers, 3)


@pytest.mark.parametrize("family", ["forest", "boosting", "logistic"])
def test_every_kind_of_member_can_be_saved(customers: pd.DataFrame, model: ChurnModel, family: str) -> None:
    from scoring.churn.members import Size, member

    ensemble = model.classifier.ensemble
    columns, _ = model.read(customers)
    matrix = ensemble.encoder.matrix(columns)
    y = (customers["left"] == "Yes").to_numpy().astype(int)
    fitted = member(family, "deep" if family == "boosting" else "fine", Size(5, 5), 1).fit(matrix, y)
    one = replace(model, classifier=replace(model.classifier, ensemble=replace(ensemble, members=(fitted,))))
    assert from_bytes(to_bytes(one)).predict(customers) == one.predict(customers)


def test_damage_is_found(saved: bytes) -> None:
    middle = len(saved) // 2
    for wrong in (
        saved[:middle] + bytes([saved[middle] ^ 1]) + saved[middle + 1 :],
        saved[:-1],
        saved + b"x",
    ):
        with pytest.raises(ModelFileError, match="changed or is not complete"):
            from_bytes(wrong)
    for wrong in (b"", b"\x80\x04pickle", saved[1:]):
        with pytest.raises(ModelFileError, match="not a churn model"):
            from_bytes(wrong)
    with pytest.raises(ModelFileError, match="holds no model"):
        from_bytes(signed(b"no zip"))


def test_a_file_with_another_type_builds_nothing(saved: bytes) -> None:
    evil = skops.io.dumps({"card": print, "x": ExtraTreesClassifier()})
    with pytest.raises(ModelFileError, match=r"not trusted: .*print"):
        from_bytes(signed(evil))
    assert "builtins.print" not in TRUSTED


def test_a_file_that_lacks_parts_is_refused() -> None:
    with pytest.raises(ModelFileError, match="cannot be read"):
        from_bytes(signed(skops.io.dumps({"card": {}})))
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w") as parts:
        parts.writestr("readme", "nothing")
    with pytest.raises(ModelFileError, match="cannot be read"):
        from_bytes(signed(empty.getvalue()))


def test_trees_that_lead_astray_are_refused(customers: pd.DataFrame, model: ChurnModel) -> None:
    from scoring.churn.members import Size, member

    dice = np.random.default_rng(0)
    matrix, y = dice.normal(size=(200, 3)), dice.integers(0, 2, 200)
    boosting = member("boosting", "shallow", Size(3, 3), 1).fit(matrix, y)
    check_estimator(boosting, 3)
    nodes = boosting._predictors[0][0].nodes  # type: ignore[attr-defined]
    was = int(nodes["left"][0])
    for left in (10_000, 0):
        nodes["left"][0] = left
        with pytest.raises(ModelFileError, match="outside of it"):
            check_estimator(boosting, 3)
    nodes["left"][0] = was
    with pytest.raises(ModelFileError, match="column that is not there"):
        check_estimator(member("forest", "fine", Size(3, 3), 1).fit(matrix, y), 1)
    with pytest.raises(ModelFileError, match="ExtraTreesClassifier"):
        check_estimator(ExtraTreesClassifier(2).fit(matrix, y), 3)
