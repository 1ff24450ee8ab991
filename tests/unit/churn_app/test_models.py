"""`keepwell churn models`: one of a name in use, the way back, and what was tampered with."""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from pandas import DataFrame
from sqlmodel import col, select

from keepwell.churn.saved import open_model, packed
from keepwell.churn.service import ChurnService
from keepwell.churn.verdict import Verdict, judge
from keepwell.contracts.churn import ChurnCall, ChurnTrained
from keepwell.db.engine import Store
from keepwell.db.repositories import churn_models as models
from keepwell.db.tables import ChurnModel, ChurnPrediction, Event
from keepwell.errors import RefusedError
from scoring.churn.held_out import HeldOut
from scoring.churn.mapping import Mapping
from scoring.churn.model import train as train_model
from tests.unit.churn_app.conftest import QUICK, TRAINED_AT
from tests.unit.churn_app.portfolio import worse
from tests.unit.cli.conftest import Cli
from tests.unit.db.world import DAY, World

ORG = "org-1"


def add_copy(store: Store) -> str:
    """Another version with the same content, as a candidate."""
    with store.write() as session:
        first = session.exec(select(ChurnModel).where(col(ChurnModel.version) == 1)).one()
        row = models.add(
            session,
            organisation=ORG,
            name=first.name,
            card=first.card,
            content=(first.content, first.sha256),
            time_content=None,
            at=TRAINED_AT + DAY,
            by="ada",
        )
        return models.label(row)


def states(store: Store) -> dict[str, str]:
    with store.read() as session:
        return {models.label(row): row.state for row in models.all_models(session, ORG)}


def journal(store: Store) -> list[tuple[str, str, str]]:
    with store.read() as session:
        rows = session.exec(select(Event).where(col(Event.kind).startswith("churn_model.")))
        return [(row.kind, row.by, row.why) for row in sorted(rows, key=lambda row: row.id)]


def test_without_a_model_the_list_says_how_to_make_one(cli: Cli, world: World) -> None:
    assert "Train one: keepwell churn train" in cli("churn", "models").out
    assert cli("churn", "models", "show", "customers").code == 3


def test_the_list_and_the_card(cli: Cli, trained: Store) -> None:
    out = cli("churn", "models", "list").out
    for part in ("→", "customers@1", "in use", "ROC AUC"):
        assert part in out
    card = cli("churn", "models", "show", "customers")
    assert card.code == 0
    for part in ("days_since_last_login", "our own customers as of", "rows that it has not seen", "SHA-256"):
        assert part in card.out
    shown = cli("churn", "models", "show", "customers@1", "--json").json
    assert shown["state"] == "in_use"
    assert shown["card"]["model"]["trained_at"] == TRAINED_AT.isoformat()
    held = shown["card"]["held_out"]
    assert held["log_loss"] < held["baseline_log_loss"]
    assert dict(shown["card"]["model"]["versions"])["scikit-learn"]
    assert shown["card"]["time_model"]["time_choice"]


def test_promote_and_roll_back_with_who_and_why(cli: Cli, trained: Store) -> None:
    assert add_copy(trained) == "customers@2"
    promoted = cli("churn", "models", "promote", "customers@2", "--why", "tried by hand", "--by", "Vera")
    assert promoted.code == 0, promoted.err
    assert "customers@2 is in use instead of customers@1" in promoted.out
    assert states(trained) == {"customers@2": "in_use", "customers@1": "retired"}
    again = cli("churn", "models", "promote", "customers@2", "--why", "again")
    assert (again.code, "is in use already" in again.err) == (4, True)
    back = cli("churn", "models", "rollback", "--why", "worse at work", "--by", "Vera", "--json")
    assert back.json == {"in_use": "customers@1", "instead_of": "customers@2", "pinned": True}
    assert states(trained) == {"customers@2": "retired", "customers@1": "in_use"}
    further = cli("churn", "models", "rollback", "--why", "further")
    assert (further.code, "No model of 'customers' was in use before customers@1" in further.err) == (4, True)
    assert journal(trained)[-2:] == [
        ("churn_model.promoted", "Vera", "tried by hand"),
        ("churn_model.rolled_back", "Vera", "worse at work"),
    ]


def test_a_reason_is_asked_for(cli: Cli, trained: Store) -> None:
    add_copy(trained)
    assert cli("churn", "models", "promote", "customers@2").code == 2
    assert cli("churn", "models", "promote", "customers@2", "--why", " ").code == 2
    assert states(trained)["customers@2"] == "candidate"


