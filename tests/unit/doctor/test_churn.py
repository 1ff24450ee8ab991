"""The churn model in use: what was saved, predicting, and pinned."""

from __future__ import annotations

import hashlib
from datetime import datetime

import pytest

from keepwell.db.repositories import churn_models as models
from keepwell.db.repositories.churn_predictions import keep
from keepwell.db.tables import ChurnModel
from keepwell.doctor import churn
from keepwell.doctor.findings import Note
from tests.unit.db.world import DAY, NOW, World
from tests.unit.doctor.conftest import MakeScene

CONTENT = b"the bytes of a model"


def add(world: World, at: datetime) -> str:
    """Another version of our own customers' model; its id."""
    with world.store.write() as session:
        row = models.add(
            session,
            organisation=world.organisation,
            name="customers",
            card={},
            content=(CONTENT, hashlib.sha256(CONTENT).hexdigest()),
            time_content=None,
            at=at,
            by="schedule",
        )
        return row.id


def use(world: World, model: str, at: datetime, *, back: bool = False) -> None:
    with world.store.write() as session:
        models.promote(session, session.get_one(ChurnModel, model), at=at, by="vera", why="x", back=back)


def predict(world: World, model: str, at: datetime) -> None:
    row = {
        "id": f"p{at:%d}", "organisation_id": world.organisation, "customer_id": "acme", "model_id": model,
        "at": at, "probability": 0.3, "low": 0.2, "high": 0.4, "category": "low", "months": None,
        "months_low": None, "months_high": None,
    }  # fmt: skip
    with world.store.write() as session:
        keep(session, [row])


def look(world: World, make_scene: MakeScene) -> Note:
    (found,) = churn.model(make_scene(world=world))
    return found


@pytest.fixture
def used(world: World) -> str:
    """The id of a model that came into use ten days ago."""
    world.customer("acme")
    found = add(world, NOW - 10 * DAY)
    use(world, found, NOW - 10 * DAY)
    return found


def test_no_model_is_well(world: World, make_scene: MakeScene) -> None:
    found = look(world, make_scene)
    assert (found.kind, "keepwell churn train" in found.found) == ("ok", True)


def test_one_that_predicted_last_night_is_well(world: World, used: str, make_scene: MakeScene) -> None:
    predict(world, used, NOW - DAY)
    assert look(world, make_scene) == Note("ok", "customers@1 is in use")


def test_one_that_was_tampered_with(world: World, used: str, make_scene: MakeScene) -> None:
    predict(world, used, NOW - DAY)
    world.change(ChurnModel, used, content=CONTENT + b"x")
    found = look(world, make_scene)
    assert (found.kind, "customers@1 is not the model that was saved" in found.found) == ("problem", True)
    assert "rollback customers --why" in found.todo


def test_nights_without_a_prediction(world: World, used: str, make_scene: MakeScene) -> None:
    predict(world, used, NOW - 3 * DAY)
    found = look(world, make_scene)
    assert found.kind == "warning"
    assert "nothing was predicted since" in found.found
    assert "keepwell churn predict" in found.todo


def test_a_night_that_failed_and_the_one_after(world: World, used: str, make_scene: MakeScene) -> None:
    predict(world, used, NOW - 2 * DAY)
    with world.store.write() as session:
        why = "to predict: the table has no column x\nTrain anew"
        models.not_predicted(session, world.organisation, "customers", NOW - DAY, "schedule", why)
    found = look(world, make_scene)
    assert found.kind == "problem"
    assert found.found.endswith("to predict: the table has no column x")
    assert found.todo == "Train anew"
    predict(world, used, NOW)
    assert look(world, make_scene).kind == "ok"


def test_a_pinned_one_says_how_many_wait(world: World, used: str, make_scene: MakeScene) -> None:
    second = add(world, NOW - 5 * DAY)
    use(world, second, NOW - 5 * DAY)
    use(world, used, NOW - 4 * DAY, back=True)
    add(world, NOW - 3 * DAY)
    predict(world, used, NOW)
    found = look(world, make_scene)
    assert found.kind == "ok"
    assert "pinned by vera: 1 model waits for a person" in found.found
