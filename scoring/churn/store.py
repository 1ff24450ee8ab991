"""A model as bytes and back. No code is in them: skops keeps values and names types, of which only those
named here are built. Pickle is never used."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import skops.io

from scoring.churn.calibrate import Calibrator
from scoring.churn.classify import Classifier, Ensemble
from scoring.churn.encode import from_state
from scoring.churn.errors import ModelFileError
from scoring.churn.hazard import Boosted, Cox
from scoring.churn.mapping import Mapping, Settings
from scoring.churn.model import ChurnModel
from scoring.churn.results import Card, Finding, Severity, Trouble
from scoring.churn.soundness import check_estimator
from scoring.churn.survive import Survival

MAGIC = b"keepwell churn model 1\n"
TRUSTED = frozenset(
    {
        "sklearn.tree._tree.Tree",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    }
)
"""Types beyond skops' own list that may be built. Both only hold arrays; `soundness` checks these, as a
tree whose branches lead outside of it would make its compiled code read foreign memory."""

_MOST_BYTES = 2_000_000_000


def to_bytes(model: ChurnModel) -> bytes:
    """The model as bytes: a line that says what it is, the SHA-256 of the rest, the rest."""
    state = {
        "card": _card_state(model.card),
        "mapping": {key: _listed(value) for key, value in asdict(model.mapping).items()},
        "settings": asdict(model.settings),
        "numeric": list(model.numeric),
        "categorical": list(model.categorical),
        "ensemble": _ensemble_state(model.classifier.ensemble),
        "refits": [_ensemble_state(refit) for refit in model.classifier.refits],
        "survival": None if model.survival is None else _survival_state(model.survival),
        "background": {name: values.tolist() for name, values in model.background.items()},
    }
    body: bytes = skops.io.dumps(state, compression=zipfile.ZIP_DEFLATED, compresslevel=6)
    return MAGIC + hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def from_bytes(data: bytes) -> ChurnModel:
    """The model of `to_bytes`. Raises ModelFileError, before anything is built, where the bytes are not a
    churn model, were changed or cut, or name a type that is not trusted.

    The checksum finds damage. Somebody who can write the store could compute it anew; they get no further
    than the list of types and the checks of what these hold.
    """
    body = _body(data)
    try:
        asked = set(skops.io.get_untrusted_types(data=body))
        strange = sorted(asked - TRUSTED)
        if strange:
            raise ModelFileError(
                f"the model file asks for types that are not trusted: {', '.join(strange[:5])}; "
                "nothing was loaded. Do not use it; train the model again"
            )
        state = skops.io.loads(body, trusted=sorted(asked))
        return _model(state)
    except ModelFileError:
        raise
    except Exception as error:
        # Whatever the reason, to the reader it is the same: these bytes are no model of ours.
        raise ModelFileError(
            f"the model file cannot be read ({type(error).__name__}: {str(error)[:200]}); it was changed, or "
            "made by another version of the libraries. Train the model again"
        ) from error


def _body(data: bytes) -> bytes:
    if not data.startswith(MAGIC):
        raise ModelFileError(
            "these bytes are not a churn model of this version; give a file that was saved by training"
        )
    digest, _, body = data[len(MAGIC) :].partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise ModelFileError(
            "the model file was changed or is not complete (its checksum does not fit); nothing was loaded. "
            "Take an untouched copy, or train the model again"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as parts:
            size = sum(part.file_size for part in parts.infolist())
    except zipfile.BadZipFile as error:
        raise ModelFileError("the model file holds no model; train the model again") from error
    if size > _MOST_BYTES:
        raise ModelFileError(f"the model file would unpack to {size:,} bytes; models are far smaller")
    return body


def _listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _card_state(card: Card) -> dict[str, Any]:
    state = {field.name: _listed(getattr(card, field.name)) for field in fields(card)}
    state["versions"] = [list(pair) for pair in card.versions]
    state["findings"] = [
        {
            "trouble": str(found.trouble),
            "severity": str(found.severity),
            "columns": list(found.columns),
            "words": found.words,
            "figures": [list(pair) for pair in found.figures],
            "model": found.model,
        }
        for found in card.findings
    ]
    return state


def _ensemble_state(found: Ensemble) -> dict[str, Any]:
    curve = found.calibrator
    return {
        "encoder": found.encoder.state(),
        "members": list(found.members),
        "calibrator": [curve.kind, curve.x, curve.y],
    }


def _survival_state(found: Survival) -> dict[str, Any]:
    return {
        "encoder": found.encoder.state(),
        "kind": found.kind,
        "cox": None if found.cox is None else [found.cox.coefficients, found.cox.times, found.cox.baseline],
        "boosted": None if found.boosted is None else [found.boosted.edges, found.boosted.trees],
        "curves": [found.grid, found.marks, found.told, found.true],
        "level": found.level,
    }


def _model(state: dict[str, Any]) -> ChurnModel:
    card = dict(state["card"])
    card["findings"] = tuple(_finding(found) for found in card["findings"])
    card["versions"] = tuple((str(name), str(version)) for name, version in card["versions"])
    for name in ("features", "time_features"):
        card[name] = tuple(card[name])
    settings = Settings(**state["settings"])
    mapping: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in state["mapping"].items()
    }
    texts = set(state["categorical"])
    background = {
        name: np.array(values, dtype=object if name in texts else float)
        for name, values in state["background"].items()
    }
    return ChurnModel(
        card=Card(**card),
        mapping=Mapping(**mapping),
        settings=settings,
        numeric=tuple(state["numeric"]),
        categorical=tuple(state["categorical"]),
        classifier=Classifier(
            _ensemble(state["ensemble"]), tuple(_ensemble(refit) for refit in state["refits"]), settings.level
        ),
        survival=None if state["survival"] is None else _survival(state["survival"]),
        background=background,
    )


def _finding(state: dict[str, Any]) -> Finding:
    return Finding(
        Trouble(state["trouble"]),
        Severity(state["severity"]),
        tuple(state["columns"]),
        str(state["words"]),
        tuple((str(name), float(value)) for name, value in state["figures"]),
        str(state["model"]),
    )


def _ensemble(state: dict[str, Any]) -> Ensemble:
    encoder = from_state(state["encoder"])
    width = encoder.blocks()[encoder.names[-1]].stop
    for member in state["members"]:
        check_estimator(member, width)
    kind, x, y = state["calibrator"]
    return Ensemble(encoder, tuple(state["members"]), Calibrator(str(kind), np.asarray(x), np.asarray(y)))


def _survival(state: dict[str, Any]) -> Survival:
    encoder = from_state(state["encoder"])
    width = encoder.blocks()[encoder.names[-1]].stop
    cox = None if state["cox"] is None else Cox(*(np.asarray(part, dtype=float) for part in state["cox"]))
    boosted = None
    if state["boosted"] is not None:
        edges, trees = state["boosted"]
        check_estimator(trees, width + 1)
        boosted = Boosted(np.asarray(edges, dtype=float), trees)
    grid, marks, told, true = (np.asarray(part, dtype=float) for part in state["curves"])
    return Survival(encoder, str(state["kind"]), cox, boosted, grid, marks, told, true, float(state["level"]))