@pytest.mark.parametrize("text", ["customers@9", "nobody", "customers@x"])
def test_a_model_that_is_not_there(cli: Cli, trained: Store, text: str) -> None:
    told = cli("churn", "models", "show", text)
    assert told.code in (2, 3)
    assert "customers@" in told.err


@pytest.mark.parametrize("what", ["content", "time_content"])
def test_a_model_with_another_hash_is_refused_and_nothing_stored(cli: Cli, trained: Store, what: str) -> None:
    with trained.write() as session:
        row = session.exec(select(ChurnModel)).one()
        content: bytes = getattr(row, what)
        setattr(row, what, content[:-1] + bytes([content[-1] ^ 1]))
    told = cli("churn", "predict")
    assert told.code == 4
    assert "customers@1 is not the one that was saved: its content has another hash" in told.err
    assert "Nothing of it was run" in told.err
    with trained.read() as session:
        assert session.exec(select(ChurnPrediction)).all() == []
    answer = ChurnService(trained).predict(ChurnCall(organisation=ORG, as_of=TRAINED_AT, by="schedule"))
    assert (answer.predicted, "another hash" in answer.why) == (0, True)


def test_bytes_that_are_no_model_are_refused_also_with_the_right_hash(trained: Store) -> None:
    content = pickle.dumps({"not": "a model"})
    with trained.write() as session:
        row = session.exec(select(ChurnModel)).one()
        row.content, row.sha256 = content, hashlib.sha256(content).hexdigest()
    with trained.read() as session:
        row = session.exec(select(ChurnModel)).one()
        with pytest.raises(RefusedError, match="cannot be loaded: these bytes are not a churn model"):
            open_model(row)


def test_a_tampered_model_does_not_come_back_into_use(cli: Cli, trained: Store) -> None:
    add_copy(trained)
    assert cli("churn", "models", "promote", "customers@2", "--why", "try").code == 0
    with trained.write() as session:
        row = session.exec(select(ChurnModel).where(col(ChurnModel.version) == 1)).one()
        row.content = row.content + b"x"
    told = cli("churn", "models", "rollback", "--why", "back")
    assert (told.code, "another hash" in told.err) == (4, True)
    assert states(trained) == {"customers@2": "in_use", "customers@1": "retired"}


def test_the_same_moment_trains_none_and_a_copy_is_not_better(trained: Store) -> None:
    service = ChurnService(trained, settings=QUICK)
    call = ChurnCall(organisation=ORG, as_of=TRAINED_AT, by="schedule")
    assert service.train(call).model == "customers@1"
    later = call.model_copy(update={"as_of": TRAINED_AT + timedelta(minutes=1)})
    outcome = service.train(later)
    assert (outcome.state, outcome.model) == ("rejected", "customers@2")
    assert "Not better than customers@1: both have the same log loss, 0." in outcome.why
    assert "rows held out" in outcome.why
    todo = "customers@1 stays in use. To take customers@2 into use anyway: keepwell churn models promote"
    assert todo in outcome.why
    assert service.train(later) == outcome, "a second attempt gives the same answer"
    assert states(trained) == {"customers@1": "in_use", "customers@2": "rejected"}
    assert journal(trained)[-1][0] == "churn_model.rejected"


def test_too_young_data_are_an_answer_with_a_line_in_the_journal(world: World) -> None:
    world.customer("new")
    call = ChurnCall(organisation=ORG, as_of=TRAINED_AT, by="schedule")
    outcome = ChurnService(world.store).train(call)
    assert (outcome.state, outcome.model) == ("not_trained", "")
    assert "nothing was measured yet" in outcome.why
    assert journal(world.store)[-1][0] == "churn_model.not_trained"
    predicted = ChurnService(world.store).predict(call)
    assert (predicted.predicted, predicted.why) == (0, "no churn model of our own customers is in use")


def test_our_own_customers_are_judged_in_the_order_of_time_and_apart(cli: Cli, trained: Store) -> None:
    done = cli("churn", "evaluate", "--quick", "--folds", "3", "--json")
    assert done.code == 0, done.out + done.err
    found = done.json
    assert "in the order of time" in found["split"]
    assert "all rows of a customer on one side" in found["split"]
    assert found["pooled"]["roc_auc"] > 0.7


def test_what_came_back_by_a_rollback_stays_until_a_person_says_otherwise(cli: Cli, trained: Store) -> None:
    add_copy(trained)
    assert cli("churn", "models", "promote", "customers@2", "--why", "try").code == 0
    told = cli("churn", "models", "rollback", "--why", "worse at work", "--by", "Vera")
    assert "It stays until a person says otherwise" in told.out
    assert "in use, pinned" in cli("churn", "models", "list").out
    assert "models trained later wait" in cli("churn", "models", "show", "customers").out
    free = cli("churn", "models", "promote", "customers@1", "--why", "all is well", "--by", "Vera")
    assert free.code == 0, free.err
    assert "customers@1 stays in use, and a better one takes its place by itself again" in free.out
    assert "pinned" not in cli("churn", "models", "list").out
    assert journal(trained)[-1] == ("churn_model.let_go", "Vera", "all is well")
    again = cli("churn", "models", "promote", "customers@1", "--why", "again")
    assert (again.code, "is in use already" in again.err) == (4, True)


def train(store: Store, minutes: int) -> ChurnTrained:
    at = TRAINED_AT + timedelta(minutes=minutes)
    call = ChurnCall(organisation=ORG, as_of=at, by="schedule")
    return ChurnService(store, settings=QUICK).train(call)


def test_a_better_one_waits_for_a_person_after_a_rollback(cli: Cli, trained: Store) -> None:
    add_copy(trained)
    assert cli("churn", "models", "promote", "customers@2", "--why", "try").code == 0
    assert cli("churn", "models", "rollback", "--why", "worse at work", "--by", "Vera").code == 0
    worse(trained)
    waits = train(trained, 1)
    assert (waits.state, waits.model) == ("candidate", "customers@3")
    assert "Better than customers@1: log loss 0." in waits.why
    assert "It waits: Vera went back to customers@1" in waits.why
    assert "(worse at work)" in waits.why
    assert "keepwell churn models promote customers@3 --why" in waits.why
    assert states(trained)["customers@1"] == "in_use"
    assert journal(trained)[-1][0] == "churn_model.candidate"
    assert cli("churn", "models", "promote", "customers@1", "--why", "let it go on").code == 0
    goes_on = train(trained, 2)
    assert (goes_on.state, goes_on.model) == ("in_use", "customers@4")


def test_one_that_came_into_use_during_the_training_is_not_replaced(
    trained: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    worse(trained)
    add_copy(trained)

    def meanwhile(*arguments: object) -> Verdict:
        found = judge(*arguments)  # type: ignore[arg-type]
        with trained.write() as session:
            row = models.usable(session, ORG, "customers@2")
            models.promote(session, row, at=TRAINED_AT, by="Vera", why="by hand")
        return found

    monkeypatch.setattr("keepwell.churn.registry.judge", meanwhile)
    outcome = train(trained, 1)
    assert outcome.state == "candidate"
    assert "While it was trained, customers@2 came into use" in outcome.why
    assert "customers@2 stays in use" in outcome.why


def test_one_that_cannot_be_opened_leaves_the_decision_to_a_person(cli: Cli, trained: Store) -> None:
    with trained.write() as session:
        row = session.exec(select(ChurnModel)).one()
        row.content = row.content[:-1]
    outcome = train(trained, 1)
    assert (outcome.state, outcome.model) == ("candidate", "customers@2")
    assert "It cannot be compared with customers@1: The churn model customers@1 is not the one" in outcome.why
    assert "A person has to decide." in outcome.why
    assert cli("churn", "models", "promote", "customers@2", "--why", "the old one is broken").code == 0
    assert cli("churn", "predict", "--json").json["model"] == "customers@2"


def test_a_metric_that_the_scorecard_no_longer_has_is_missing_for_the_older_model() -> None:
    """As at prediction; for a model of a file, a column that is not there stays an error."""
    dice = np.random.default_rng(4)
    known, gone = dice.normal(size=(2, 240))
    frame = DataFrame({"who": range(240), "known": known, "gone": gone, "left": known + gone > 0.3})
    frame["left"] ^= dice.random(240) < 0.1
    small = replace(QUICK, refits=0)
    old = train_model(frame, Mapping(target="left", customer="who"), small)
    now = frame.drop(columns="gone")
    new = train_model(now, Mapping(target="left", customer="who"), small)
    content, sha256 = packed(old)
    card = {"held_out_by": ["who"], "mapping": {"features": ["known", "gone"]}}
    for name, compared in (("customers", True), ("telco", False)):
        row = ChurnModel(
            organisation_id=ORG,
            name=name,
            version=1,
            state="in_use",
            card=card,
            content=content,
            sha256=sha256,
            trained_at=TRAINED_AT,
        )
        verdict = judge(row, new, HeldOut(now, now, ("who",)))
        assert (verdict.comparison is not None) is compared
        assert ("no column gone" in verdict.why) is not compared
